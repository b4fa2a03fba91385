"""The slice that best explains where harm exceeds expectation.

An expectation-based scan: over every conjunction of values and every contiguous window of hours, the one whose
observed counts are least likely under the baseline. Because expectations hold the mix, a big slice does not win by
being big, nor a small one by being noisy.

References:
    D. Neill (2009), Expectation-based scan statistics for monitoring spatial time series data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from data.slices import HourRange, Slice
from tools.cube import MAX_GROUPS, Codes, Family, Floats, family, hour_sums
from tools.significance import log_likelihood_ratio

Kind = Literal["rate", "sum"]
_TIE: Final = 1e-9


class Counts(NamedTuple):
    """One measure, by row or by slice and hour."""

    trials: Floats
    harm: Floats
    expected: Floats
    kind: Kind = "rate"
    """`rate`: harm is counted among trials; `sum`: any additive measure, of which trials is not the limit."""
    phi: float = 1.0
    """Over-dispersion."""

    def score(self, length: int) -> Floats:
        """Excess of every window of hours; needs arrays of shape (slices, 24)."""
        trials, harm, expected = (hour_sums(part, length) for part in self.parts)
        return excess_score(trials, harm, expected, kind=self.kind, phi=self.phi)

    @property
    def parts(self) -> tuple[Floats, Floats, Floats]:
        """Trials, harm and expected harm."""
        return self.trials, self.harm, self.expected

    def over(self, rows: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
        """Trials, harm and expected harm of some rows."""
        return float(self.trials[rows].sum()), float(self.harm[rows].sum()), float(self.expected[rows].sum())


class Found(NamedTuple):
    """The best slice of a scan."""

    slice: Slice
    score: float
    """Log-likelihood ratio over `phi`, less the price of choosing among so many."""
    tests: int
    """Slices that were compared."""


@dataclass(frozen=True)
class Grid:
    """Which rows belong to which slice: what every scan of the same rows shares."""

    codes: Mapping[str, Codes]
    hour: npt.NDArray[np.int64] | None
    families: tuple[Family, ...]

    @classmethod
    def of(
        cls, codes: Mapping[str, Codes], hour: npt.NDArray[np.int64] | None, rows: int, *, max_dims: int
    ) -> "Grid":
        """All families of up to `max_dims` dimensions with few enough combinations."""
        names = [name for name in codes]
        sets = [dims for size in range(max_dims + 1) for dims in combinations(names, size)]
        families = [family(dims, codes, rows, by_hour=hour is not None) for dims in sets]
        kept = [one for one in families if len(one.dims) < 2 or len(one.values) <= MAX_GROUPS]
        return cls(codes, hour, tuple(kept))

    def rows(self, slice_: Slice) -> npt.NDArray[np.bool_]:
        """Which rows belong to a slice."""
        count = len(self.families[0].of_row)
        inside = np.ones(count, dtype=bool)
        for name, value in slice_.values:
            code = self.codes[name]
            inside &= code.labels[code.of_row] == value
        if slice_.hour is not None and self.hour is not None:
            inside &= np.isin(self.hour, slice_.hour.hours)
        return inside

    def best(self, counts: Sequence[Counts], *, near: Slice | None = None) -> Found | None:
        """The slice that explains most; None where nothing is worse than expected.

        Args:
            counts: measures that are judged together.
            near: only slices that share orders with this one.
        """
        best: Found | None = None
        tests = 0
        for one in self.families:
            for window in self._windows(one, counts):
                tests += window.score.size
                found = window.best(one, near)
                if found is not None and (best is None or found.score > best.score + _TIE):
                    best = found
        return None if best is None or best.score <= 0 else best._replace(tests=tests)

    def _windows(self, one: Family, counts: Sequence[Counts]) -> Iterator["_Window"]:
        sums = [self._dense(one, measure) for measure in counts]
        price = np.log(len(one.values)) + (np.log(300) if one.by_hour else 0.0)
        for length in (24, *range(1, 24)) if one.by_hour else (24,):
            free = np.log(max(len(one.values), 1)) if length == 24 else price
            yield _Window(length, sum((m.score(length) for m in sums), start=-np.asarray(free)))

    def _dense(self, one: Family, measure: Counts) -> Counts:
        size = len(one.values)
        flat = one.of_row * 24 + (0 if self.hour is None else self.hour)
        trials, harm, expected = (
            np.bincount(flat, weights=part, minlength=size * 24).reshape(size, 24).astype(np.float64)
            for part in measure.parts
        )
        return Counts(trials, harm, expected, measure.kind, measure.phi)


class _Window(NamedTuple):
    length: int
    score: Floats

    def best(self, one: Family, near: Slice | None) -> Found | None:
        order = np.argsort(-self.score, axis=None, kind="stable")
        for flat in order:
            index, start = divmod(int(flat), self.score.shape[1])
            hour = None if self.length == 24 else HourRange(start=start, end=start + self.length)
            slice_ = one.slice_at(index, hour)
            if near is None or slice_.overlaps(near):
                return Found(slice_, float(self.score.flat[flat]), 0)
        return None


def excess_score(trials: Floats, harm: Floats, expected: Floats, *, kind: Kind, phi: float) -> Floats:
    """Log-likelihood ratio of "worse than expected" over phi; 0 where it is not worse.

    Args:
        trials: what harm is counted among.
        harm: observed.
        expected: by the baseline.
        kind: `rate` (binomial) or `sum` (Poisson with variance phi x expected).
        phi: over-dispersion.
    """
    some = np.maximum(expected, 1e-12)
    if kind == "rate":
        room = np.maximum(trials, harm) + 1e-9
        ratio = log_likelihood_ratio(harm, np.minimum(some, room * (1 - 1e-9)), room)
    else:
        ratio = np.where(harm > some, harm * np.log(np.maximum(harm, 1e-12) / some) - (harm - some), 0.0)
    return np.asarray(ratio / phi)
