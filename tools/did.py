"""Difference-in-differences with two-way fixed effects and errors clustered by unit.

The frame is collapsed to unit x time first: the coefficient is the same as on single rows, and days of one store
are not taken for independent orders. Errors are CRV1 (Liang and Zeger 1986, Cameron and Miller 2015), which
needs many clusters: below `MIN_CLUSTERS`, or with few treated ones, `error` is None and a placebo test must judge.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.errors import ToolFailure

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_CLUSTERS: Final = 40
MIN_TREATED: Final = 8


@dataclass(frozen=True)
class DidEstimate:
    """An effect of treatment on the treated."""

    effect: float
    """In the outcome's unit."""
    error: float | None
    """Clustered by unit; None where the clusters are too few for it to be honest."""
    units: int
    treated_units: int
    periods: int
    observations: int
    """Rows before collapsing."""

    @property
    def t(self) -> float | None:
        """Effect in standard errors."""
        return self.effect / self.error if self.error else None


def estimate(
    frame: pd.DataFrame, *, outcome: str, unit: str, time: str, treated: str, weights: str | None = None
) -> DidEstimate:
    """Effect of `treated` on `outcome` within units, against units not treated at the time.

    Args:
        frame: one row an observation (an order, or a cell with its weight).
        outcome: column of numbers, no NaN.
        unit: column of units, also the clusters.
        time: column of periods.
        treated: column of 0/1: the row's unit is under treatment at the row's time.
        weights: column of non-negative weights; every row counts once by default.

    Raises:
        ToolFailure: no unit is ever treated, none is never treated, or treatment never starts.

    Example:
        The fast-food employment of Card and Krueger (1994), table 3, as four means:

        >>> cells = pd.DataFrame({"state": ["NJ", "NJ", "PA", "PA"], "wave": [0, 1, 0, 1],
        ...     "fte": [20.44, 21.03, 23.33, 21.17], "rise": [0, 1, 0, 0]})
        >>> round(estimate(cells, outcome="fte", unit="state", time="wave", treated="rise").effect, 2)
        2.75
    """
    cells = collapse(frame, outcome, unit, time, treated, weights)
    units, unit_code = np.unique(cells["unit"].to_numpy(), return_inverse=True)
    periods, time_code = np.unique(cells["time"].to_numpy(), return_inverse=True)
    d = cells["treated"].to_numpy(dtype=np.float64)
    ever = np.bincount(unit_code, weights=d) > 0
    _require_contrast(ever, d, len(units))
    y, w = cells["y"].to_numpy(dtype=np.float64), cells["w"].to_numpy(dtype=np.float64)
    dummies = (time_code[:, None] == np.arange(1, len(periods))).astype(np.float64)
    design = _within(np.column_stack([d, dummies]), unit_code, w)
    target = _within(y[:, None], unit_code, w)[:, 0]
    root = np.sqrt(w)
    beta = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
    error = None
    if enough_clusters(int(ever.sum()), len(units)):
        error = _clustered(design, target - design @ beta, w, unit_code)
    return DidEstimate(float(beta[0]), error, len(units), int(ever.sum()), len(periods), len(frame))


def enough_clusters(treated: int, units: int) -> bool:
    """Whether errors clustered by unit are honest.

    Example:
        >>> enough_clusters(8, 40), enough_clusters(7, 40), enough_clusters(35, 42)
        (True, False, False)
    """
    return units >= MIN_CLUSTERS and min(treated, units - treated) >= MIN_TREATED


def collapse(
    frame: pd.DataFrame, outcome: str, unit: str, time: str, treated: str, weights: str | None
) -> pd.DataFrame:
    """Cells of unit, time and treatment, with the mean outcome `y` and the weight `w`; units and times as codes."""
    w = np.ones(len(frame)) if weights is None else frame[weights].to_numpy(dtype=np.float64)
    y = frame[outcome].to_numpy(dtype=np.float64)
    if np.isnan(y).any():
        raise ToolFailure(f"outcome = {outcome!r}: {int(np.isnan(y).sum())} rows have none; leave them out")
    plain = pd.DataFrame(
        {
            "unit": pd.factorize(frame[unit], sort=True)[0],
            "time": pd.factorize(frame[time], sort=True)[0],
            "treated": frame[treated].to_numpy(dtype=np.int64),
            "wy": w * y,
            "w": w,
        }
    )
    cells = plain.groupby(["unit", "time", "treated"], sort=True, as_index=False).sum()
    cells = cells[cells["w"] > 0]
    return cells.assign(y=cells["wy"] / cells["w"])


def _require_contrast(ever: npt.NDArray[np.bool_], d: Floats, units: int) -> None:
    if not ever.any():
        raise ToolFailure("not testable: no unit is treated in the period")
    if ever.all():
        raise ToolFailure(f"not testable: all {units} units are treated, there is no control")
    if d.sum() == len(d) or len(np.unique(d)) < 2:
        raise ToolFailure("not testable: treatment never starts, there is no before")


def _within(columns: Floats, unit: Ints, w: Floats) -> Floats:
    total = np.bincount(unit, weights=w)
    means = np.column_stack([np.bincount(unit, weights=w * column) / total for column in columns.T])
    return np.asarray(columns - means[unit])


def _clustered(design: Floats, residual: Floats, w: Floats, cluster: Ints) -> float:
    n, k = design.shape
    groups = int(cluster.max()) + 1
    bread = np.linalg.pinv((design * w[:, None]).T @ design)
    scores = np.zeros((groups, k))
    np.add.at(scores, cluster, design * (w * residual)[:, None])
    correction = groups / (groups - 1) * (n - 1) / max(n - k, 1)
    variance = bread @ (scores.T @ scores) @ bread * correction
    return float(np.sqrt(max(variance[0, 0], 0.0)))
