"""Cumulative sums: drifts so slow that no single period stands out.

Two forms: on standard scores (Page's chart), and on counts of bad events, where every event and every good outcome
moves the sum by the log-likelihood ratio of a worse rate (the Bernoulli CUSUM).
"""

from dataclasses import dataclass

import numpy as np

from tools.detectors.base import Floats


@dataclass(frozen=True)
class Cusum:
    """Page's one-sided chart on standard scores.

    Args:
        reference: half of the shift, in sigma, that it is tuned to.
        limit: height at which it signals.

    References:
        E. Page (1954), Continuous inspection schemes.
    """

    reference: float = 0.5
    limit: float = 5.0

    def __post_init__(self) -> None:
        if self.reference <= 0 or self.limit <= 0:
            raise ValueError(f"reference = {self.reference}, limit = {self.limit}: both must be positive")

    def path(self, z: Floats) -> Floats:
        """The chart's height after every period, along the last axis.

        Example:
            >>> Cusum().path(np.array([0.0, 2.0, 2.0, -3.0, 0.0])).tolist()
            [0.0, 1.5, 3.0, 0.0, 0.0]
        """
        return _climb(z - self.reference)


@dataclass(frozen=True)
class BernoulliCusum:
    """Counts against a baseline rate, tuned to odds `ratio` times worse.

    Args:
        ratio: of the odds it should notice, above 1.

    References:
        M. Reynolds and Z. Stoumbos (1999), A CUSUM chart for monitoring a proportion when inspecting continuously.
    """

    ratio: float = 1.5

    def __post_init__(self) -> None:
        if self.ratio <= 1:
            raise ValueError(f"ratio = {self.ratio}: must be above 1")

    def path(self, harm: Floats, trials: Floats, rate: Floats, *, phi: Floats | float = 1.0) -> Floats:
        """The chart's height after every period, in nats, along the last axis.

        Args:
            harm: bad events by period.
            trials: what they are counted among.
            rate: expected by the baseline, inside (0, 1); the same shape, or one that broadcasts.
            phi: over-dispersion, by which the evidence of a period is divided.

        Example:
            >>> harm, trials = np.array([8.0, 8.0, 14.0, 15.0]), np.full(4, 100.0)
            >>> BernoulliCusum(ratio=2.0).path(harm, trials, np.full(4, 0.08)).round(2).tolist()
            [0.0, 0.0, 2.01, 4.71]
        """
        worse = rate * self.ratio / (1 + rate * (self.ratio - 1))
        gain = harm * np.log(worse / rate) + (trials - harm) * np.log((1 - worse) / (1 - rate))
        return _climb(gain / phi)


def _climb(steps: Floats) -> Floats:
    """Sums that never fall below zero: the excess of the running total over its lowest value so far."""
    total = np.cumsum(steps, axis=-1)
    lowest = np.minimum.accumulate(np.minimum(total, 0.0), axis=-1)
    return np.asarray(total - lowest)


def average_run_length(
    shift: float, *, reference: float = 0.5, limit: float = 5.0, two_sided: bool = False, states: int = 400
) -> float:
    """Mean number of periods until Page's chart signals, by a Markov chain.

    Args:
        shift: of the mean, in sigma, from the first period on.
        reference: of the chart.
        limit: of the chart.
        two_sided: with a mirrored chart beside it.
        states: steps of the chain.

    Example:
        >>> round(average_run_length(1.0), 1)
        10.4

    References:
        D. Brook and D. Evans (1972), An approach to the probability distribution of CUSUM run length.
    """
    upper = _one_sided(shift, reference, limit, states)
    if not two_sided:
        return upper
    return 1 / (1 / upper + 1 / _one_sided(-shift, reference, limit, states))


def _one_sided(shift: float, reference: float, limit: float, states: int) -> float:
    from scipy.stats import norm

    width = 2 * limit / (2 * states - 1)
    height = np.arange(states) * width
    gap = height[None, :] - height[:, None] + reference - shift
    move = norm.cdf(gap + width / 2) - norm.cdf(gap - width / 2)
    move[:, 0] = norm.cdf(gap[:, 0] + width / 2)
    runs = np.linalg.solve(np.eye(states) - move, np.ones(states))
    return float(runs[0])
