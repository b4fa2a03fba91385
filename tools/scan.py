"""The slice that best explains where harm exceeds expectation.

An expectation-based scan: over every conjunction of values and every contiguous range of hours, the one whose
observed counts are least likely under the baseline. Because expectations hold the mix, a big slice does not win by
being big, nor a small one by being noisy.

Most slices are never scored in full. The score of a union is at most the sum of its parts' scores (it is convex and
grows in proportion to its counts), so a slice's hours bound all its ranges, and only slices whose bound beats the
best score so far are looked into. The result is that of the full search.

References:
    D. Neill (2009), Expectation-based scan statistics for monitoring spatial time series data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from data.slices import Slice
from tools.cube import Codes, Floats, Ints
from tools.hour_ranges import HourRanges
from tools.lattice import MOST_GROUPS, Bools, Lattice

Kind = Literal["rate", "sum"]
_TIE: Final = 1e-9
_BATCH: Final = 64
"""Slices that are looked into together."""


class Counts(NamedTuple):
    """One measure by row."""

    trials: Floats
    harm: Floats
    expected: Floats
    kind: Kind = "rate"
    """`rate`: harm is counted among trials; `sum`: any additive measure, of which trials is not the limit."""
    phi: float = 1.0
    """Over-dispersion."""

    @property
    def parts(self) -> tuple[Floats, Floats, Floats]:
        """Trials, harm and expected harm."""
        return self.trials, self.harm, self.expected

    def over(self, rows: Bools) -> tuple[float, float, float]:
        """Trials, harm and expected harm of some rows."""
        return float(self.trials[rows].sum()), float(self.harm[rows].sum()), float(self.expected[rows].sum())

    def score(self, trials: Floats, harm: Floats, expected: Floats) -> Floats:
        """Excess of sums of this measure."""
        return excess_score(trials, harm, expected, kind=self.kind, phi=self.phi)


class Found(NamedTuple):
    """The best slice of a scan."""

    slice: Slice
    score: float
    """Log-likelihood ratio over `phi`, less the price of choosing among so many."""
    tests: int
    """Comparisons that it is charged for: see `Grid.tests`."""


@dataclass(frozen=True)
class Grid:
    """Which rows belong to which slice: what every scan of the same rows shares."""

    lattice: Lattice
    hour: Ints | None
    ranges: HourRanges

    @classmethod
    def of(
        cls,
        codes: Mapping[str, Codes],
        hour: Ints | None,
        rows: int,
        *,
        max_dims: int,
        wrap: bool = False,
        most_groups: int = MOST_GROUPS,
    ) -> "Grid":
        """All slices of up to `max_dims` dimensions.

        Args:
            codes: the dimensions.
            hour: hour of each row (0-23), if ranges of hours are slices too.
            rows: number of rows.
            max_dims: most dimensions of a slice, hours not counted.
            wrap: whether a range of hours may run over midnight.
            most_groups: a set of dimensions with more combinations than this is not scanned.
        """
        lattice = Lattice.of(codes, rows, max_dims=max_dims, most_groups=most_groups)
        return cls(lattice, hour, HourRanges.of(by_hour=hour is not None, wrap=wrap))

    def rows(self, slice_: Slice) -> Bools:
        """Which rows belong to a slice."""
        inside = self.lattice.rows(slice_)
        if slice_.hour is not None and self.hour is not None:
            inside &= np.isin(self.hour, slice_.hour.hours)
        return inside

    def tests(self, slice_: Slice) -> int:
        """Comparisons that a slice is charged for.

        Every set of dimensions gets the same part of the allowed error, half of it for whole days where ranges of
        hours are slices too, and shares it among its slices: a broad slice is not charged for the thousands of
        narrow ones. The error over everything scanned keeps its bound (weighted Bonferroni).

        References:
            C. Genovese, K. Roeder, L. Wasserman (2006), False discovery control with p-value weighting.
        """
        sets = len(np.unique(self.lattice.layer_of[self.lattice.live]))
        ranges = self.ranges.apart
        choices = 1.0 if not ranges else 2.0 if slice_.hour is None else 2.0 * ranges
        return round(sets * self.lattice.width_of(slice_) * choices)

    def best(self, counts: Sequence[Counts], *, near: Slice | None = None) -> Found | None:
        """The slice that explains most; None where nothing is worse than expected.

        Args:
            counts: measures that are judged together.
            near: only slices that share orders with this one.
        """
        return Scan.of(self, counts).best(near=near)

    @cached_property
    def price(self) -> tuple[Floats, Floats]:
        """What a slice's score is charged for the choice among so many: on whole days, and on ranges of hours."""
        whole = np.log(np.maximum(self.lattice.width, 1))
        return whole, whole + np.log(max(self.ranges.apart, 1.0))


@dataclass
class Scan:
    """Sums of some measures by slice and hour; expectations can be raised where something is explained."""

    grid: Grid
    counts: list[Counts]
    sums: list[list[Floats]]
    """Of each measure: trials, harm and expected harm, shape (slices, 24)."""

    @classmethod
    def of(cls, grid: Grid, counts: Sequence[Counts]) -> "Scan":
        """Sum the rows."""
        sums = [[grid.lattice.sums(part, grid.hour) for part in one.parts] for one in counts]
        return cls(grid, list(counts), sums)

    def expect(self, number: int, expected: Floats) -> None:
        """Replace the expectation of a measure; only rows that changed are summed again."""
        old = self.counts[number].expected
        changed = np.nonzero(old != expected)[0]
        more = self.grid.lattice.sums((expected - old)[changed], self.grid.hour, changed)
        self.sums[number][2] = self.sums[number][2] + more
        self.counts[number] = self.counts[number]._replace(expected=expected)

    def best(self, *, near: Slice | None = None, least: float = 0.0) -> Found | None:
        """The slice with the highest score above `least`; among equals the one with the shortest name."""
        lattice, (whole, ranged) = self.grid.lattice, self.grid.price
        fits = lattice.live if near is None else lattice.near(near)
        shown = self.grid.ranges.meeting(None if near is None else near.hour)
        bound = np.where(fits, self._bound() - whole, -np.inf)
        order = np.argsort(-bound, kind="stable")
        best, place = least, (-1, -1)
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            batch = np.sort(batch[bound[batch] > best - _TIE])
            if not len(batch):
                break
            score = self._scores(batch) - np.where(
                self.grid.ranges.length == 24, whole[batch, None], ranged[batch, None]
            )
            score[:, ~shown] = -np.inf
            at = int(np.argmax(score > score.max() - _TIE))
            row, number = divmod(at, score.shape[1])
            found = float(score[row, number])
            better = found > best + _TIE
            if better or (place[0] >= 0 and found > best - _TIE and (int(batch[row]), number) < place):
                best, place = found, (int(batch[row]), number)
        if place[0] < 0:
            return None
        slice_ = lattice.slice_at(place[0], self.grid.ranges.at(place[1]))
        return Found(slice_, best, self.grid.tests(slice_))

    def _bound(self) -> Floats:
        """At least the score of any range of hours of a slice, shape (slices,)."""
        parts = (one.score(*sums).sum(axis=1) for one, sums in zip(self.counts, self.sums, strict=True))
        return np.asarray(sum(parts, start=np.zeros(len(self.grid.lattice.live))))

    def _scores(self, groups: npt.NDArray[np.intp]) -> Floats:
        """Score of every range of hours of some slices, shape (slices, ranges)."""
        ranges = self.grid.ranges
        total = np.zeros((len(groups), len(ranges.start)))
        for one, sums in zip(self.counts, self.sums, strict=True):
            total += one.score(*(ranges.sums(part[groups]) for part in sums))
        return total


def excess_score(trials: Floats, harm: Floats, expected: Floats, *, kind: Kind, phi: float) -> Floats:
    """Log-likelihood ratio of "worse than expected" over phi; 0 where it is not worse.

    Args:
        trials: what harm is counted among.
        harm: observed.
        expected: by the baseline.
        kind: `rate` (binomial) or `sum` (Poisson with variance phi x expected).
        phi: over-dispersion.

    Example:
        >>> twenty, ten, hundred = np.array([20.0]), np.array([10.0]), np.array([100.0])
        >>> excess_score(hundred, twenty, ten, kind="rate", phi=1.0).round(2).tolist()
        [4.44]
        >>> excess_score(hundred, twenty, ten, kind="sum", phi=2.0).round(2).tolist()
        [1.93]

    References:
        M. Kulldorff (1997), A spatial scan statistic; D. Neill (2009), expectation-based form.
    """
    result = np.zeros(np.shape(harm))
    worse = harm > np.maximum(expected, 1e-12) * (1 + 1e-12)
    y, e = harm[worse], np.maximum(expected[worse], 1e-12)
    if kind == "rate":
        room = np.maximum(trials[worse], y) + 1e-9
        good = room - y
        ratio = y * np.log(y / e) + special.xlogy(good, good / np.maximum(room - e, 1e-9))
    else:
        ratio = y * np.log(y / e) - (y - e)
    result[worse] = ratio / phi
    return result
