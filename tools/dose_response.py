"""Dose and response: does more of a policy go with more of the outcome?

A setting that took three or more numeric values, in different scopes or one after the other, says more than on and
off: the outcome should move with its value, and at every step the same way.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tools.did import MIN_CLUSTERS, MIN_TREATED
from tools.errors import ToolFailure
from tools.unit_periods import Floats, UnitPeriods, regress

MIN_LEVELS: Final = 3
_NOTHING: Final = 1e-9


@dataclass(frozen=True)
class DoseResponse:
    """How the outcome moves with a policy's value."""

    slope: float
    """In the outcome's unit, per unit of the policy's value."""
    error: float | None
    """Clustered by unit; None where the clusters are too few for it to be honest."""
    levels: int
    """Values that orders were seen under."""
    monotone: bool | None
    """Every step up moved the outcome the same way; None where single steps cannot be told apart."""


def dose_response(panel: UnitPeriods, level: Floats) -> DoseResponse:
    """Slope over the levels within units, with unit and period effects.

    Args:
        panel: units by periods.
        level: the policy's value, shape (units, periods); NaN where it is unknown, for all periods of a unit: its
            value is taken not to have changed.

    Raises:
        ToolFailure: fewer than three levels, or no unit's level changed beside others.

    Example:
        Two stores go from 1 to 2 and to 3 while a third stays:

        >>> level = np.array([[1.0, 2, 2], [1, 1, 3], [np.nan] * 3])
        >>> y = np.array([[0.1, 0.3, 0.3], [0.2, 0.2, 0.6], [0.5, 0.5, 0.5]])
        >>> found = dose_response(UnitPeriods(np.arange(3), np.arange(3), y, np.ones((3, 3))), level)
        >>> round(found.slope, 6), found.levels, found.monotone
        (0.2, 3, True)
    """
    seen = np.isfinite(level) & (panel.w > 0)
    levels = np.unique(level[seen])
    if len(levels) < MIN_LEVELS:
        raise ToolFailure(
            f"not testable: orders were seen under {len(levels)} values, {MIN_LEVELS} are needed"
        )
    known = np.where(seen, level, levels[0])
    if not _varies(panel, known[None])[0]:
        raise ToolFailure("not testable: the value never changed in one place beside others")
    fitted = regress(panel, known[None])
    slope = float(fitted.effects[0])
    moved = np.array([len(np.unique(row[on])) > 1 for row, on in zip(known, seen, strict=True)])
    enough = panel.seen(np.ones(len(moved), dtype=bool)) >= MIN_CLUSTERS and int(moved.sum()) >= MIN_TREATED
    error = float(np.sqrt(fitted.covariance()[0, 0])) if enough else None
    return DoseResponse(slope, error, len(levels), _monotone(panel, known, levels, slope))


def _monotone(panel: UnitPeriods, level: Floats, levels: Floats, slope: float) -> bool | None:
    """A step's own effect: that of being at or above a level rather than at the one below."""
    steps = (level >= levels[1:, None, None]).astype(np.float64)
    steps = steps[_varies(panel, steps)]
    fitted = regress(panel, steps)
    if np.linalg.matrix_rank(fitted.bread, hermitian=True) < len(steps):
        return None
    return bool(np.all(fitted.effects * slope > 0))


def _varies(panel: UnitPeriods, design: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which regressors vary within units beside the periods."""
    return np.asarray((panel.w * panel.absorb(design) ** 2).sum(axis=(1, 2)) > _NOTHING)
