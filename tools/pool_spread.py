"""How much courier efficiency and order volume vary between switchback windows, in the scope's own history."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.slices import Slice
from tools.efficiency import PER_HOUR
from tools.loads import hourly_supply
from tools.variation import LEAST_UNITS, positions

Floats = npt.NDArray[np.float64]


class Spread(NamedTuple):
    """Of a guardrail between units."""

    sd: float
    """Standard deviation between units, in the metric's unit."""
    units_per_day: float


def of_efficiency(
    dataset: Dataset, pool: pd.DataFrame, scope: Slice, *, name: str, length: int
) -> Spread | None:
    """Orders per busy courier-hour, or per trip, of the region's windows; None with too few of them.

    Args:
        dataset: for the couriers' hours.
        pool: the region's orders before the incident, in the scope's hours.
        scope: gives the hours that are cut into windows.
        name: `orders_per_courier_hour`, else `orders_per_trip`.
        length: hours of a window.
    """
    hours = _by_courier_hour(dataset, pool) if name == PER_HOUR else _by_trip(pool)
    hours = hours.assign(position=positions(hours, scope, length))
    keys = [key for key in ("region", "day", "position") if key in hours]
    windows = hours.groupby(keys, observed=True, as_index=False)[["top", "bottom"]].sum()
    windows = windows[windows["bottom"] > 0]
    return _spread(windows, (windows["top"] / windows["bottom"]).to_numpy(np.float64))


def of_volume(rows: pd.DataFrame, scope: Slice, *, length: int) -> Spread | None:
    """Orders a day, as windows with and without the action would differ in it; None with too few windows.

    Args:
        rows: the scope's orders before the incident.
        scope: gives the hours that are cut into windows.
        length: hours of a window.
    """
    placed = rows.assign(position=positions(rows, scope, length))
    keys = [key for key in ("region", "day", "position") if key in placed]
    windows = placed.groupby(keys, observed=True).size().rename("orders").reset_index()
    found = _spread(windows, windows["orders"].to_numpy(np.float64))
    return None if found is None else Spread(found.sd * found.units_per_day, found.units_per_day)


def _by_courier_hour(dataset: Dataset, pool: pd.DataFrame) -> pd.DataFrame:
    keyed = pool.assign(region=pool["region"].astype(str), stamp=pool["order_time"].dt.floor("h"))
    hours = keyed.groupby(["region", "stamp"], as_index=False).agg(
        top=("order_time", "size"), day=("day", "first"), hour=("hour", "first")
    )
    supply = hourly_supply(dataset).rename(columns={"couriers_busy": "bottom"})
    return hours.merge(supply[["region", "stamp", "bottom"]], on=["region", "stamp"]).dropna(
        subset=["bottom"]
    )


def _by_trip(pool: pd.DataFrame) -> pd.DataFrame:
    """An order of a trip of three takes a third of it."""
    carried = pool[pool["batch_size"].notna()]
    size = carried["batch_size"].to_numpy(np.float64)
    return carried.assign(top=1.0, bottom=1.0 / np.maximum(size, 1.0))


def _spread(windows: pd.DataFrame, value: Floats) -> Spread | None:
    """About the mean of the same region and time of day."""
    keys = [key for key in ("region", "position") if key in windows]
    groups = np.asarray(windows.groupby(keys, observed=True).ngroup(), np.int64)
    freedom = len(windows) - len(np.unique(groups))
    if freedom < LEAST_UNITS:
        return None
    mean = np.bincount(groups, weights=value) / np.bincount(groups)
    sd = float(np.sqrt(((value - mean[groups]) ** 2).sum() / freedom))
    # A spread of zero is no spread: nothing could be tested with it.
    return Spread(sd, len(windows) / windows["day"].nunique()) if sd > 0 else None
