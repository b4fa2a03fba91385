"""How right and how honest causes are, on simulated incidents that nothing was trained on: `cx eval rca`.

The incidents come from worlds of a seed space of their own, and from four splits (see `evals.drawn_worlds`): as those
of training, with noise and sizes outside of its ranges, with mechanisms of another form, and with tables withheld. A
fifth puts faults into published data (`evals.semi_synthetic`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from math import isnan
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from evals.drawn_worlds import Split
from evals.fitting import BINS, CONFIDENT
from evals.intervals import Share, wilson
from evals.parallel import side_by_side
from evals.samples import Place, Sample, simulate
from evals.semi_synthetic import DATASETS, Where, sample
from tools.adjudication import LIKELY, chances
from tools.confidence import ConfidenceModel
from tools.features import CAUSES

SPACE: Final = "cx-eval-rca"
PUBLISHED: Final = "published"
"""The split of faults put into published data."""
KINDS: Final = ("fault", "double", "irrelevant", "withheld", "chance", "decoy", "detected")

Progress = Callable[[int, int], None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class KindRow(_Model):
    """Incidents of one kind."""

    kind: str
    """fault; double (two causes are true); irrelevant (a table that does not matter withheld); withheld (those of the
    cause); chance; decoy (by chance, while something else is wrong); detected (by the detector, of any truth)."""
    top_1: Share
    """The right answer came first; that is `other` where the cause's table was withheld, `none` for chance, and
    either of two causes."""
    top_3: Share
    both: Share
    """Of two causes: they were the first two of the causes."""
    named: Share
    """A cause was called likely (p at least .5), right or wrong."""
    abstained: Share
    """No answer had p of at least .5, or `other` had it: inconclusive, or outside the data."""
    confidently_wrong: Share
    """A wrong cause with p of at least .7."""


class Bin(_Model):
    """Answers of like confidence."""

    answers: int
    confidence: float
    accuracy: float


class Baseline(_Model):
    """A simpler method, on incidents with one cause that can be seen."""

    method: str
    right: Share


class RcaReport(_Model):
    """Everything that was measured on one split."""

    label: str
    split: str
    worlds: int
    incidents: int
    kinds: tuple[KindRow, ...]
    false_alarms: Share
    """A cause was called likely where `none` is true."""
    confidently_wrong: Share
    """Over all incidents."""
    expected_calibration_error: float
    """Of the top answer, over all incidents, in bins of equal mass; of two causes the larger is the right one."""
    reliability: tuple[Bin, ...]
    baselines: tuple[Baseline, ...]


class _Answer(BaseModel):
    """Of one incident: its answers by probability, and the truth."""

    kind: str
    label: str
    second: str | None
    ranked: tuple[str, ...]
    p_top: float

    @property
    def right(self) -> bool:
        return self.ranked[0] in (self.label, self.second)

    @property
    def both(self) -> bool:
        causes = [name for name in self.ranked if name not in ("none", "other")]
        return set(causes[:2]) == {self.label, self.second}

    @property
    def named(self) -> bool:
        return self.ranked[0] not in ("none", "other") and self.p_top >= LIKELY

    @property
    def confidently_wrong(self) -> bool:
        return self.named and self.p_top >= CONFIDENT and not self.right

    @property
    def abstained(self) -> bool:
        return self.p_top < LIKELY or self.ranked[0] == "other"


def measure(
    label: str,
    model: ConfidenceModel,
    *,
    incidents: int,
    split: Split = "held_out",
    workers: int = 2,
    progress: Progress = lambda _done, _of: None,
) -> RcaReport:
    """Simulate and judge.

    Args:
        label: what the seeds are derived from.
        model: the confidence model that is judged.
        incidents: how many at least; of the split `withheld`, how many with the tables of the cause withheld.
        split: how far the worlds are from those of training.
        workers: processes.
        progress: called after every world.
    """
    samples: list[Sample] = []
    places = [Place(index, f"{SPACE}-{split}", label, split) for index in range(10 * incidents)]
    for found in side_by_side(simulate, places, workers=workers):
        samples.extend(found)
        done = sum(one.kind == "withheld" for one in samples) if split == "withheld" else len(samples)
        progress(min(done, incidents), incidents)
        if done >= incidents:
            break
    return score(label, split, samples, model)


def measure_published(
    label: str,
    model: ConfidenceModel,
    *,
    folder: Path,
    incidents: int,
    workers: int = 2,
    progress: Progress = lambda _done, _of: None,
) -> RcaReport:
    """Judge on faults put into published data (`evals.semi_synthetic`).

    Args:
        label: what the seeds are derived from.
        model: the confidence model that is judged.
        folder: holds a folder for each data set.
        incidents: how many.
        workers: processes.
        progress: called after every incident.

    Raises:
        DataError: a data set is not in the folder.
    """
    cases = [Where(folder, label, number, DATASETS) for number in range(incidents)]
    samples: list[Sample] = []
    for found in side_by_side(sample, cases, workers=workers):
        samples.append(found)
        progress(len(samples), incidents)
    return score(label, PUBLISHED, samples, model)


def score(label: str, split: str, samples: Sequence[Sample], model: ConfidenceModel) -> RcaReport:
    """The report of some incidents; at least one must have a cause that can be seen."""
    answers = [_answer(one, model) for one in samples]
    reliability = _reliability(answers)
    nothing = [one for one in answers if one.label == "none"]
    return RcaReport(
        label=label,
        split=split,
        worlds=len({one.world for one in samples}),
        incidents=len(samples),
        kinds=tuple(_row(kind, [one for one in answers if one.kind == kind]) for kind in KINDS),
        false_alarms=wilson(sum(one.named for one in nothing), len(nothing)),
        confidently_wrong=wilson(sum(one.confidently_wrong for one in answers), len(answers)),
        expected_calibration_error=sum(r.answers * abs(r.confidence - r.accuracy) for r in reliability)
        / len(answers),
        reliability=reliability,
        baselines=_baselines([one for one in samples if one.kind == "fault"]),
    )


def _answer(sample: Sample, model: ConfidenceModel) -> _Answer:
    p = chances(sample.readings, sample.z, model)
    said = {id_.value: value for id_, value in p.primary.items()} | {"none": p.none, "other": p.other}
    ranked = sorted(said, key=lambda name: (-said[name], name))
    return _Answer(
        kind=sample.kind,
        label=sample.label,
        second=sample.second,
        ranked=tuple(ranked),
        p_top=said[ranked[0]],
    )


def _row(kind: str, answers: Sequence[_Answer]) -> KindRow:
    def share(test: Callable[[_Answer], bool]) -> Share:
        return wilson(sum(map(test, answers)), len(answers))

    doubles = [one for one in answers if one.second is not None]
    return KindRow(
        kind=kind,
        top_1=share(lambda one: one.right),
        top_3=share(lambda one: one.label in one.ranked[:3]),
        both=wilson(sum(one.both for one in doubles), len(doubles)),
        named=share(lambda one: one.named),
        abstained=share(lambda one: one.abstained),
        confidently_wrong=share(lambda one: one.confidently_wrong),
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


def _baselines(faults: Sequence[Sample]) -> tuple[Baseline, ...]:
    common = Counter(sample.label for sample in faults).most_common(1)[0][0]
    methods: dict[str, Callable[[Sample], str | None]] = {
        "commonest cause": lambda _: common,
        "most recent change": lambda sample: sample.plain.recent_change,
        "largest shift": _moved_most,
        "largest SHAP value": lambda sample: sample.plain.shap,
    }
    return tuple(
        Baseline(method=name, right=wilson(sum(answer(s) == s.label for s in faults), len(faults)))
        for name, answer in methods.items()
    )


def _moved_most(sample: Sample) -> str | None:
    shifts = {
        id_.value: r.shift for id_, r in sample.readings.items() if id_ in CAUSES and not isnan(r.shift)
    }
    return max(sorted(shifts), key=shifts.__getitem__, default=None)
