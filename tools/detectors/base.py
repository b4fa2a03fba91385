"""What every detector is: a weighting of the last periods.

A detector sees a sum over past periods, newest first, with the weights of `kernel`. Sums of counts and of their
variances stay sums, so that one test of significance serves all detectors.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Detector(Protocol):
    """Weights over the last periods and the classic alarm limit that goes with them."""

    @property
    def limit(self) -> float:
        """Standard score at which the textbook chart signals."""
        ...

    def kernel(self, length: int) -> Floats:
        """Weights of the newest `length` periods, newest first; the newest weighs 1."""
        ...


def weighted_sum(values: Floats, kernel: Floats) -> Floats:
    """Sums over the last periods, along the last axis but one.

    Args:
        values: shape (..., periods, hours).
        kernel: weights, newest first.

    Example:
        >>> weighted_sum(np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 0.5])).ravel().tolist()
        [1.0, 2.5, 4.0]
    """
    total: Floats = kernel[0] * values
    for back in range(1, min(len(kernel), values.shape[-2])):
        if kernel[back]:
            total[..., back:, :] += kernel[back] * values[..., :-back, :]
    return total


def standardised(z: Floats, detector: Detector) -> Floats:
    """A detector's statistic of a series of standard scores; standard normal while nothing happens.

    Args:
        z: standard scores, oldest first, shape (periods,).
        detector: which weights.

    Example:
        >>> from tools.detectors.zscore import ZScore
        >>> standardised(np.array([1.0, 1.0, 1.0, 1.0]), ZScore(periods=4)).tolist()[-1]
        2.0
    """
    kernel = detector.kernel(len(z))
    column = z[:, None]
    power = weighted_sum(np.ones_like(column), kernel**2)
    return np.asarray(weighted_sum(column, kernel) / np.sqrt(power))[:, 0]
