"""The effect of a change that reached its scopes at different times, in two stages.

Plain two-way fixed effects take scopes that have the change already as controls for those that get it later; with an
effect that grows, that hides part of it. Here units and periods are learned from what has no change yet, and the
effect is what the changed cells stray from that.

References:
    J. Gardner (2022), Two-stage differences in differences; K. Borusyak, X. Jaravel, J. Spiess (2024), Revisiting
    event-study designs: robust and efficient estimation.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import lsqr

from tools.did import collapse
from tools.errors import ToolFailure

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_TOLERANCE: Final = 1e-12


def two_stage(
    frame: pd.DataFrame, *, outcome: str, unit: str, time: str, treated: str, weights: str | None = None
) -> float:
    """Mean effect on what is treated, in the outcome's unit.

    Args:
        frame: one row an observation (an order, or a cell with its weight).
        outcome: column of numbers, no NaN.
        unit: column of units.
        time: column of periods.
        treated: column of 0/1: the row's unit is under treatment at the row's time.
        weights: column of non-negative weights; every row counts once by default.

    Raises:
        ToolFailure: nothing is treated, or no treated unit was seen before its treatment in periods that others
            were untreated in.

    Example:
        Two units that get a change of 2 one after the other, beside one that never does:

        >>> cells = pd.DataFrame({"unit": [0, 0, 0, 1, 1, 1, 2, 2, 2], "time": [0, 1, 2] * 3,
        ...     "on": [0, 1, 1, 0, 0, 1, 0, 0, 0], "y": [5.0, 8.0, 9.0, 1.0, 2.0, 5.0, 0.0, 1.0, 2.0]})
        >>> round(two_stage(cells, outcome="y", unit="unit", time="time", treated="on"), 6)
        2.0
    """
    cells = collapse(frame, outcome, unit, time, treated, weights)
    on = cells["treated"].to_numpy() == 1
    if not on.any():
        raise ToolFailure("not testable: no unit is treated in the period")
    units, times = (cells[name].to_numpy(dtype=np.int64) for name in ("unit", "time"))
    known = on & np.isin(units, units[~on]) & np.isin(times, times[~on])
    if not known.any():
        raise ToolFailure("not testable: no treated unit was seen before, beside others without the change")
    y, w = (cells[name].to_numpy(dtype=np.float64) for name in ("y", "w"))
    expected = _untreated(y, w, units, times, ~on)
    return float(np.average((y - expected)[known], weights=w[known]))


def _untreated(
    y: Floats, w: Floats, units: npt.NDArray[np.int64], times: npt.NDArray[np.int64], off: Flags
) -> Floats:
    """What each cell would have been, from the units and periods of the untreated cells (weighted least squares)."""
    rows = np.arange(len(y))
    design = sparse.hstack(
        [sparse.csr_matrix((np.ones(len(y)), (rows, code))) for code in (units, times)], format="csr"
    )
    root = np.sqrt(w)
    fitted = lsqr(
        sparse.diags(root[off]) @ design[off],
        root[off] * y[off],
        atol=_TOLERANCE,
        btol=_TOLERANCE,
        iter_lim=5_000,
    )[0]
    return np.asarray(design @ fitted)
