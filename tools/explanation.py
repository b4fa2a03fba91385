"""The few slices that together explain where a measure got worse: greedy search, then every choice once more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy import special

from data.slices import Slice
from tools.cube import Floats, Ints
from tools.odds import raise_odds
from tools.scan import Counts, Found, Grid, Kind, Scan

_ROUNDS: Final = 3
_PASSES: Final = 2
_CLOSE: Final = 1e-9
_LEAST: Final = 1e-12
_OWN: Final = 0.3
"""A slice is named only where at least this part of its excess is not explained by the others already."""
_MOST_PARTS: Final = 2
_MOST_REPEATS: Final = 8
"""Slices that repeat others, which a search passes over."""


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
            expected[rows] = raised(counts, expected[rows], rows)
    return expected


def raised(counts: Counts, expected: Floats, rows: Ints) -> Floats:
    """Expectations of some rows, raised to what was observed in them.

    One factor (on the odds of a rate, or on a sum), or the same for every trial: whichever fits the rows better. The
    wrong one would leave rows over that look like a slice of their own.
    """
    trials, harm = counts.trials[rows], counts.harm[rows]
    seen, awaited, size = float(harm.sum()), float(expected.sum()), float(trials.sum())
    if counts.kind == "rate":
        factor = raise_odds(expected, trials, seen).expected
        limit = trials
    else:
        factor = expected * (seen / awaited) if awaited > 0 else harm
        limit = np.full(len(rows), np.inf)
    if seen <= awaited or size <= 0:
        return factor
    shift = np.minimum(expected + trials * (seen - awaited) / size, limit)
    short = seen - float(shift.sum())
    if short > _CLOSE * seen:  # some rows are full: a shift does not fit
        return factor
    return max((factor, shift), key=lambda one: _likelihood(counts.kind, trials, harm, one))


def _likelihood(kind: Kind, trials: Floats, harm: Floats, expected: Floats) -> float:
    some = np.maximum(expected, _LEAST)
    if kind == "sum":
        return float(np.sum(special.xlogy(harm, some) - some))
    good = np.maximum(trials - some, _LEAST)
    return float(np.sum(special.xlogy(harm, some) + special.xlogy(trials - harm, good)))


@dataclass
class _Explanation:
    grid: Grid
    counts: Counts
    max_slices: int
    alpha: float
    given: Found | None
    found: list[Found] = field(default_factory=list)
    repeats: list[Found] = field(default_factory=list)
    """Slices beyond those found that were passed over in the last search."""

    def run(self) -> tuple[Found, ...]:
        self.scan = Scan.of(self.grid, [self.counts])
        self.found = [] if self.given is None else [self.given]
        for _ in range(_ROUNDS):
            self.found += list(self._more())
            changed = len(self.found) > 1 and self._chosen_again()
            if not changed and not self._taken_apart():
                break
        return tuple(sorted(self.found, key=lambda one: (one is not self.given, -one.score)))

    def _more(self) -> Iterator[Found]:
        slices = [one.slice for one in self.found]
        self.repeats = []
        while len(slices) < self.max_slices:
            best = self._best(slices)
            if best is None:
                return
            yield best
            slices.append(best.slice)

    def _best(self, others: Sequence[Slice]) -> Found | None:
        """The best slice beyond these, if its excess is significant and its own."""
        passed: list[Slice] = []
        while len(passed) < _MOST_REPEATS:
            known = (*others, *passed)
            expected = conditioned(self.grid, self.counts, known) if known else self.counts.expected
            self.scan.expect(0, expected)
            best = self.scan.best()
            left = self.counts._replace(expected=expected)
            if best is None or best.slice in known or adjusted(self.grid, left, best.slice) > self.alpha:
                return None
            if not others or self._own(left, best.slice) >= _OWN:
                return best
            self.repeats.append(best)
            passed.append(best.slice)
        return None

    def _own(self, left: Counts, slice_: Slice) -> float:
        """Part of a slice's excess that is beyond the others."""
        rows = self.grid.rows(slice_)
        (_, harm, before), (_, _, now) = self.counts.over(rows), left.over(rows)
        return (harm - now) / max(harm - before, _LEAST)

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

    def _taken_apart(self) -> bool:
        """Replace a slice that stood for two, such as hours with a gap; whether any was.

        Given a part of it that stands out, the rest of it is chosen anew: where that is another slice, the two are
        the better answer.
        """
        if len(self.found) >= self.max_slices:
            return False
        for part in self.repeats[:_MOST_PARTS]:
            for place, old in enumerate(self.found):
                if old is self.given or not old.slice.overlaps(part.slice):
                    continue
                others = [one.slice for one in self.found if one is not old]
                rest = self._best([*others, part.slice])
                if rest is not None and rest.slice != old.slice and not rest.slice.overlaps(part.slice):
                    self.found[place : place + 1] = [part, rest]
                    return True
        return False
