"""The order-level fact view: one row an order, as known at a time, in integers.

Written once with Ibis; the engine filters, joins and sums integers, everything else happens outside of it.
An outcome counts once its order is mature (`order_time + maturity <= T`) and only if it happened within
that age; so young and old orders are compared at the same age, and a view at T never sees later events.
"""

from collections.abc import Mapping as Dict
from functools import reduce
from operator import and_
from typing import Final, NamedTuple

import ibis
import ibis.expr.types as ir

from data.localtime import DAY_S, HOUR_S, MICROSECONDS, local_seconds, whole
from data.mapping import Family, Mapping

MEASURES: Final[Dict[str, Family]] = {
    "orders": "delivery",
    "outcome_known": "delivery",
    "canceled": "delivery",
    "delivered": "delivery",
    "on_time": "delivery",
    "eta_error_s": "delivery",
    "lateness_s": "delivery",
    "fulfilled": "delivery",
    "fulfilment_s": "delivery",
    "items": "delivery",
    "items_ok": "delivery",
    "refundable": "refund",
    "refunded": "refund",
    "refund_cents": "refund",
    "contactable": "support",
    "contacted": "support",
    "ratable": "rating",
    "stars_points": "rating",
}
"""Integer columns that may be summed, each with the family of outcomes that it counts; which of them exist depends on
the data."""

DRIVERS: Final = (
    "basket_value",
    "distance",
    "promise_s",
    "dasher_wait_s",
    "prep_s",
    "batched",
    "batch_size",
    "assign_s",
    "pickup_s",
    "items_missing",
    "items_substituted",
)
"""Float columns that say how an order went, empty where unknown."""

UNKNOWN: Final = "(unknown)"
"""Value of a dimension where the source has none."""


class Known(NamedTuple):
    """What the view needs to know besides the rows."""

    mapping: Mapping
    dimensions: tuple[str, ...]
    as_of_us: int
    first_us: int
    """No order lies before."""


class _Orders(NamedTuple):
    """Orders joined with their outcomes."""

    rows: ir.Table
    known: Known

    def has(self, *names: str) -> bool:
        return all(name in self.rows.columns for name in names)

    def mature(self, family: Family) -> ir.BooleanValue:
        return self.rows.order_time + self.known.mapping.maturity.microseconds(family) <= self.known.as_of_us


def facts(tables: Dict[str, ir.Table], known: Known) -> ir.Table:
    """The fact view.

    Args:
        tables: clean tables of `data.check`.
        known: mapping, dimensions and as-of time.

    Returns:
        One row an order placed before the as-of time: its id and `order_time` (microseconds since 1970 UTC),
        local `day`, `hour`, `weekday`, dimensions, those of `MEASURES` and `DRIVERS` that the tables allow,
        and `mature_*`. A numerator is 0 where its denominator is 0.
    """
    joined = _joined(tables, known)
    families: tuple[tuple[Family, str], ...] = (
        ("delivery", "deliveries"),
        ("refund", "items"),
        ("support", "support_events"),
        ("rating", "ratings"),
    )
    mature = {f"mature_{family}": joined.mature(family) for family, table in families if table in tables}
    return joined.rows.select(**_identity(joined), **_measured(joined), **_drivers(joined), **mature)


def measured(tables: Dict[str, ir.Table], known: Known) -> ir.Table:
    """The fact view with nothing but the columns that cells are made of; much smaller to plan."""
    joined = _joined(tables, known)
    return joined.rows.select(**_identity(joined), **_measured(joined))


def _joined(tables: Dict[str, ir.Table], known: Known) -> _Orders:
    orders = tables["orders"].filter(tables["orders"].order_time < known.as_of_us)
    return _Orders(_with_outcomes(orders, tables, known), known)


def _measured(o: _Orders) -> dict[str, ir.Value]:
    return _delivery(o) | _items(o) | _contacts(o)


def measures(view: ir.Table) -> tuple[str, ...]:
    """The measures that a fact view has, in the order of `MEASURES`."""
    return tuple(name for name in MEASURES if name in view.columns)


# --- joins ------------------------------------------------------------------------------------------------


def _with_outcomes(orders: ir.Table, tables: Dict[str, ir.Table], known: Known) -> ir.Table:
    rows = orders
    if "deliveries" in tables:
        rows = _join(rows, tables["deliveries"])
    for name, family, summarise in (
        ("items", "refund", _sum_items),
        ("support_events", "support", _sum_tickets),
        ("ratings", "rating", _sum_ratings),
    ):
        if name in tables:
            limit = known.mapping.maturity.microseconds(family)  # type: ignore[arg-type]  # literals of the tuple
            rows = _join(rows, summarise(tables[name], orders, limit))
    return rows


def _join(rows: ir.Table, other: ir.Table) -> ir.Table:
    joined = rows.left_join(other, "order_id")
    return joined.drop([c for c in joined.columns if c.endswith("_right")])


def _in_time(
    events: ir.Table, orders: ir.Table, time: str, limit_us: int
) -> tuple[ir.Table, ir.BooleanValue]:
    """The events, and whether each happened within an age of its order; as it is where it has no time."""
    if time not in events.columns:
        return events, ibis.literal(True)
    placed = orders.select(placed_id=orders.order_id, placed=orders.order_time)
    joined = events.inner_join(placed, events.order_id == placed.placed_id)
    return joined, joined[time].isnull() | (joined[time] <= joined.placed + limit_us)


def _sum_items(items: ir.Table, orders: ir.Table, limit_us: int) -> ir.Table:
    sums: dict[str, ir.Scalar] = {"lines": items.count()}
    flags = [
        items[flag].fill_null(False) for flag in ("missing_flag", "substituted_flag") if flag in items.columns
    ]
    if flags:
        sums["lines_ok"] = items.count(where=reduce(and_, [~flag for flag in flags]))
    for flag, name in (("missing_flag", "lines_missing"), ("substituted_flag", "lines_substituted")):
        if flag in items.columns:
            sums[name] = items.count(where=items[flag])
    summed = items.group_by("order_id").agg(**sums)
    return _with_refunds(summed, items, orders, limit_us) if "refund_amount" in items.columns else summed


def _with_refunds(summed: ir.Table, items: ir.Table, orders: ir.Table, limit_us: int) -> ir.Table:
    """Refunds are few: only their lines need to know when the order was placed."""
    # Half up: engines round halves differently, and all floor alike.
    cents = (items.refund_amount * 100 + 0.5).floor().cast("int64")
    refunds = items.mutate(cents=cents).filter(cents > 0)
    rows, in_time = _in_time(refunds, orders, "refunded_at", limit_us)
    refunded = rows.filter(in_time).group_by("order_id").agg(refunded_cents=rows.cents.sum().cast("int64"))
    joined = _join(summed, refunded)
    return joined.mutate(refund_sum=joined.refunded_cents.fill_null(0)).drop("refunded_cents")


def _sum_tickets(tickets: ir.Table, orders: ir.Table, limit_us: int) -> ir.Table:
    rows, in_time = _in_time(tickets, orders, "ticket_created", limit_us)
    return rows.group_by("order_id").agg(tickets=rows.count(where=in_time))


def _sum_ratings(ratings: ir.Table, orders: ir.Table, limit_us: int) -> ir.Table:
    rows, in_time = _in_time(ratings, orders, "rating_time", limit_us)
    if "stars" not in rows.columns:
        return rows.select("order_id").distinct()
    given = in_time & rows.stars.notnull()
    points = ibis.ifelse(given, rows.stars - 1, 0).sum().cast("int64")
    return rows.group_by("order_id").agg(ratings_given=rows.count(where=given), points=points)


# --- columns ----------------------------------------------------------------------------------------------


def _identity(o: _Orders) -> dict[str, ir.Value]:
    region = o.rows.region if o.has("region") else None
    local = local_seconds(
        o.rows.order_time, region, o.known.mapping, first_us=o.known.first_us, last_us=o.known.as_of_us
    )
    day = whole(local, DAY_S)
    columns: dict[str, ir.Value] = {
        "order_id": o.rows.order_id.cast("string"),
        "order_time": o.rows.order_time,
        "day": day,
        "hour": whole(local - day * DAY_S, HOUR_S),
        "weekday": (day + 3) % 7,
    }
    columns |= {name: o.rows[name].cast("string").fill_null(UNKNOWN) for name in o.known.dimensions}
    return columns | {"orders": ibis.literal(1, "int64")}


def _flag(value: ir.BooleanValue) -> ir.IntegerValue:
    # Not a cast: PostgreSQL has none from a flag to a 64-bit number.
    return ibis.ifelse(value.fill_null(False), 1, 0).cast("int64")


def _where(test: ir.BooleanValue, value: ir.NumericValue) -> ir.IntegerValue:
    return ibis.ifelse(test.fill_null(False), value.fill_null(0), 0).cast("int64")


def _arrival(o: _Orders) -> ir.IntegerValue | None:
    times = [o.rows[name] for name in ("actual_eta", "delivery_time") if o.has(name)]
    return ibis.coalesce(*times) if times else None


def _canceled(o: _Orders) -> ir.BooleanValue:
    """Whether it is known to be cancelled; false where the data do not say."""
    if not o.has("canceled_flag"):
        return ibis.literal(False)
    canceled = o.mature("delivery") & o.rows.canceled_flag.fill_null(False)
    if o.has("canceled_at"):
        limit = o.rows.order_time + o.known.mapping.maturity.microseconds("delivery")
        canceled &= o.rows.canceled_at.isnull() | (o.rows.canceled_at <= limit)
    return canceled


def _arrived(o: _Orders) -> ir.BooleanValue | None:
    """Whether it is known to have arrived; None where the data have no arrivals."""
    arrival = _arrival(o)
    if arrival is None:
        return None
    limit = o.rows.order_time + o.known.mapping.maturity.microseconds("delivery")
    return (o.mature("delivery") & (arrival <= limit) & ~_canceled(o)).fill_null(False)


def _outcome_known(o: _Orders) -> ir.BooleanValue:
    arrived = _arrived(o)
    if arrived is not None:
        return arrived | _canceled(o)
    if o.has("canceled_flag"):
        return o.mature("delivery") & o.rows.canceled_flag.notnull()
    return o.mature("delivery")


def _served(o: _Orders) -> ir.BooleanValue:
    """Orders whose contents reached the customer, as far as the data say."""
    arrived = _arrived(o)
    return arrived if arrived is not None else o.mature("delivery") & ~_canceled(o)


def _delivery(o: _Orders) -> dict[str, ir.Value]:
    arrived, arrival = _arrived(o), _arrival(o)
    columns: dict[str, ir.Value] = {}
    if arrived is not None or o.has("canceled_flag"):
        columns["outcome_known"] = _flag(_outcome_known(o))
    if o.has("canceled_flag"):
        columns["canceled"] = _flag(_canceled(o))
    if arrived is None or arrival is None:
        return columns
    if o.has("promised_eta"):
        columns |= _against_promise(o, arrived, arrival)
    return columns | {
        "fulfilled": _flag(arrived),
        "fulfilment_s": _where(arrived, whole(arrival - o.rows.order_time, MICROSECONDS)),
    }


def _against_promise(o: _Orders, arrived: ir.BooleanValue, arrival: ir.IntegerValue) -> dict[str, ir.Value]:
    bounds = o.known.mapping.on_time
    delivered = arrived & o.rows.promised_eta.notnull()
    late = arrival - o.rows.promised_eta
    on_time = late <= bounds.late_s * MICROSECONDS
    if bounds.early_s is not None:
        on_time &= late >= -bounds.early_s * MICROSECONDS
    return {
        "delivered": _flag(delivered),
        "on_time": _flag(delivered & on_time),
        "eta_error_s": _where(delivered, whole(late.abs(), MICROSECONDS)),
        "lateness_s": _where(delivered, late.sign() * whole(late.abs(), MICROSECONDS)),
    }


def _items(o: _Orders) -> dict[str, ir.Value]:
    columns: dict[str, ir.Value] = {}
    if o.has("lines_ok"):
        served = _served(o)
        columns |= {"items": _where(served, o.rows.lines), "items_ok": _where(served, o.rows.lines_ok)}
    if o.has("refund_sum"):
        refundable = o.mature("refund") & o.rows.lines.notnull()
        columns |= {
            "refundable": _flag(refundable),
            "refunded": _flag(refundable & (o.rows.refund_sum > 0)),
            "refund_cents": _where(refundable, o.rows.refund_sum),
        }
    return columns


def _contacts(o: _Orders) -> dict[str, ir.Value]:
    columns: dict[str, ir.Value] = {}
    if o.has("tickets"):
        mature = o.mature("support")
        columns |= {"contactable": _flag(mature), "contacted": _flag(mature & (o.rows.tickets > 0))}
    if o.has("points"):
        mature = o.mature("rating")
        columns |= {
            "ratable": _where(mature, o.rows.ratings_given),
            "stars_points": _where(mature, o.rows.points),
        }
    return columns


def _drivers(o: _Orders) -> dict[str, ir.Value]:
    columns: dict[str, ir.Value] = {}
    if o.has("basket_value"):
        columns["basket_value"] = o.rows.basket_value
    if o.has("distance"):
        columns["distance"] = o.rows.distance
    if o.has("promised_eta"):
        columns["promise_s"] = (o.rows.promised_eta - o.rows.order_time) / MICROSECONDS
    later = {
        "dasher_wait_s": "dasher_wait",
        "prep_s": "merchant_prep_time",
        "batched": "batched_flag",
        "batch_size": "batch_size",
    }
    known = _outcome_known(o)
    for name, source in later.items():
        if o.has(source):
            value = o.rows[source]
            number = ibis.ifelse(value, 1, 0) if value.type().is_boolean() else value
            columns[name] = _if_known(known & value.notnull(), number.cast("float64"))
    for name, source in (("assign_s", "assigned_at"), ("pickup_s", "pickup_at")):
        if o.has(source):
            columns[name] = _if_known(known, (o.rows[source] - o.rows.order_time) / MICROSECONDS)
    for name, source in (("items_missing", "lines_missing"), ("items_substituted", "lines_substituted")):
        if o.has(source):
            columns[name] = _if_known(_served(o), o.rows[source].cast("float64"))
    return columns


def _if_known(known: ir.BooleanValue, value: ir.NumericValue) -> ir.NumericValue:
    return ibis.ifelse(known, value, ibis.null("float64"))
