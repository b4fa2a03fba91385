"""How much work a courier had when an order was placed: orders of the region's hour over couriers online.

Open orders would not do: they grow when orders take longer, so they follow the very waits to be explained.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

STALE: Final = pd.Timedelta(hours=2)
"""A snapshot older than this says nothing."""


def load_by_order(orders: pd.DataFrame, supply: pd.DataFrame) -> Floats:
    """Orders of the hour per courier online in the region, by order, shape (orders,).

    Args:
        orders: all orders of the hours concerned: `region` and `order_time`, sorted by time.
        supply: the table `supply_snapshots`.

    Returns:
        `nan` where no snapshot of the region is recent enough.

    Example:
        >>> t = pd.to_datetime(["2026-01-05T10:00Z", "2026-01-05T11:00Z"])
        >>> supply = pd.DataFrame({"region": "SF", "ts": t, "couriers_online": [10, 5]})
        >>> at = t[[0, 1, 1]] + pd.Timedelta(minutes=30)
        >>> load_by_order(pd.DataFrame({"region": "SF", "order_time": at}), supply).tolist()
        [0.1, 0.4, 0.4]
    """
    if "couriers_online" not in supply or supply.empty:
        return np.full(len(orders), np.nan)
    region = orders["region"].astype(str).to_numpy()
    code, _ = pd.factorize(region)
    hour = orders["order_time"].dt.as_unit("s").astype("int64").to_numpy() // 3600
    cell = (hour - hour.min()) * (int(code.max()) + 1) + code
    count = np.bincount(cell)[cell]
    unit = orders["order_time"].dt.unit
    snapshots = pd.DataFrame(
        {
            "region": supply["region"].astype(str),
            "at": supply["ts"].dt.as_unit(unit),
            "online": supply["couriers_online"].to_numpy(dtype=np.float64, na_value=np.nan),
        }
    ).sort_values(["at", "region"], kind="stable")
    left = pd.DataFrame({"region": region, "at": pd.DatetimeIndex(orders["order_time"])})
    online = pd.merge_asof(left, snapshots, on="at", by="region", tolerance=STALE)["online"]
    return np.asarray(count / np.maximum(online.to_numpy(dtype=np.float64, na_value=np.nan), 1.0))
