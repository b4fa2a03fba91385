"""Orders of a slice and a span of time, out of cells or facts."""

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from tools.buckets import hour_starts

Bools = npt.NDArray[np.bool_]


def in_slice(frame: pd.DataFrame, slice_: Slice) -> Bools:
    """Which rows of cells or facts belong to a slice.

    Raises:
        ValueError: the slice names a dimension that the frame does not have.

    Example:
        >>> frame = pd.DataFrame({"region": ["SF", "SF", "LA"], "hour": [18, 20, 18]})
        >>> in_slice(frame, Slice.parse({"region": "SF", "hour": {"from": 18, "to": 20}})).tolist()
        [True, False, False]
    """
    inside = np.ones(len(frame), dtype=bool)
    for name, value in slice_.values:
        if name not in frame.columns:
            raise ValueError(f"slice names {name!r}: the data have no such dimension")
        inside &= (frame[name] == value).to_numpy(dtype=bool)
    if slice_.hour is not None:
        inside &= np.isin(frame["hour"].to_numpy(), slice_.hour.hours)
    return inside


def cell_starts(cells: pd.DataFrame, mapping: Mapping) -> npt.NDArray[np.int64]:
    """UTC microseconds at which the local hour of each cell begins."""
    day, hour = (cells[name].to_numpy(np.int64) for name in ("day", "hour"))
    if not len(day):
        return np.zeros(0, dtype=np.int64)
    first, count = int(day.min()), int(day.max() - day.min()) + 1
    if "region" not in cells.columns:
        return np.asarray(hour_starts(mapping.zone_of(None), first, count)[day - first, hour])
    starts = np.empty(len(day), dtype=np.int64)
    regions = cells["region"].astype(str).to_numpy()
    for region in np.unique(regions):
        rows = regions == region
        starts[rows] = hour_starts(mapping.zone_of(region), first, count)[day[rows] - first, hour[rows]]
    return starts


def in_window(starts: npt.NDArray[np.int64], start: datetime, end: datetime) -> Bools:
    """Which UTC microseconds lie from `start` on and before `end`."""
    low, high = (pd.Timestamp(moment).value // 1000 for moment in (start, end))
    return np.asarray((starts >= low) & (starts < high))


def facts(dataset: Dataset, slice_: Slice, start: datetime, end: datetime) -> pd.DataFrame:
    """The orders of a slice placed from `start` on and before `end`."""
    frame = dataset.facts()
    moment = frame["order_time"]
    inside = in_slice(frame, slice_) & ((moment >= start) & (moment < end)).to_numpy(dtype=bool)
    return frame[inside]
