"""How right and how honest causes are, on held-out simulated incidents: the report of `cx eval rca`.

The incidents come from worlds of a seed space of their own, made as those that the confidence model learned from: true
ones seen inexactly, some with the tables of their cause withheld (then no cause is right), some with an irrelevant
table withheld, the worst that chance offers, and the detector's own.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from math import isnan
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from evals.fitting import BINS, CONFIDENT
from evals.intervals import Share, wilson
from evals.parallel import side_by_side
from evals.samples import Place, Sample, simulate
from tools.adjudication import LIKELY, chances
from tools.confidence import ConfidenceModel
from tools.features import CAUSES

SPACE: Final = "cx-eval-rca"
KINDS: Final = ("fault", "irrelevant", "withheld", "chance", "detected")

Progress = Callable[[int, int], None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class KindRow(_Model):
    """Incidents of one kind."""

    kind: str
    """fault, irrelevant (a table that does not matter withheld), withheld (that of the cause), chance, detected."""
    top_1: Share
    """The right answer came first; that is `other` where the cause's table was withheld, `none` for chance."""
    top_3: Share
    named: Share
    """A cause was called likely (p at least .5), right or wrong."""
    confidently_wrong: Share
    """A wrong cause with p of at least .7."""


class Bin(_Model):
    """Answers of like confidence."""

    answers: int
    confidence: float
    accuracy: float


class RcaReport(_Model):
    """Everything that was measured."""

    label: str
    worlds: int
    kinds: tuple[KindRow, ...]
    expected_calibration_error: float
    """Of the top answer, over all incidents, in bins of equal mass."""
    reliability: tuple[Bin, ...]
    constant: Share
    """Beside it, on true incidents: always the commonest cause."""
    largest_shift: Share
    """Beside it: the cause whose driver moved most."""


class _Answer(BaseModel):
    """Of one incident: its answers by probability, and the truth."""

    kind: str
    label: str
    ranked: tuple[str, ...]
    p_top: float


def measure(
    label: str,
    model: ConfidenceModel,
    *,
    incidents: int,
    workers: int = 2,
    progress: Progress = lambda _done, _of: None,
) -> RcaReport:
    """Simulate and judge.

    Args:
        label: what the seeds are derived from.
        model: the confidence model that is judged.
        incidents: how many at least.
        workers: processes.
        progress: called after every world.
    """
    samples: list[Sample] = []
    places = [Place(index, SPACE, label) for index in range(incidents)]
    for found in side_by_side(simulate, places, workers=workers):
        samples.extend(found)
        progress(min(len(samples), incidents), incidents)
        if len(samples) >= incidents:
            break
    return score(label, samples, model)


def score(label: str, samples: Sequence[Sample], model: ConfidenceModel) -> RcaReport:
    """The report of some incidents; at least one must be a true one."""
    answers = [_answer(sample, model) for sample in samples]
    faults = [sample for sample in samples if sample.kind == "fault"]
    common = Counter(sample.label for sample in faults).most_common(1)[0][0]
    reliability = _reliability(answers)
    total = sum(row.answers for row in reliability)
    return RcaReport(
        label=label,
        worlds=len({sample.world for sample in samples}),
        kinds=tuple(_row(kind, [one for one in answers if one.kind == kind]) for kind in KINDS),
        expected_calibration_error=sum(r.answers * abs(r.confidence - r.accuracy) for r in reliability)
        / total,
        reliability=reliability,
        constant=wilson(sum(sample.label == common for sample in faults), len(faults)),
        largest_shift=wilson(sum(sample.label == _moved_most(sample) for sample in faults), len(faults)),
    )


def _answer(sample: Sample, model: ConfidenceModel) -> _Answer:
    p = chances(sample.readings, sample.z, model)
    said = {id_.value: value for id_, value in p.primary.items()} | {"none": p.none, "other": p.other}
    ranked = sorted(said, key=lambda name: (-said[name], name))
    return _Answer(kind=sample.kind, label=sample.label, ranked=tuple(ranked), p_top=said[ranked[0]])


def _row(kind: str, answers: Sequence[_Answer]) -> KindRow:
    def share(test: Callable[[_Answer], bool]) -> Share:
        return wilson(sum(map(test, answers)), len(answers))

    def cause(one: _Answer) -> bool:
        return one.ranked[0] not in ("none", "other")

    return KindRow(
        kind=kind,
        top_1=share(lambda one: one.ranked[0] == one.label),
        top_3=share(lambda one: one.label in one.ranked[:3]),
        named=share(lambda one: cause(one) and one.p_top >= LIKELY),
        confidently_wrong=share(
            lambda one: cause(one) and one.p_top >= CONFIDENT and one.ranked[0] != one.label
        ),
    )


def _reliability(answers: Sequence[_Answer]) -> tuple[Bin, ...]:
    ordered = sorted(answers, key=lambda one: one.p_top)
    parts = np.array_split(np.arange(len(ordered)), min(BINS, len(ordered)))
    return tuple(
        Bin(
            answers=len(part),
            confidence=float(np.mean([ordered[i].p_top for i in part])),
            accuracy=float(np.mean([ordered[i].ranked[0] == ordered[i].label for i in part])),
        )
        for part in parts
    )


def _moved_most(sample: Sample) -> str | None:
    shifts = {
        id_.value: r.shift for id_, r in sample.readings.items() if id_ in CAUSES and not isnan(r.shift)
    }
    return max(sorted(shifts), key=shifts.__getitem__, default=None)
