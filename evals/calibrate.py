"""Trains the confidence model on simulated incidents of its own seed space: `cx calibrate`.

Worlds, not incidents, are split into folds. Of the incidents some are true and seen inexactly, some withhold the
tables of their cause (then `other` is right), some are the worst that chance offers (then `none` is right), and in
every few worlds they are the detector's own.
"""

from collections.abc import Callable
from pathlib import Path

from evals.fitting import fit
from evals.parallel import side_by_side
from evals.samples import Place, Sample, simulate
from tools.confidence import ConfidenceModel

Progress = Callable[[int, int], None]
"""Called with the incidents made so far and the number wanted."""


def calibrate(
    out: Path, *, incidents: int = 900, workers: int = 2, progress: Progress = lambda _made, _wanted: None
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
    for found in side_by_side(simulate, [Place(index) for index in range(incidents)], workers=workers):
        samples.extend(found)
        progress(min(len(samples), incidents), incidents)
        if len(samples) >= incidents:
            break
    model = fit(samples)
    partial = out.with_name(out.name + ".partial")
    partial.write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")
    partial.replace(out)
    return model
