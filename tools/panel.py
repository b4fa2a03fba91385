"""One metric over one family and length of window: its days corrected by their past, and which of them stand out."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tools.cube import Floats
from tools.detectors.base import weighted_sum
from tools.dispersion import Dispersion, Windows
from tools.significance import joint_p, log_likelihood_ratio, p_value, unskewed, z_of

Bools = npt.NDArray[np.bool_]
At = tuple[npt.NDArray[np.intp], ...]
"""Positions as (slices, days, first hours)."""

CANDIDATE: Final = 3.5
"""A standard score below this cannot survive the control of false alarms and is not looked at closer."""
LOOK_BACK: Final = 14
"""Days before the first tested one that a detector may remember."""
BAD_DAY: Final = 2.0
"""A run of days counts only where two of the last three were this bad, so that one day does not carry it."""
_NOTHING: Final = 1e-9


class Found(NamedTuple):
    """One test that stands out."""

    p: float
    statistic: float
    place: int
    day: int
    start: int


class Panel(NamedTuple):
    """Windows corrected by what their own past says, untested days empty; every part (slices, days, 24)."""

    windows: Windows
    spread: Floats
    """Variance of a day's harm, over-dispersion included."""
    freedom: Floats
    bad: Floats
    """1 where the day alone was bad."""
    testable: Bools
    counts: bool
    """Whether harm is counted, not weighed together from several metrics."""

    @classmethod
    def of(cls, windows: Windows, known: Dispersion, testable: Bools, *, counts: bool) -> "Panel":
        """Correct windows by the offset and over-dispersion of their past."""
        expected = windows.expected + known.offset * windows.trials
        if counts:
            expected = np.clip(expected, windows.expected / 4, (windows.expected + 3 * windows.trials) / 4)
        live = testable & (windows.trials > 0) & (windows.variance > _NOTHING)
        corrected = windows._replace(expected=expected)
        clean = Windows(*(np.where(live, part, 0.0) for part in corrected))
        spread = clean.variance * known.phi
        score = (clean.harm - clean.expected) / np.sqrt(np.maximum(spread, _NOTHING))
        return cls(clean, spread, known.freedom, (score > BAD_DAY).astype(np.float64), live, counts)


class Runs(NamedTuple):
    """The runs of days that end on each day of a panel, weighed by a detector."""

    panel: Panel
    kernel: Floats
    spread: Floats
    score: Floats
    """Normal score."""

    @classmethod
    def of(cls, panel: Panel, kernel: Floats) -> "Runs":
        """Weigh the days of a panel."""
        gap = weighted_sum(panel.windows.harm - panel.windows.expected, kernel)
        spread = weighted_sum(panel.spread, kernel**2)
        return cls(panel, kernel, spread, gap / np.sqrt(np.maximum(spread, _NOTHING)))

    def p(self, at: At) -> tuple[Floats, Floats]:
        """P-value and statistic of the runs that end at these places."""
        statistic = self._deviance(at) if self.panel.counts else self._index(at)
        return p_value(statistic, self.panel.freedom[at]), statistic

    def _index(self, at: At) -> Floats:
        """Normal score of a weighted sum of rare events, which has a longer upper tail than the normal."""
        windows, days = self.panel.windows, len(self.kernel)
        spread, variance, third = (
            newest(part, at, days) for part in (self.panel.spread, windows.variance, windows.third)
        )
        inflation = spread / np.maximum(variance, _NOTHING)
        skew = _weighed(third * inflation**2, self.kernel**3)
        return unskewed(self.score[at], skew / np.maximum(self.spread[at], _NOTHING) ** 1.5)

    def _deviance(self, at: At) -> Floats:
        """Signed root of the deviance: the normal score's better tail for rare events."""
        windows, days = self.panel.windows, len(self.kernel)
        harm, expected, trials = (
            newest(part, at, days) for part in (windows.harm, windows.expected, windows.trials)
        )
        squared = self.kernel**2
        by_chance = _weighed(chance(expected, trials), squared)
        total = _weighed(trials, self.kernel)
        weight = total / np.maximum(_weighed(trials, squared), _NOTHING)
        phi = self.spread[at] / np.maximum(by_chance, _NOTHING)
        ratio = log_likelihood_ratio(
            _weighed(harm, self.kernel), np.maximum(_weighed(expected, self.kernel), _NOTHING), total
        )
        return np.sqrt(2 * weight * ratio / phi)


def candidates(runs: Sequence[Runs], first: int) -> Iterator[Found]:
    """The tests that stand out from day `first` on; of the runs of several panels, by what they say together."""
    together = np.sqrt(sum(np.square(np.maximum(one.score, 0.0)) for one in runs))
    chosen = np.logical_and.reduce([one.panel.testable for one in runs]) & (together > CANDIDATE)
    chosen[:, :first] = False
    at = np.nonzero(chosen)
    if len(runs[0].kernel) > 1 and len(at[0]):
        bad = np.maximum.reduce([newest(one.panel.bad, at, 3) for one in runs])
        lasting = bad.sum(axis=0) >= 2
        at = tuple(part[lasting] for part in at)
    if not len(at[0]):
        return
    each = [one.p(at) for one in runs]
    p, statistic = each[0]
    if len(runs) > 1:
        p = joint_p(np.stack([p for p, _ in each]))
        statistic = z_of(p)
    for row in zip(p, statistic, *at, strict=True):
        yield Found(float(row[0]), float(row[1]), int(row[2]), int(row[3]), int(row[4]))


def newest(values: Floats, at: At, days: int) -> Floats:
    """The values of the last days at some places, newest first, shape (days, places); 0 before the first day.

    Example:
        >>> values = np.arange(6.0).reshape(1, 3, 2)
        >>> newest(values, (np.array([0]), np.array([1]), np.array([0])), 3).ravel().tolist()
        [2.0, 0.0, 0.0]
    """
    place, day, start = at
    back = day - np.arange(days)[:, None]
    return np.where(back >= 0, values[place, np.maximum(back, 0), start], 0.0)


def _weighed(values: Floats, kernel: Floats) -> Floats:
    """Sums over the first axis, in a fixed order."""
    total: Floats = kernel[0] * values[0]
    for back in range(1, len(kernel)):
        total = total + kernel[back] * values[back]
    return total


def chance(expected: Floats, trials: Floats) -> Floats:
    """Variance of a count by chance alone."""
    share = np.divide(expected, trials, out=np.zeros_like(expected), where=trials > 0)
    return np.asarray(expected * (1 - np.minimum(share, 1.0)))
