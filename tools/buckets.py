"""Local days and hours as UTC time: when a bucket begins, ends and closes."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.mapping import Mapping

Hours = npt.NDArray[np.int64]
"""UTC microseconds by (day, hour)."""


@lru_cache(maxsize=64)
def hour_starts(zone: str, first_day: int, days: int) -> Hours:
    """UTC microseconds at which each local hour begins, shape (days, 24).

    An hour that a clock change skips begins at the change; one that it repeats begins the first time.

    Example:
        >>> starts = hour_starts("America/New_York", 0, 1)
        >>> int(starts[0, 0]) // 3_600_000_000
        5
    """
    begin = pd.Timestamp(0) + pd.Timedelta(days=first_day)
    local = pd.date_range(begin, periods=days * 24, freq="h")
    first = np.ones(len(local), dtype=bool)
    utc = local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward").tz_convert("UTC")
    starts: Hours = utc.as_unit("us").asi8.reshape(days, 24).copy()
    starts.flags.writeable = False
    return starts


def all_zones(mapping: Mapping, regions: Iterable[str]) -> tuple[str, ...]:
    """The zones in use, sorted; the default zone where there is no region."""
    return tuple(sorted({mapping.zone_of(region) for region in regions} or {mapping.zone_of(None)}))


def moment_of(zone: str, day: int, hour: int = 0) -> datetime:
    """When a local hour (0-24) of a day begins, in UTC."""
    day, hour = day + hour // 24, hour % 24
    moment = int(hour_starts(zone, day, 1)[0, hour])
    return pd.Timestamp(moment, unit="us", tz="UTC").to_pydatetime()


def local_day(mapping: Mapping, region: str | None, moment: datetime) -> int:
    """The local date of a moment, in days since 1970-01-01."""
    local = pd.Timestamp(moment).tz_convert(mapping.zone_of(region)).tz_localize(None)
    return int((local.normalize() - pd.Timestamp(0)).days)


def closed_hours(
    zones: Iterable[str], *, first_day: int, days: int, as_of: datetime, maturity_us: int
) -> npt.NDArray[np.bool_]:
    """Which local hours have ended, and ripened for `maturity_us` microseconds, in every zone; shape (days, 24)."""
    limit = pd.Timestamp(as_of).value // 1000 - maturity_us
    closed = np.ones((days, 24), dtype=bool)
    for zone in zones:
        starts = hour_starts(zone, first_day, days + 1).reshape(-1)
        ends = starts[1 : days * 24 + 1].reshape(days, 24)
        closed &= ends <= limit
    return closed
