"""What each cell of a table should have shown by a baseline: main effects first, then the cell's own past."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SWEEPS: Final = 8
PRIOR_HARM: Final = 3.0
"""Harm, in events, that pulls a main effect towards none."""
PRIOR_TRIALS: Final = 30.0
"""Trials that pull a cell's rate towards what its main effects say."""


def expected_rates(trials: Floats, harm: Floats, effects: Sequence[Ints], *, unit: float = 1.0) -> Floats:
    """Harm per trial of every cell, shape (cells,): a product of main effects, shrunk to by the cell's own.

    Args:
        trials: of the baseline, by cell; 0 where the baseline did not have the cell.
        harm: of the baseline, by cell.
        effects: number of each cell's value in every dimension.
        unit: size of one event; 1 for counts.

    Returns:
        0 everywhere where the baseline has no trials at all.

    Example:
        >>> city, kind = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> rates = expected_rates(np.full(4, 1e6), np.array([1e5, 2e5, 2e5, 4e5]), [city, kind])
        >>> rates.round(3).tolist()
        [0.1, 0.2, 0.2, 0.4]

    References:
        W. Deming, F. Stephan (1940), On a least squares adjustment of a sampled frequency table (raking).
    """
    size = float(trials.sum())
    if size <= 0:
        return np.zeros(len(trials))
    rate = np.full(len(trials), float(harm.sum()) / size)
    prior = PRIOR_HARM * unit
    for _ in range(SWEEPS):
        for code in effects:
            width = int(code.max(initial=0)) + 1
            seen = np.bincount(code, weights=harm, minlength=width)
            awaited = np.bincount(code, weights=trials * rate, minlength=width)
            rate = rate * ((seen + prior) / (awaited + prior))[code]
    return np.asarray((harm + PRIOR_TRIALS * rate) / (trials + PRIOR_TRIALS))


def over_dispersion(harm: Floats, expected: Floats, variance: Floats) -> float:
    """Variance of groups about their expectation over that by chance, at least 1; big groups count for more.

    Args:
        harm: of each group, such as a region's day.
        expected: the same.
        variance: by chance alone.

    Example:
        >>> over_dispersion(np.array([14.0, 6.0]), np.array([10.0, 10.0]), np.array([8.0, 8.0]))
        2.0
    """
    chance = float(variance.sum())
    return max(float(np.square(harm - expected).sum()) / chance, 1.0) if chance > 0 else 1.0
