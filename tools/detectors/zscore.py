"""Standard score of the last period, or of the last few together."""

from dataclasses import dataclass

import numpy as np

from tools.detectors.base import Floats


@dataclass(frozen=True)
class ZScore:
    """The plain sum of the last periods: best at a big shift.

    Args:
        periods: how many, 1 or more.
        limit: standard score at which the classic chart signals.
    """

    periods: int = 1
    limit: float = 2.5

    def __post_init__(self) -> None:
        if self.periods < 1:
            raise ValueError(f"periods = {self.periods}: must be at least 1")

    def kernel(self, length: int) -> Floats:
        """Ones for the last periods."""
        return np.ones(min(self.periods, length))


def average_run_length(shift: float, *, limit: float, two_sided: bool = True) -> float:
    """Mean number of periods until |z| passes the limit under a shift of this many sigma.

    Example:
        >>> round(average_run_length(0.0, limit=3.0), 1)
        370.4

    References:
        D. Montgomery, Introduction to Statistical Quality Control, chapter on Shewhart charts.
    """
    from scipy.stats import norm

    alarm = norm.sf(limit - shift) + (norm.cdf(-limit - shift) if two_sided else 0.0)
    return float(1 / alarm)
