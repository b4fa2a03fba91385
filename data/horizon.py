"""The default as-of time: when the newest complete local day is closed."""

from collections.abc import Iterable
from statistics import median

import ibis.expr.types as ir

from data.localtime import DAY_S, end_of_day_us, local_seconds, whole
from data.mapping import Mapping

_QUIET_S = 3 * 3600
"""A day whose last order comes this early may still be complete."""


def default_as_of_us(orders: ir.Table, mapping: Mapping, *, first_us: int, last_us: int) -> int:
    """End of the newest complete local day in every zone, plus the delivery maturity.

    A day is complete in a zone if its last order does not come much earlier than the last orders of the days
    before; a day that was cut off by the export is not.

    Args:
        orders: clean orders.
        mapping: zones and maturity.
        first_us: first order.
        last_us: last order.

    Returns:
        Microseconds since 1970 UTC.
    """
    region = orders.region if "region" in orders.columns else None
    local = local_seconds(orders.order_time, region, mapping, first_us=first_us, last_us=last_us)
    keyed = orders.select(
        region=region if region is not None else orders.order_time.cast("string").left(0), local=local
    )
    keyed = keyed.mutate(day=whole(keyed.local, DAY_S))
    last = keyed.group_by(["region", "day"]).agg(last=keyed.local.max()).to_pyarrow().to_pylist()
    by_zone: dict[str, dict[int, int]] = {}
    for row in last:
        days = by_zone.setdefault(mapping.zone_of(row["region"]), {})
        days[row["day"]] = max(days.get(row["day"], 0), row["last"])
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


def newest_event_us(tables: dict[str, ir.Table]) -> int:
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
    newest = [
        tables[table][column].max().to_pyarrow().as_py()
        for table, columns in times.items()
        if table in tables
        for column in columns
        if column in tables[table].columns
    ]
    return max(int(value) for value in newest if value is not None)
