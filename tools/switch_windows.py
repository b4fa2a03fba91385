"""Windows of a switchback on the calendar: which hours of which local day are switched together."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

from data.mapping import Mapping
from data.slices import Slice
from tools.buckets import hour_starts

START: Final = "window_start"
END: Final = "window_end"
EVERYWHERE: Final = "(all)"
"""Region where the data have none."""


def scope_hours(scope: Slice) -> tuple[int, ...]:
    """The hours that are cut into windows, in order of time."""
    return tuple(range(24)) if scope.hour is None else scope.hour.hours


def place(orders: pd.DataFrame, scope: Slice, hours: int) -> pd.DataFrame:
    """The window of every order.

    Args:
        orders: `day` and `hour` (local), all of them inside the scope's hours.
        scope: gives the hours.
        hours: length of a window; the last one of a day may be shorter.

    Returns:
        `day` and `position`, the local day and hour in which the window starts, with the orders' index.
    """
    order = scope_hours(scope)
    first = {hour: order[index // hours * hours] for index, hour in enumerate(order)}
    position = orders["hour"].map(first).to_numpy(np.int64)
    # Hours past midnight belong to a window of the evening before.
    day = orders["day"].to_numpy(np.int64) - (orders["hour"].to_numpy(np.int64) < position)
    return pd.DataFrame({"day": day, "position": position}, index=orders.index)


def calendar(
    scope: Slice, hours: int, *, regions: Iterable[str | None], mapping: Mapping, first_day: int, days: int
) -> pd.DataFrame:
    """All windows of some local days.

    Args:
        scope: gives the hours.
        hours: length of a window.
        regions: None stands for data without regions.
        mapping: gives their time zones.
        first_day: local, days since 1970-01-01.
        days: how many.

    Returns:
        `region` (where there are any), `day`, `position`, `window_start` and `window_end` (UTC), in order of time.
    """
    parts = [_of_region(region, scope, hours, mapping, first_day, days) for region in regions]
    whole = pd.concat(parts, ignore_index=True)
    if whole["region"].isna().all():
        whole = whole.drop(columns="region")
    return whole.sort_values([START, *(c for c in ("region",) if c in whole)], ignore_index=True)


def _of_region(
    region: str | None, scope: Slice, hours: int, mapping: Mapping, first_day: int, days: int
) -> pd.DataFrame:
    order = scope_hours(scope)
    begins = [order[index] for index in range(0, len(order), hours)]
    lengths = [min(hours, len(order) - index) for index in range(0, len(order), hours)]
    # Two days more, so that a window that runs past midnight has an end.
    starts = hour_starts(mapping.zone_of(region), first_day, days + 2).ravel()
    day = np.repeat(np.arange(days), len(begins))
    at = day * 24 + np.tile(begins, days)
    return pd.DataFrame(
        {
            "region": region,
            "day": first_day + day,
            "position": np.tile(begins, days),
            START: pd.to_datetime(starts[at], unit="us", utc=True),
            END: pd.to_datetime(starts[at + np.tile(lengths, days)], unit="us", utc=True),
        }
    )


def window_of(orders: pd.DataFrame, windows: pd.DataFrame) -> pd.Series:
    """Row number of the window that each order was placed in; -1 outside all of them.

    Args:
        orders: `order_time`, and `region` where the windows have one.
        windows: `window_start`, `window_end`, and perhaps `region`; those of a region do not overlap.
    """
    by = ["region"] if "region" in windows else None
    right = windows[[START, END, *(by or [])]].assign(window=np.arange(len(windows)))
    left = pd.DataFrame({START: orders["order_time"].to_numpy(), "at": np.arange(len(orders))})
    left[START] = pd.to_datetime(left[START], utc=True)
    if by:
        left["region"] = orders["region"].astype(str).to_numpy()
        right["region"] = right["region"].astype(str)
    joined = pd.merge_asof(_sorted(left), _sorted(right), on=START, by=by)
    placed = pd.to_datetime(orders["order_time"].to_numpy()[joined["at"]], utc=True)
    found = joined["window"].where(placed < pd.DatetimeIndex(joined[END]), -1).fillna(-1).astype(np.int64)
    return pd.Series(found.to_numpy()[np.argsort(joined["at"].to_numpy())], index=orders.index)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{START: frame[START].astype("datetime64[us, UTC]")}).sort_values(
        START, kind="stable"
    )
