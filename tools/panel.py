"""One metric over one family and length of window: its days corrected by their past, and which of them stand out."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tools.cube import Floats
from tools.detectors.base import Detector, weighted_sum
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

    def score(self, kernel: Floats) -> Floats:
        """Normal score of every run of days that ends on a day."""
        gap = weighted_sum(self.windows.harm - self.windows.expected, kernel)
        return np.asarray(gap / np.sqrt(np.maximum(weighted_sum(self.spread, kernel**2), _NOTHING)))

    def p(self, kernel: Floats, score: Floats, at: At) -> tuple[Floats, Floats]:
        """P-value and statistic of the runs that end at these places."""
        statistic = self._deviance(kernel, at) if self.counts else self._index(kernel, score[at], at)
        return p_value(statistic, self.freedom[at]), statistic

    def _index(self, kernel: Floats, score: Floats, at: At) -> Floats:
        """Normal score of a weighted sum of rare events, which has a longer upper tail than the normal."""
        spread = weighted_sum(self.spread, kernel**2)[at]
        third = weighted_sum(
            self.windows.third * (self.spread / np.maximum(self.windows.variance, _NOTHING)) ** 2, kernel**3
        )[at]
        return unskewed(score, third / np.maximum(spread, _NOTHING) ** 1.5)

    def _deviance(self, kernel: Floats, at: At) -> Floats:
        """Signed root of the deviance: the normal score's better tail for rare events."""
        windows = self.windows
        harm, expected, trials = (
            weighted_sum(part, kernel)[at] for part in (windows.harm, windows.expected, windows.trials)
        )
        weight = trials / np.maximum(weighted_sum(windows.trials, kernel**2)[at], _NOTHING)
        by_chance = weighted_sum(chance(windows.expected, windows.trials), kernel**2)[at]
        phi = weighted_sum(self.spread, kernel**2)[at] / np.maximum(by_chance, _NOTHING)
        expected = np.maximum(expected, _NOTHING)
        return np.sqrt(2 * weight * log_likelihood_ratio(harm, expected, trials) / phi)


def candidates(panels: Sequence[Panel], detector: Detector, first: int) -> Iterator[Found]:
    """The tests that stand out from day `first` on; of several panels, by what they say together."""
    kernel = detector.kernel(LOOK_BACK)
    scores = [panel.score(kernel) for panel in panels]
    together = np.sqrt(sum(np.square(np.maximum(score, 0.0)) for score in scores))
    chosen = np.logical_and.reduce([panel.testable for panel in panels]) & (together > CANDIDATE)
    if len(kernel) > 1:
        bad = np.maximum.reduce([panel.bad for panel in panels])
        chosen &= weighted_sum(bad, np.ones(3)) >= 2
    chosen[:, :first] = False
    if not chosen.any():
        return
    at = np.nonzero(chosen)
    each = [panel.p(kernel, score, at) for panel, score in zip(panels, scores, strict=True)]
    p, statistic = each[0]
    if len(panels) > 1:
        p = joint_p(np.stack([p for p, _ in each]))
        statistic = z_of(p)
    for row in zip(p, statistic, *at, strict=True):
        yield Found(float(row[0]), float(row[1]), int(row[2]), int(row[3]), int(row[4]))


def chance(expected: Floats, trials: Floats) -> Floats:
    """Variance of a count by chance alone."""
    share = np.divide(expected, trials, out=np.zeros_like(expected), where=trials > 0)
    return np.asarray(expected * (1 - np.minimum(share, 1.0)))
