"""Trains the confidence model on simulated incidents of its own seed space: `cx calibrate`.

Worlds, not incidents, are split into folds. Of the incidents some are true and seen inexactly, some withhold the
tables of their cause (then `other` is right), some are the worst that chance offers (then `none` is right), and in
every few worlds they are the detector's own.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from evals.fitting import fit
from evals.samples import Sample, simulate
from tools.confidence import ConfidenceModel

Progress = Callable[[int, int], None]
"""Called with the incidents made so far and the number wanted."""

PER_BATCH: Final = 8


def calibrate(
    out: Path, *, incidents: int = 320, workers: int = 2, progress: Progress = lambda _made, _wanted: None
) -> ConfidenceModel:
    """Simulate, fit and write the model.

    Args:
        out: where the model's JSON goes; written only when everything succeeded.
        incidents: how many to simulate at least.
        workers: processes; 1 runs in this one.
        progress: called after every world.

    Raises:
        ValueError: too few incidents to fit.
    """
    if incidents < 40:
        raise ValueError(f"incidents = {incidents}: at least 40 are needed")
    samples: list[Sample] = []
    for found in _worlds(incidents, workers):
        samples.extend(found)
        progress(min(len(samples), incidents), incidents)
        if len(samples) >= incidents:
            break
    model = fit(samples)
    partial = out.with_name(out.name + ".partial")
    partial.write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")
    partial.replace(out)
    return model


def _worlds(incidents: int, workers: int) -> Iterator[tuple[Sample, ...]]:
    """Samples world by world, in order of the worlds, whatever the workers."""
    if workers == 1:
        yield from map(simulate, range(incidents))
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=20) as pool:
        for first in range(0, incidents, PER_BATCH):
            yield from pool.map(simulate, range(first, first + PER_BATCH))
