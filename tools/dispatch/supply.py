"""The couriers of a fleet as recorded, and how much more work each had in the incident.

Couriers serve all orders of their region alike: a fleet has the part of them that it has of the region's orders. How
busy they were is recorded for the region, so the change of its busy share is taken as the fleet's, but for what the
fleet itself did: its own batches, and its own orders beyond those of the region as far as they are not chance.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from tools.dispatch.kernel import UNLIMITED
from tools.dispatch.pool import trip_part
from tools.loads import hourly_supply

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_KEYS: Final = ["region", "stamp"]


@dataclass(frozen=True)
class Couriers:
    """Of a fleet."""

    online: Ints
    """When each order was placed, the fleet's part; `UNLIMITED` where not known."""
    hours: float | None = None
    """Courier-hours online in the slice's hours of the incident, the fleet's part."""
    utilisation: float | None = None
    """Busy over online in the slice's hours before the incident."""
    load_ratio: float = 1.0
    """Work a courier in the slice's hours before batching saves any, incident over before."""


def couriers_of_fleet(
    dataset: Dataset, rows: pd.DataFrame, everyone: pd.DataFrame, *, during: Bools, measured: Bools
) -> Couriers:
    """The couriers of a fleet.

    Args:
        dataset: for the snapshots.
        rows: orders of the fleet, with `stamp` and `extra`.
        everyone: all orders of the same regions and days, with `stamp` and `during`.
        during: which rows were placed in the incident.
        measured: which belong to the slice.
    """
    unknown = Couriers(np.full(len(rows), UNLIMITED, np.int64))
    known = all(dataset.has(f"supply_snapshots.couriers_{name}") for name in ("online", "busy"))
    if "region" not in rows or not known:
        return unknown
    placed = rows.assign(region=rows["region"].astype(str), during=during)
    found = placed[[*_KEYS, "during"]].merge(hourly_supply(dataset), on=_KEYS, how="left")
    if found["couriers_online"].isna().any():
        return unknown
    share = len(rows) / len(everyone)
    hours = found[measured].drop_duplicates(_KEYS)
    total = hours.groupby("during")[["couriers_online", "couriers_busy"]].sum()
    busy = total["couriers_busy"] / total["couriers_online"].clip(lower=1)
    own = placed[measured]
    around = everyone.assign(region=everyone["region"].astype(str)).merge(hours[_KEYS], on=_KEYS)
    return Couriers(
        online=np.maximum(np.rint(found["couriers_online"] * share), 1).to_numpy(np.int64),
        hours=float(total["couriers_online"][True] * share),
        utilisation=float(busy[False]),
        load_ratio=float(busy[True] / busy[False]) / _own_work(own, around) * _own_demand(own, around),
    )


def _own_work(own: pd.DataFrame, around: pd.DataFrame) -> float:
    """What the slice's own batches made of the region's work an order, incident over before."""
    known = own.dropna(subset=["extra"])
    part = known.assign(part=trip_part(known["extra"].to_numpy(np.float64))).groupby("during")["part"].mean()
    share = float(own["during"].sum() / around["during"].sum())
    return 1 + share * float(part[True] / part[False] - 1)


def _own_demand(own: pd.DataFrame, around: pd.DataFrame) -> float:
    """Orders of the slice over those of the region, incident over before: James and Stein's estimate of its logarithm.

    It is drawn to 0 by as much as the days before vary by themselves.
    """
    mine, all_ = (rows.groupby(["during", "day"]).size() for rows in (own, around))
    daily = np.log((mine / all_).dropna().to_numpy(np.float64))
    now = (mine / all_).dropna().index.get_level_values("during").to_numpy(bool)
    gap = float(daily[now].mean() - daily[~now].mean())
    error = float(np.var(daily[~now], ddof=1)) * (1 / now.sum() + 1 / (~now).sum())
    return float(np.exp(gap * max(0.0, 1 - error / max(gap**2, 1e-12))))
