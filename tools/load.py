"""How busy the couriers were when each order was placed, from the nearest earlier supply snapshot."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

STALE: Final = pd.Timedelta(hours=2)
"""A snapshot older than this says nothing."""


def load_by_order(orders: pd.DataFrame, supply: pd.DataFrame) -> Floats:
    """Open orders per courier online (or busy share, where open orders are not recorded), shape (orders,).

    Args:
        orders: `region` and `order_time`, sorted by time.
        supply: the table `supply_snapshots`.

    Returns:
        `NaN` where no snapshot of the region is recent enough.

    Example:
        >>> t = pd.to_datetime(["2026-01-05T10:00Z", "2026-01-05T11:00Z"])
        >>> supply = pd.DataFrame({"region": "SF", "ts": t, "couriers_online": [10, 5], "outstanding_orders": [5, 10]})
        >>> orders = pd.DataFrame({"region": "SF", "order_time": t + pd.Timedelta(minutes=30)})
        >>> load_by_order(orders, supply).tolist()
        [0.5, 2.0]
    """
    open_orders = next((c for c in ("outstanding_orders", "couriers_busy") if c in supply), None)
    if open_orders is None or "couriers_online" not in supply or supply.empty:
        return np.full(len(orders), np.nan)
    online = supply["couriers_online"].to_numpy(dtype=np.float64, na_value=np.nan)
    busy = supply[open_orders].to_numpy(dtype=np.float64, na_value=np.nan)
    unit = orders["order_time"].dt.unit
    right = pd.DataFrame(
        {
            "region": supply["region"].astype(str),
            "at": supply["ts"].dt.as_unit(unit),
            "load": busy / np.maximum(online, 1.0),
        }
    ).sort_values(["at", "region"], kind="stable")
    left = pd.DataFrame(
        {"region": orders["region"].astype(str).to_numpy(), "at": orders["order_time"].to_numpy()}
    )
    left["at"] = pd.DatetimeIndex(orders["order_time"])
    joined = pd.merge_asof(left, right, on="at", by="region", tolerance=STALE)
    return joined["load"].to_numpy(dtype=np.float64, na_value=np.nan)
