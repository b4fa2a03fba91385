"""Couriers online against the hour of the week, and what made them busier: fewer of them, or more orders."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.mapping import Mapping
from data.slices import Slice
from tools.errors import ToolFailure
from tools.incident_frame import GUARD, Flags, SpanArguments, incident_frame
from tools.level_shift import level_shift
from tools.memo import memo
from tools.registry import Result, ToolContext, tool
from tools.shift import Ints, Shift, codes
from tools.volume_shift import orders_shift, supply_part

Floats = npt.NDArray[np.float64]

DETECTABLE_Z: Final = 2.8


class SupplyShiftResult(Result):
    """Couriers of the incident's regions and hours; negative `z` means fewer than usual."""

    baseline_couriers: float
    """Mean couriers online before."""
    current_couriers: float
    """Mean couriers online during the incident."""
    couriers_change_share: float
    """Against the same hours of the week."""
    z: float
    """In standard errors between days; negative is fewer."""
    orders_change_share: float
    """Orders against the same hours of the week."""
    supply_part_share: float
    """Of the rise of orders per courier, the part that fewer couriers made."""
    detectable_share: float
    """Smallest lack of couriers that would have been seen four times in five."""
    n_snapshots: int


@tool()
def supply_shift(context: ToolContext, arguments: SpanArguments) -> SupplyShiftResult:
    """Whether fewer couriers were online than the hour of the week has, and whether that or demand made them busy."""
    dataset = context.dataset
    dataset.require("supply_snapshots.couriers_online")
    hours = memo(dataset, ("local_supply",), lambda: localise(dataset.supply(), dataset.mapping))
    hours = within(hours, arguments.slice, arguments.start, arguments.end, context.settings.baseline_days)
    during = (hours["ts"] >= arguments.start).to_numpy(dtype=bool)
    shift = couriers_shift(hours, during)
    if shift is None:
        raise ToolFailure("not testable: too few supply snapshots in the window or before it")
    orders = orders_shift(incident_frame(context, arguments))
    online = hours["couriers_online"].to_numpy(dtype=np.float64, na_value=np.nan)
    orders_change = orders.change if orders else 0.0
    return SupplyShiftResult(
        baseline_couriers=float(np.nanmean(online[~during])),
        current_couriers=float(np.nanmean(online[during])),
        couriers_change_share=shift.change,
        z=shift.z,
        orders_change_share=orders_change,
        supply_part_share=supply_part(shift.change, orders_change),
        detectable_share=DETECTABLE_Z * shift.error,
        n_snapshots=int(during.sum()),
    )


def localise(supply: pd.DataFrame, mapping: Mapping) -> pd.DataFrame:
    """Supply snapshots with local `day` and `hour`, by region."""
    parts = []
    for region, rows in supply.groupby(supply["region"].astype(str), sort=True):
        zone = mapping.zones.get(str(region), mapping.default_zone) or "UTC"
        local = rows["ts"].dt.tz_convert(ZoneInfo(zone))
        plain = local.dt.tz_localize(None)
        parts.append(
            rows.assign(
                region=str(region),
                day=(plain - pd.Timestamp(0)).dt.days,
                hour=local.dt.hour,
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else supply.assign(day=0, hour=0)


def within(hours: pd.DataFrame, slice_: Slice, start: datetime, end: datetime, days: int) -> pd.DataFrame:
    """The snapshots of the slice's region and hours, in the baseline or in the window."""
    first = start - GUARD - timedelta(days=days)
    keep = (hours["ts"] >= first) & (hours["ts"] < end)
    keep &= (hours["ts"] < start - GUARD) | (hours["ts"] >= start)
    region = slice_.get("region")
    if region is not None:
        keep &= hours["region"] == region
    if slice_.hour is not None:
        keep &= hours["hour"].isin(slice_.hour.hours)
    return hours[keep].reset_index(drop=True)


def couriers_shift(hours: pd.DataFrame, during: Flags) -> Shift | None:
    """Shift of couriers online against the same region and hour of the week."""
    online = hours["couriers_online"].to_numpy(dtype=np.float64, na_value=np.nan)
    known = ~np.isnan(online)
    if not known.any():
        return None
    kind = codes(*(hours[name].to_numpy()[known].astype(str) for name in ("region", "hour")))
    day: Ints = hours["day"].to_numpy(dtype=np.int64)[known]
    return level_shift(online[known], day=day, kind=kind, during=during[known])
