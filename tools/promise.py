"""What a longer promise does to punctuality: arithmetic on the arrivals that were seen, no model."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.mapping import OnTime

Floats = npt.NDArray[np.float64]


def punctuality(rows: pd.DataFrame, *, add_s: float, rule: OnTime) -> dict[str, Floats]:
    """Numerators of the promise's own metrics had every promise been longer.

    Args:
        rows: orders with `lateness_s` (seconds, signed) and `delivered` (0 or 1).
        add_s: seconds added to the promise.
        rule: how early and how late still counts as on time.

    Returns:
        `on_time` (0 or 1) and `eta_error` (seconds) of every row; 0 where it was not delivered.

    Example:
        >>> rows = pd.DataFrame({"lateness_s": [0, 500, 0], "delivered": [1, 1, 0]})
        >>> punctuality(rows, add_s=240, rule=OnTime(early_s=300, late_s=300))["on_time"].tolist()
        [1.0, 1.0, 0.0]
        >>> punctuality(rows, add_s=400, rule=OnTime(early_s=300, late_s=300))["on_time"].tolist()
        [0.0, 1.0, 0.0]
    """
    delivered = rows["delivered"].to_numpy(np.float64)
    lateness = rows["lateness_s"].to_numpy(np.float64) - add_s
    punctual = _at_most(lateness, rule.late_s) & _at_most(-lateness, rule.early_s)
    return {"on_time": punctual * delivered, "eta_error": np.abs(lateness) * delivered}


def _at_most(values: Floats, bound: float | None) -> npt.NDArray[np.bool_]:
    return np.ones(len(values), bool) if bound is None else np.asarray(values <= bound, bool)
