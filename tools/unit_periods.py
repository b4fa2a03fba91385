"""Units by periods as one table, with the effects of both taken out: what every estimate around a change rests on.

Orders are counted once into mean outcomes and weights; after that all work is on units x periods, so that it costs
the same however many orders there were.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.errors import ToolFailure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NOTHING = 1e-12


@dataclass(frozen=True)
class UnitPeriods:
    """A weighted panel; a cell without weight counts for nothing."""

    units: Ints
    """Shape (units,), sorted."""
    periods: Ints
    """Shape (periods,), sorted."""
    y: Floats
    """Mean outcome, shape (units, periods); 0 where there is no weight."""
    w: Floats
    """Weight, same shape."""

    @property
    def cells(self) -> int:
        """Cells with weight."""
        return int(np.count_nonzero(self.w))

    def frame(self) -> pd.DataFrame:
        """The cells with weight as rows of `unit`, `time`, `y` and `w`."""
        unit, time = np.nonzero(self.w)
        cells = {"unit": self.units[unit], "time": self.periods[time]}
        return pd.DataFrame({**cells, "y": self.y[unit, time], "w": self.w[unit, time]})

    def keep(self, periods: Flags) -> "UnitPeriods":
        """The panel of some periods; units that have nothing in them stay, without weight."""
        return UnitPeriods(self.units, self.periods[periods], self.y[:, periods], self.w[:, periods])

    def shared(self, side: Flags) -> Flags:
        """Periods in which there is weight both on a side, shape (units,), and on the other."""
        return np.asarray((self.w[side].sum(axis=0) > 0) & (self.w[~side].sum(axis=0) > 0))

    def seen(self, side: Flags) -> int:
        """How many units of a side, shape (units,), have any weight."""
        return int((self.w[side].sum(axis=1) > 0).sum())

    def absorb(self, values: Floats) -> Floats:
        """What is left of values after weighted effects of units and periods, shape (..., units, periods)."""
        inner = values - self._unit_means(values)[..., None]
        pull = (self.w * inner).sum(axis=-2)
        period = pull @ self.period_inverse()
        shift = np.broadcast_to(period[..., None, :], values.shape)
        return np.asarray(inner - (shift - self._unit_means(shift)[..., None]))

    def period_inverse(self) -> Floats:
        """Inverse of the weighted cross-products of the periods within units, shape (periods, periods)."""
        share = self.w / np.maximum(self.w.sum(axis=1, keepdims=True), _NOTHING)
        gram = np.diag(self.w.sum(axis=0)) - self.w.T @ share
        return np.asarray(np.linalg.pinv(gram, rcond=_NOTHING, hermitian=True))

    def _unit_means(self, values: Floats) -> Floats:
        total = np.maximum(self.w.sum(axis=1), _NOTHING)
        return np.asarray((self.w * values).sum(axis=-1) / total)


def unit_periods(
    frame: pd.DataFrame, *, outcome: str, unit: str, time: str, weights: str | None = None
) -> UnitPeriods:
    """Count rows into units x periods.

    Args:
        frame: one row an observation (an order, or a cell with its weight).
        outcome: column of numbers, no NaN.
        unit: column of whole numbers.
        time: column of whole numbers; periods without a row are left out.
        weights: column of non-negative weights; every row counts once by default.

    Raises:
        ToolFailure: there are no rows, or some have no outcome.

    Example:
        >>> rows = pd.DataFrame({"store": [7, 7, 7, 9], "day": [-1, 0, 0, 0], "late": [0.0, 1.0, 0.0, 1.0]})
        >>> found = unit_periods(rows, outcome="late", unit="store", time="day")
        >>> found.y.tolist(), found.w.tolist()
        ([[0.0, 0.5], [0.0, 1.0]], [[1.0, 2.0], [0.0, 1.0]])
    """
    y = frame[outcome].to_numpy(dtype=np.float64)
    if not len(y) or np.isnan(y).any():
        raise ToolFailure(f"outcome = {outcome!r}: {int(np.isnan(y).sum())} of {len(y)} rows have none")
    unit_code, units = pd.factorize(frame[unit].to_numpy(dtype=np.int64), sort=True)
    time_code, periods = pd.factorize(frame[time].to_numpy(dtype=np.int64), sort=True)
    w = None if weights is None else frame[weights].to_numpy(dtype=np.float64)
    flat = unit_code * len(periods) + time_code
    shape = (len(units), len(periods))
    weight = np.bincount(flat, weights=w, minlength=len(units) * len(periods)).astype(np.float64)
    total = np.bincount(flat, weights=y if w is None else w * y, minlength=len(weight))
    mean = np.divide(total, weight, out=np.zeros(len(weight)), where=weight > 0)
    return UnitPeriods(units, periods, mean.reshape(shape), weight.reshape(shape))


@dataclass(frozen=True)
class Fitted:
    """A weighted regression on regressors, units and periods."""

    effects: Floats
    """Of the regressors, shape (regressors,)."""
    bread: Floats
    """Inverse of their cross-products, shape (regressors, regressors)."""
    scores: Floats
    """Weighted residual times regressor, summed by unit, shape (units, regressors)."""
    correction: float
    """For few units and many regressors, as in `tools.did`."""

    def covariance(self) -> Floats:
        """Of the effects, clustered by unit (CRV1)."""
        return np.asarray(self.bread @ (self.scores.T @ self.scores) @ self.bread * self.correction)


def regress(panel: UnitPeriods, design: Floats) -> Fitted:
    """Least squares of the outcome on regressors, shape (regressors, units, periods), beside both effects."""
    left, outcome = panel.absorb(design), panel.absorb(panel.y)
    flat, weighed = left.reshape(len(left), -1), panel.w * left
    wide = weighed.reshape(len(left), -1)
    bread = np.asarray(np.linalg.pinv(wide @ flat.T, rcond=_NOTHING, hermitian=True), dtype=np.float64)
    effects = bread @ (wide @ outcome.ravel())
    scores = (weighed * (outcome - (effects @ flat).reshape(outcome.shape))).sum(axis=2).T
    groups, n = int((panel.w.sum(axis=1) > 0).sum()), panel.cells
    k = len(effects) + len(panel.periods) - 1
    correction = groups / max(groups - 1, 1) * (n - 1) / max(n - k, 1)
    return Fitted(effects, bread, scores, correction)
