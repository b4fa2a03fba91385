"""Exponentially weighted moving average: small shifts that stay."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tools.detectors.base import Floats

_FORGOTTEN: Final = 0.05
"""Relative weight from which on older periods are left out."""


@dataclass(frozen=True)
class Ewma:
    """Weights that fall by `1 - weight` a period.

    Args:
        weight: of the newest period, in (0, 1].
        limit: in sigma of the average, at which the classic chart signals.

    References:
        J. Lucas and M. Saccucci (1990), Exponentially weighted moving average control schemes.
    """

    weight: float = 0.2
    limit: float = 2.962

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight = {self.weight}: must lie in (0, 1]")

    def kernel(self, length: int) -> Floats:
        """Falling weights, cut where they no longer matter."""
        if self.weight == 1:
            return np.ones(1)
        remembered = int(np.ceil(np.log(_FORGOTTEN) / np.log(1 - self.weight)))
        return np.asarray((1 - self.weight) ** np.arange(min(length, remembered), dtype=np.float64))


def average_run_length(
    shift: float, *, weight: float = 0.2, limit: float = 2.962, states: int = 301
) -> float:
    """Mean number of periods until the two-sided chart signals, by a Markov chain.

    Args:
        shift: of the mean, in sigma of one period, from the first period on.
        weight: of the newest period.
        limit: in sigma of the average in its steady state.
        states: steps of the chain; odd, so that zero is one of them.

    Example:
        >>> round(average_run_length(1.0), 1)
        10.5

    References:
        D. Brook and D. Evans (1972), An approach to the probability distribution of CUSUM run length.
    """
    from scipy.stats import norm

    edge = limit * np.sqrt(weight / (2 - weight))
    borders = np.linspace(-edge, edge, states + 1)
    centres = (borders[1:] + borders[:-1]) / 2
    steps = (borders[None, :] - (1 - weight) * centres[:, None]) / weight - shift
    move = np.diff(norm.cdf(steps), axis=1)
    runs = np.linalg.solve(np.eye(states) - move, np.ones(states))
    return float(runs[states // 2])
