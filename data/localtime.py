"""Local time as integer arithmetic, so that every engine agrees to the second.

The rules of time zones stay in Python (`zoneinfo`); an engine sees only their offsets as constants.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from data.mapping import Mapping

MICROSECONDS = 1_000_000
DAY_S = 86_400
HOUR_S = 3_600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(hours=6)
"""No zone changes its offset twice within this time."""


class Offsets(NamedTuple):
    """A zone's offsets from UTC within a span."""

    starts_s: tuple[int, ...]
    """Seconds since 1970 UTC from which the offset of the same position holds; the first holds before, too."""
    offsets_s: tuple[int, ...]

    def at(self, utc_s: int) -> int:
        """The offset at a time, in seconds."""
        return self.offsets_s[max(bisect_right(self.starts_s, utc_s) - 1, 0)]


@lru_cache(maxsize=512)
def offsets(zone: str, first_s: int, last_s: int) -> Offsets:
    """The offsets of a zone between two times (seconds since 1970 UTC).

    Example:
        >>> offsets("America/New_York", 1_362_700_800, 1_362_960_000)  # 8 to 11 March 2013
        Offsets(starts_s=(1362700800, 1362898800), offsets_s=(-18000, -14400))
    """
    starts, found = [first_s], [_offset(zone, first_s)]
    step = int(_STEP.total_seconds())
    for at in range(first_s, last_s + step, step):
        later = _offset(zone, at + step)
        if later != found[-1]:
            starts.append(_change(zone, at, at + step))
            found.append(later)
    return Offsets(tuple(starts), tuple(found))


def _offset(zone: str, utc_s: int) -> int:
    delta = (_EPOCH + timedelta(seconds=utc_s)).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return int(delta.total_seconds())


def _change(zone: str, low: int, high: int) -> int:
    """The first second with the offset of `high`."""
    after = _offset(zone, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(zone, middle) == after else (middle, high)
    return high


def local_seconds(
    time_us: ir.IntegerColumn,
    region: ir.StringColumn | None,
    mapping: Mapping,
    *,
    first_us: int,
    last_us: int,
) -> ir.IntegerValue:
    """Seconds since 1970 on the local clock of each row's region.

    Args:
        time_us: microseconds since 1970 UTC.
        region: decides the zone; None where the data have no regions.
        mapping: its zones.
        first_us: no time lies before.
        last_us: no time lies after.
    """
    utc_s = whole(time_us, MICROSECONDS)
    span = (first_us // MICROSECONDS, last_us // MICROSECONDS)
    default = _piecewise(utc_s, offsets(mapping.zone_of(None), *span))
    if region is None:
        return utc_s + default
    by_zone: dict[str, list[str]] = {}
    for name, zone in sorted(mapping.zones.items()):
        by_zone.setdefault(zone, []).append(name)
    branches = [
        (region.isin(names), _piecewise(utc_s, offsets(zone, *span))) for zone, names in by_zone.items()
    ]
    return utc_s + (ibis.cases(*branches, else_=default) if branches else default)


def _piecewise(utc_s: ir.IntegerValue, pieces: Offsets) -> ir.IntegerValue:
    value: ir.IntegerValue = ibis.literal(pieces.offsets_s[-1], "int64")
    for start, offset in zip(reversed(pieces.starts_s[1:]), reversed(pieces.offsets_s[:-1]), strict=True):
        value = ibis.ifelse(utc_s < start, ibis.literal(offset, "int64"), value)
    return value


def whole(value: ir.IntegerValue, unit: int) -> ir.IntegerValue:
    """How many whole units fit, rounded down; exact up to 2**52."""
    return (value // unit).cast("int64")


def end_of_day_us(day: int, zones: Iterable[str]) -> int:
    """When a local day (days since 1970) is over in all of some zones, in microseconds since 1970 UTC.

    Example:
        >>> end_of_day_us(0, ["UTC", "America/Los_Angeles"]) // 3_600_000_000
        32
    """
    clock_s = (day + 1) * DAY_S
    return max(_utc(clock_s, zone) for zone in zones) * MICROSECONDS


def _utc(clock_s: int, zone: str) -> int:
    clock = (_EPOCH + timedelta(seconds=clock_s)).replace(tzinfo=ZoneInfo(zone))
    return int((clock.astimezone(UTC) - _EPOCH).total_seconds())
