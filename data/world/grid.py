"""The grid that a world runs on: region-hours, and fleet-hours ("cells") of one region and category.

A region-hour is an hour of UTC between local midnight of the first and after the last day, so a day
has 23 or 25 of them where clocks change. A cell is `region_hour * categories + category`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from data.slices import Slice
from data.world.arrays import Bools, Ints
from data.world.catalog import CATEGORIES, CATEGORY_NAMES
from data.world.regions import REGIONS, ZONES

HOUR: Final = 3600


@dataclass(frozen=True)
class Grid:
    """Region-hours of a world; arrays of one entry a region-hour."""

    region: Ints
    step: Ints
    """Hours since the region's first local midnight."""
    start: Ints
    """When it starts, seconds since 1970 in UTC."""
    hour: Ints
    """Local hour of day."""
    weekday: Ints
    """Local weekday, Monday is 0."""
    day: Ints
    """Local days since the world's first."""
    first_day: date

    @property
    def cells(self) -> int:
        """How many fleet-hours there are."""
        return self.region.size * len(CATEGORIES)

    @property
    def cell_category(self) -> Ints:
        """Category of every cell."""
        return np.tile(np.arange(len(CATEGORIES)), self.region.size)

    def midnight(self, region: str, day: int) -> datetime:
        """Local midnight at the start of a day of the world, in UTC."""
        local = datetime.combine(self.first_day + timedelta(days=day), datetime.min.time())
        return local.replace(tzinfo=ZoneInfo(ZONES[region])).astimezone(UTC)

    def select(self, scope: Slice, *, from_day: int = 0, since: datetime | None = None) -> Bools:
        """The cells of a slice, from a local day on and starting no earlier than an instant.

        Args:
            scope: dimensions `region` and `category`, and local hours.
            from_day: first local day.
            since: a time in UTC.

        Raises:
            ValueError: the slice names a dimension or value that the world does not have.
        """
        check_scope(scope)
        region, category = scope.get("region"), scope.get("category")
        keep = self.day >= from_day
        if region is not None:
            keep = keep & (self.region == REGIONS.index(region))
        if scope.hour is not None:
            keep = keep & np.isin(self.hour, scope.hour.hours)
        if since is not None:
            keep = keep & (self.start >= since.timestamp())
        cells = np.repeat(keep, len(CATEGORIES))
        return cells if category is None else cells & (self.cell_category == CATEGORY_NAMES.index(category))


def check_scope(scope: Slice) -> None:
    """Refuse a slice that the world cannot act on; raises `ValueError`."""
    known = {"region": REGIONS, "category": CATEGORY_NAMES}
    for name, value in scope.values:
        if name not in known:
            raise ValueError(f"scope names {name!r}; the world acts on {', '.join(known)} and hour")
        if value not in known[name]:
            raise ValueError(f"scope has {name}={value!r}; known: {', '.join(known[name])}")


def build(first_day: date, *, days: int) -> Grid:
    """The grid of the days from `first_day` on."""
    parts = [_region_hours(index, first_day, days) for index in range(len(REGIONS))]
    whole = pd.concat(parts, ignore_index=True)
    columns = {str(name): whole[name].to_numpy(dtype=np.int64) for name in whole}
    return Grid(**columns, first_day=first_day)


def _region_hours(index: int, first_day: date, days: int) -> pd.DataFrame:
    zone = ZONES[REGIONS[index]]
    begin = pd.Timestamp(first_day, tz=zone)
    end = pd.Timestamp(first_day + timedelta(days=days), tz=zone)
    local = pd.date_range(begin, end, freq="h", inclusive="left")
    midnight = pd.Timestamp(first_day)
    return pd.DataFrame(
        {
            "region": index,
            "step": np.arange(len(local)),
            "start": local.tz_convert("UTC").as_unit("s").asi8,
            "hour": local.hour,
            "weekday": local.day_of_week,
            "day": (local.tz_localize(None).normalize() - midnight).days,
        }
    )
