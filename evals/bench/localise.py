"""`cx bench localise`: how exactly and how fast the causes of a drop are named, against two plain baselines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.slices import Slice
from evals.bench.fault_cells import LARGE, LEVELS, USUAL, FaultCase, fault_case
from evals.bench.localisers import LOCALISERS, Localiser, installed, not_installed, ours
from evals.seeds import derive
from tools.lattice import Bools
from tools.waterfall import rows_of

SPACE: Final = "cx-bench-localise"
COUNTS: Final = (1, 2, 3)
"""Dimensions of a cause, and simultaneous causes."""


PUBLISHED_REPEATS: Final = 2
"""Cases of each shape that a published method gets: it takes seconds for each."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class MethodScore(_Model):
    """One method at one noise level, over all numbers of dimensions and causes."""

    noise: str
    method: str
    cases: int
    f1: float
    """Mean over cases of the F1 of the set of slices named, right only where equal to the truth."""
    f1_error: float
    """Standard error of that mean."""
    jaccard: float
    """Mean overlap of the orders named with the orders affected."""
    slices: float
    """Named per case."""
    seconds: float
    """Median."""


class Detail(_Model):
    """The scan's F1 by the shape of the faults."""

    noise: str
    n_dims: int
    causes: int
    f1: float
    jaccard: float


class Speed(_Model):
    """The scan on many leaves, ranges of hours included."""

    leaves: int
    causes: int
    seconds: float
    """Median."""
    worst_s: float


class LocaliseBench(_Model):
    """The `--json` shape of `cx bench localise`."""

    label: str
    """What the seeds are derived from."""
    scores: tuple[MethodScore, ...]
    detail: tuple[Detail, ...]
    speed: tuple[Speed, ...]
    null_slices: float
    """Slices that the scan names on a day without a cause."""
    not_installed: tuple[str, ...]
    """Published methods that were not run."""

    def lead(self, noise: str) -> float:
        """F1 of the scan beyond that of the better plain baseline."""
        f1 = {one.method: one.f1 for one in self.scores if one.noise == noise}
        scan, *plain = (f1[name] for name in LOCALISERS)
        return scan - max(plain)


class Outcome(_Model):
    """One method on one case."""

    f1: float
    jaccard: float
    slices: int
    seconds: float


def run_bench(
    *, label: str, repeats: int = 12, progress: Callable[[str], None] = lambda _: None
) -> LocaliseBench:
    """Measure all methods at all noise levels.

    Args:
        label: what the seeds are derived from.
        repeats: cases of each number of dimensions and causes at each noise level.
        progress: told what is done.
    """
    scores: list[MethodScore] = []
    detail: list[Detail] = []
    for level in LEVELS:
        results: _Results = {}
        for n_dims in COUNTS:
            for causes in COUNTS:
                for number in range(repeats):
                    seed = derive(SPACE, f"{label}:{level.name}:{n_dims}:{causes}", number)
                    case = fault_case(USUAL, level, causes=causes, n_dims=n_dims, seed=seed)
                    for name, locate in _methods(number).items():
                        results.setdefault((name, n_dims, causes), []).append(_measure(case, locate))
            progress(f"{level.name} noise, {n_dims} dimensions")
        scores += [_score(level.name, name, results) for name in _methods(0)]
        detail += list(_detail(level.name, results))
    progress("speed")
    return LocaliseBench(
        label=label,
        scores=tuple(scores),
        detail=tuple(detail),
        speed=tuple(_speed(label, causes) for causes in (0, *COUNTS)),
        null_slices=_null(label, 3 * repeats),
        not_installed=not_installed(),
    )


_Results = dict[tuple[str, int, int], list[Outcome]]


def _methods(repeat: int) -> Mapping[str, Localiser]:
    return {**LOCALISERS, **installed()} if repeat < PUBLISHED_REPEATS else LOCALISERS


def _measure(case: FaultCase, locate: Localiser) -> Outcome:
    begun = perf_counter()
    named = locate(case)
    seconds = perf_counter() - begun
    return Outcome(
        f1=exact_f1(named, case.truth),
        jaccard=order_jaccard(case, named, case.truth),
        slices=len(named),
        seconds=seconds,
    )


def exact_f1(named: Sequence[Slice], truth: Sequence[Slice]) -> float:
    """F1 of a set of slices; two empty sets agree.

    Example:
        >>> a, b = Slice.parse({"region": "A"}), Slice.parse({"region": "B"})
        >>> round(exact_f1([a], [a, b]), 3), exact_f1([b], [a])
        (0.667, 0.0)
    """
    size = len(set(named)) + len(set(truth))
    return 2 * len(set(named) & set(truth)) / size if size else 1.0


def order_jaccard(case: FaultCase, named: Sequence[Slice], truth: Sequence[Slice]) -> float:
    """Overlap of the orders of two sets of slices, as a share of both together."""
    one, two = _union(case, named), _union(case, truth)
    orders = case.cells["n"].to_numpy(np.float64)
    both = float(orders[one | two].sum())
    return float(orders[one & two].sum()) / both if both else 1.0


def _union(case: FaultCase, slices: Sequence[Slice]) -> Bools:
    rows = np.zeros(len(case.cells), dtype=bool)
    for one in slices:
        rows |= rows_of(case.cells, one)
    return rows


def _score(noise: str, name: str, results: _Results) -> MethodScore:
    outcomes = [one for key, some in results.items() if key[0] == name for one in some]
    f1 = np.asarray([one.f1 for one in outcomes])
    return MethodScore(
        noise=noise,
        method=name,
        cases=len(outcomes),
        f1=float(f1.mean()),
        f1_error=float(f1.std(ddof=1) / np.sqrt(len(f1))) if len(f1) > 1 else 0.0,
        jaccard=float(np.mean([one.jaccard for one in outcomes])),
        slices=float(np.mean([one.slices for one in outcomes])),
        seconds=float(np.median([one.seconds for one in outcomes])),
    )


def _detail(noise: str, results: _Results) -> Iterator[Detail]:
    first = next(iter(LOCALISERS))
    for (name, n_dims, causes), outcomes in results.items():
        if name == first:
            f1, jaccard = (
                float(np.mean([getattr(one, part) for one in outcomes])) for part in ("f1", "jaccard")
            )
            yield Detail(noise=noise, n_dims=n_dims, causes=causes, f1=f1, jaccard=jaccard)


def _speed(label: str, causes: int, *, repeats: int = 5) -> Speed:
    seconds = []
    for number in range(repeats):
        seed = derive(SPACE, f"{label}:speed:{causes}", number)
        case = fault_case(LARGE, LEVELS[1], causes=causes, n_dims=3, seed=seed)
        seconds.append(_measure(case, ours).seconds)
    return Speed(
        leaves=len(case.cells), causes=causes, seconds=float(np.median(seconds)), worst_s=max(seconds)
    )


def _null(label: str, days: int) -> float:
    named = 0
    for number in range(days):
        seed = derive(SPACE, f"{label}:null", number)
        case = fault_case(USUAL, LEVELS[number % len(LEVELS)], causes=0, n_dims=1, seed=seed)
        named += len(ours(case))
    return named / days
