"""The default as-of time: when the newest complete local day is closed."""

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from statistics import median

import pandas as pd

from data.check import Extent
from data.facts import UNKNOWN
from data.localtime import DAY_S, end_of_day_us
from data.mapping import Mapping

_QUIET_S = 3 * 3600
"""A day whose last order comes this early may still be complete."""


def default_as_of_us(profile: pd.DataFrame, mapping: Mapping) -> int:
    """End of the newest complete local day in every zone, plus the delivery maturity.

    A day is complete in a zone if its last order does not come much earlier than the last orders of the days
    before; a day that was cut off by the export is not.

    Args:
        profile: local `day`, its last order in local `seconds`, and `region` where the data have regions.
        mapping: zones and maturity.

    Returns:
        Microseconds since 1970 UTC.
    """
    regions = profile["region"] if "region" in profile else pd.Series("", index=profile.index)
    last = profile["seconds"].groupby([regions, profile["day"]]).max()
    by_zone: dict[str, dict[int, int]] = {}
    for key, seconds in last.items():
        region, day = key if isinstance(key, tuple) else ("", key)
        days = by_zone.setdefault(mapping.zone_of(None if region == UNKNOWN else str(region)), {})
        days[int(day)] = max(days.get(int(day), 0), int(seconds))
    newest = max(max(days) for days in by_zone.values())
    current = [days for days in by_zone.values() if max(days) >= newest - 1]
    day = min(_newest_complete(days) for days in current)
    return end_of_day_us(day, by_zone) + mapping.maturity.microseconds("delivery")


def _newest_complete(last_by_day: dict[int, int]) -> int:
    """The newest day, or the one before where the newest was cut off."""
    days = sorted(last_by_day)
    if len(days) == 1:
        return days[0]
    usual = median(_quiet(last_by_day, days[:-1]))
    cut = _quiet(last_by_day, days[-1:])[0] > max(_QUIET_S, 1.5 * usual)
    return days[-1] - 1 if cut else days[-1]


def _quiet(last_by_day: dict[int, int], days: Iterable[int]) -> list[int]:
    return [(day + 1) * DAY_S - last_by_day[day] for day in days]


def newest_event_us(extents: Dict[str, Dict[str, Extent]]) -> int:
    """The newest time at which anything in the data happened, in microseconds since 1970 UTC."""
    times = {
        "orders": ("order_time",),
        "deliveries": ("actual_eta", "delivery_time", "canceled_at"),
        "items": ("refunded_at",),
        "support_events": ("ticket_created",),
        "ratings": ("rating_time",),
        "supply_snapshots": ("ts",),
        "inventory_events": ("event_time",),
        "policy_changes": ("changed_at",),
    }
    found = [extents.get(table, {}).get(column) for table, columns in times.items() for column in columns]
    return max(extent.last for extent in found if extent is not None)
