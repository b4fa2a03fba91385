"""How far a slice strays on normal days, and where it stands on average.

Residuals of past days are compared with what chance alone would give. A slice's own excess (`phi`) rests on few
days, so it is drawn to that of its family, which grows with the number of orders: days have luck in common.

References:
    D. Laney (2002), Improved control charts for attributes (the p' chart).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tools.baseline import PRIOR_ORDERS, Span, trailing
from tools.cube import Floats

PRIOR_DAYS: Final = 30.0
_LEAST_VARIANCE: Final = 1e-9


class Windows(NamedTuple):
    """Sums over windows of hours, shape (slices, days, windows)."""

    harm: Floats
    expected: Floats
    trials: Floats
    variance: Floats
    """Of the harm by chance alone; the baseline's own error included."""
    third: Floats
    """Third moment of the harm about its mean by chance alone; 0 where it is not used."""


class Dispersion(NamedTuple):
    """What past days say of each slice and window, for each day."""

    offset: Floats
    """Mean residual per trial: what the leaves' expectation misses of this slice."""
    phi: Floats
    """Variance of a day's residual over that by chance."""
    freedom: Floats
    """Degrees of freedom behind `phi`."""
    typical: Floats
    """Mean trials a day within the baseline."""


def dispersion(past: Windows, span: Span, *, floor: float) -> Dispersion:
    """Offsets and over-dispersion of every slice, window and day.

    Args:
        past: the rows that the baseline may learn from.
        span: which days a day is compared with.
        floor: least phi; 1 for counts, 0 where `variance` is only a scale.
    """
    residual = past.harm - past.expected
    offset = trailing(residual, span) / (trailing(past.trials, span) + PRIOR_ORDERS)
    residual = residual - offset * past.trials
    valid = past.variance > _LEAST_VARIANCE
    excess = np.where(valid, residual**2 / np.where(valid, past.variance, 1.0), 0.0)
    days = trailing(valid.astype(np.float64), span)
    typical = trailing(past.trials, span) / np.maximum(days, 1.0)
    own = trailing(excess, span) / np.maximum(days, 1.0)
    pool = _pooled(excess, past.trials * valid, valid, typical, span, floor)
    weight = days / (days + PRIOR_DAYS)
    phi = np.maximum(weight * own + (1 - weight) * pool, floor)
    shared = PRIOR_DAYS if len(past.harm) > 1 else 0.0
    return Dispersion(offset, np.maximum(phi, _LEAST_VARIANCE), np.maximum(days + shared, 3.0), typical)


def _pooled(
    excess: Floats, trials: Floats, valid: npt.NDArray[np.bool_], typical: Floats, span: Span, floor: float
) -> Floats:
    """Over-dispersion of a slice of this size in this family: 1 + rho x trials for counts, else the mean."""
    if not floor:
        total = trailing(excess.sum(0, keepdims=True), span)
        return np.asarray(total / np.maximum(trailing(valid.sum(0, keepdims=True).astype(float), span), 1.0))
    top = trailing(((excess - 1) * trials).sum(0, keepdims=True), span)
    bottom = trailing((trials**2).sum(0, keepdims=True), span)
    rho = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
    return np.asarray(1 + np.maximum(rho, 0.0) * typical)
