"""What a longer promise does to punctuality, and by how much promises fall short: arithmetic on arrivals, no model."""

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


def fallen_short_s(lateness: Floats, hour: npt.NDArray[np.int64], during: npt.NDArray[np.bool_]) -> float:
    """By how much more promises fell short of arrivals during an incident than before, seconds, at like hours.

    Args:
        lateness: seconds behind the promise, signed; nan where nothing was delivered.
        hour: local hour of every order.
        during: whether it belongs to the incident.

    Returns:
        The mean over the incident's orders in hours that both have; 0 without such hours.

    Example:
        >>> late = np.array([0.0, 60.0, 300.0, 0.0])
        >>> fallen_short_s(late, np.array([18, 19, 18, 19]), np.array([False, False, True, True]))
        120.0
    """
    known = ~np.isnan(lateness)

    def by_hour(part: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        at = hour[part & known]
        return (
            np.bincount(at, weights=lateness[part & known], minlength=24).astype(np.float64),
            np.bincount(at, minlength=24).astype(np.float64),
        )

    (now, orders), (then, base) = by_hour(during), by_hour(~during)
    both = (orders > 0) & (base > 0)
    if not both.any():
        return 0.0
    gap = now[both] / orders[both] - then[both] / base[both]
    return float((gap * orders[both]).sum() / orders[both].sum())


def _at_most(values: Floats, bound: float | None) -> npt.NDArray[np.bool_]:
    return np.ones(len(values), bool) if bound is None else np.asarray(values <= bound, bool)
