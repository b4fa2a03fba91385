"""The few slices that together explain where a measure got worse: greedy search, then every choice once more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import special

from data.slices import Slice
from tools.cube import Floats
from tools.odds import raise_odds
from tools.scan import Counts, Found, Grid, Scan

_ROUNDS: Final = 3
_PASSES: Final = 2


def explain(
    grid: Grid, counts: Counts, *, max_slices: int, alpha: float, given: Found | None = None
) -> tuple[Found, ...]:
    """The minimal set of slices that explains the excess, in the order of what each adds to the others.

    The best slice is taken, its expectation raised to what was observed, and the search repeated. Then each slice
    is chosen again, given all the others: one that stood for two narrower slices gives way to them.

    Args:
        grid: the slices.
        counts: the measure.
        max_slices: most slices.
        alpha: bound of the error over everything scanned.
        given: a slice that is part of the answer from the start, and stays.
    """
    return _Explanation(grid, counts, max_slices, alpha, given).run()


def significance(grid: Grid, counts: Counts, slice_: Slice) -> float:
    """One-sided p-value of a slice's excess, before any correction for the search."""
    inside = grid.rows(slice_)
    trials, harm, expected = (part[inside] for part in counts.parts)
    if counts.kind == "rate":
        score = raise_odds(expected, trials, float(harm.sum())).score / counts.phi
    else:
        sums = (np.asarray([part.sum()]) for part in (trials, harm, expected))
        score = float(counts.score(*sums)[0])
    return float(special.ndtr(-np.sqrt(2 * score)))


def adjusted(grid: Grid, counts: Counts, slice_: Slice) -> float:
    """The p-value charged for the search: at most `alpha` keeps the error over all slices below `alpha`."""
    return min(significance(grid, counts, slice_) * grid.tests(slice_), 1.0)


def conditioned(grid: Grid, counts: Counts, slices: Sequence[Slice]) -> Floats:
    """Expectations by row once these slices are explained: each expects what was observed in it."""
    expected = counts.expected.copy()
    inside = [np.nonzero(grid.rows(one))[0] for one in slices]
    for _ in range(_PASSES if len(slices) > 1 else 1):
        for rows in inside:
            seen = float(counts.harm[rows].sum())
            if counts.kind == "rate":
                expected[rows] = raise_odds(expected[rows], counts.trials[rows], seen).expected
            else:
                awaited = float(expected[rows].sum())
                expected[rows] = expected[rows] * (seen / awaited) if awaited > 0 else counts.harm[rows]
    return expected


@dataclass
class _Explanation:
    grid: Grid
    counts: Counts
    max_slices: int
    alpha: float
    given: Found | None
    found: list[Found] = field(default_factory=list)

    def run(self) -> tuple[Found, ...]:
        self.scan = Scan.of(self.grid, [self.counts])
        self.found = [] if self.given is None else [self.given]
        for _ in range(_ROUNDS):
            self.found += list(self._more())
            if len(self.found) < 2 or not self._chosen_again():
                break
        return tuple(sorted(self.found, key=lambda one: (one is not self.given, -one.score)))

    def _more(self) -> Iterator[Found]:
        slices = [one.slice for one in self.found]
        while len(slices) < self.max_slices:
            best = self._best(slices)
            if best is None:
                return
            yield best
            slices.append(best.slice)

    def _best(self, others: Sequence[Slice]) -> Found | None:
        """The best slice beyond these, if its excess is significant."""
        expected = conditioned(self.grid, self.counts, others) if others else self.counts.expected
        self.scan.expect(0, expected)
        best = self.scan.best()
        left = self.counts._replace(expected=expected)
        known = best is None or any(best.slice == one for one in others)
        if best is None or known or adjusted(self.grid, left, best.slice) > self.alpha:
            return None
        return best

    def _chosen_again(self) -> bool:
        """Replace or drop every slice given the others; whether anything changed."""
        changed = False
        for old in list(self.found):
            if old is self.given:
                continue
            place = self.found.index(old)
            others = [one.slice for one in self.found if one is not old]
            new = self._best(others)
            self.found[place : place + 1] = [] if new is None else [new]
            changed |= new is None or new.slice != old.slice
        return changed
