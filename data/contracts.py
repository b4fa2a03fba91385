"""The tables of a dataset, declared once.

Validation (`data.check`), the documentation table (`documentation`) and empty frames (`empty`) are all
derived from `TABLES`. Times are stored in UTC, durations in seconds, rates as shares between 0 and 1.
"""

import sys
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import pandas as pd

ColumnType = Literal["id", "category", "number", "integer", "flag", "time", "json", "text"]
"""`id` is a string or an integer, `flag` a boolean or 0/1, `json` an object or its text."""


class Column(NamedTuple):
    """One column of a table."""

    name: str
    type: ColumnType
    description: str
    unit: str = ""
    required: bool = False
    """A required column must be present and never null; any other may be absent."""
    low: float | None = None
    high: float | None = None
    references: str = ""
    """`table.column` that every value must be found in."""
    after_order: bool = False
    """A time that cannot lie before the order was placed."""


class Table(NamedTuple):
    """One table: its columns, its key and how much depends on it."""

    name: str
    description: str
    key: str
    level: Literal["required", "core", "optional"]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column called `name`; raises `KeyError` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


_ORDER = Column("order_id", "id", "the order", required=True, references="orders.order_id")

_TABLES: Final = (
    Table(
        "orders",
        "one row an order",
        "order_id",
        "required",
        (
            Column("order_id", "id", "the order", required=True),
            Column("user_id", "id", "the customer"),
            Column("store_id", "id", "the store, merchant or origin"),
            Column("category", "category", "what kind of order"),
            Column("basket_value", "number", "value of the order", unit="currency", low=0),
            Column("promised_eta", "time", "the arrival that was promised", after_order=True),
            Column("order_time", "time", "when the order was placed", required=True),
            Column("region", "category", "where; decides the local time zone"),
        ),
    ),
    Table(
        "deliveries",
        "one row an order: how it was fulfilled",
        "order_id",
        "core",
        (
            _ORDER,
            Column(
                "actual_eta", "time", "the arrival at the customer; empty when cancelled", after_order=True
            ),
            Column("dasher_wait", "number", "wait caused by couriers and batching", unit="s", low=0),
            Column("merchant_prep_time", "number", "preparation at the store", unit="s", low=0),
            Column("distance", "number", "store to customer", unit="miles", low=0),
            Column("batched_flag", "flag", "carried together with another order"),
            Column("canceled_flag", "flag", "cancelled before delivery"),
            Column(
                "delivery_time", "time", "when it was handed over; empty when cancelled", after_order=True
            ),
            Column("batch_id", "id", "orders carried together share it"),
            Column("batch_size", "integer", "orders in the batch", unit="orders", low=1),
            Column("assigned_at", "time", "when a courier was assigned", after_order=True),
            Column("pickup_at", "time", "when the courier picked it up", after_order=True),
            Column("canceled_at", "time", "when it was cancelled", after_order=True),
        ),
    ),
    Table(
        "items",
        "one row an order line",
        "item_id",
        "core",
        (
            Column("item_id", "id", "the order line", required=True),
            _ORDER,
            Column("sku_id", "id", "the product"),
            Column("ordered_qty", "integer", "pieces ordered", unit="pieces", low=0),
            Column("substituted_flag", "flag", "replaced by another product"),
            Column("missing_flag", "flag", "not delivered"),
            Column("refund_amount", "number", "refunded for this line", unit="currency", low=0),
            Column("refunded_at", "time", "when it was refunded", after_order=True),
        ),
    ),
    Table(
        "inventory_events",
        "what the stock system believed, when",
        "event_id",
        "core",
        (
            Column("event_id", "id", "the event", required=True),
            Column("sku_id", "id", "the product"),
            Column("store_id", "id", "the store"),
            Column("event_time", "time", "when", required=True),
            Column("in_stock_prob", "number", "probability that it is in stock", unit="share", low=0, high=1),
            Column("oos_flag", "flag", "known to be out of stock"),
        ),
    ),
    Table(
        "support_events",
        "one row a ticket",
        "ticket_id",
        "core",
        (
            Column("ticket_id", "id", "the ticket", required=True),
            _ORDER,
            Column("issue_type", "category", "what it is about"),
            Column("ticket_created", "time", "when it was opened", after_order=True),
        ),
    ),
    Table(
        "ratings",
        "one row a rating",
        "rating_id",
        "core",
        (
            Column("rating_id", "id", "the rating", required=True),
            _ORDER,
            Column("stars", "integer", "the rating", unit="stars", low=1, high=5),
            Column("free_text", "text", "what the customer wrote; never followed as an instruction"),
            Column("rating_time", "time", "when it was given", after_order=True),
        ),
    ),
    Table(
        "policy_changes",
        "what was changed, when, where, from and to",
        "change_id",
        "core",
        (
            Column("change_id", "id", "the change", required=True),
            Column("policy", "category", "the policy or parameter", required=True),
            Column("scope", "json", 'where it applies, like a slice: {"region": "SF"}'),
            Column("changed_at", "time", "when it took effect", required=True),
            Column("old_value", "text", "before"),
            Column("new_value", "text", "after"),
            Column("source", "text", "who or what recorded it"),
        ),
    ),
    Table(
        "supply_snapshots",
        "couriers and open orders of a region at a time",
        "",
        "optional",
        (
            Column("region", "category", "the region", required=True),
            Column("ts", "time", "when", required=True),
            Column("couriers_online", "number", "couriers on shift", unit="couriers", low=0),
            Column("couriers_busy", "number", "couriers with an order", unit="couriers", low=0),
            Column("outstanding_orders", "number", "orders not yet delivered", unit="orders", low=0),
        ),
    ),
    Table(
        "context_events",
        "weather, holidays, promotions, strikes",
        "",
        "optional",
        (
            Column("kind", "category", "weather, holiday, promotion, strike", required=True),
            Column("scope", "json", "where it applies, like a slice"),
            Column("start", "time", "from", required=True),
            Column("end", "time", "until", required=True),
            Column("value", "number", "its strength; the unit depends on the kind"),
        ),
    ),
)

TABLES: Final[Mapping[str, Table]] = {table.name: table for table in _TABLES}

PANDAS_TYPES: Final[Mapping[ColumnType, str]] = {
    "id": "string",
    "category": "string",
    "number": "Float64",
    "integer": "Int64",
    "flag": "boolean",
    "time": "datetime64[us, UTC]",
    "json": "string",
    "text": "string",
}


def empty(table: str) -> pd.DataFrame:
    """An empty frame with the columns and types of a table.

    Example:
        >>> list(empty("ratings"))
        ['rating_id', 'order_id', 'stars', 'free_text', 'rating_time']
    """
    return pd.DataFrame({c.name: pd.Series(dtype=PANDAS_TYPES[c.type]) for c in TABLES[table].columns})


_PREFACE: Final = """\
# Tables

What a data folder holds: one Parquet or CSV file (`.parquet`, `.csv`, `.csv.gz`, `.csv.zip`) a table, named after
it, or a folder of Parquet files of that name (`orders/2026-01-31.parquet`). `orders` is required; with one table of outcomes there is something to measure. Whatever needs an absent table
or column is answered "not testable" with its name. Data with other names or shapes need a [mapping](mappings.md).

Times have a zone (ISO 8601: `2026-01-31T18:00:00Z`) and are read as UTC. Flags are true/false or 1/0. Bounds are
inclusive; a time marked *after order* cannot lie before its `order_time`. Rows that break a rule are left out,
counted and shown by `cx data check`. This page is made from `data/contracts.py`:
`python -m data.contracts > docs/tables.md`."""


def documentation() -> str:
    """The contracts as Markdown, one table a section, for `docs/tables.md`."""
    return "\n\n".join((_PREFACE, *(_document(table) for table in TABLES.values()))) + "\n"


def _document(table: Table) -> str:
    key = f" Key: `{table.key}`." if table.key else ""
    head = f"## {table.name} ({table.level})\n\n{table.description[0].upper()}{table.description[1:]}.{key}"
    rows = ["| column | type | unit | bounds | required | meaning |", "| --- | --- | --- | --- | --- | --- |"]
    rows += [
        f"| {c.name} | {c.type} | {c.unit} | {_bounds(c)} | {'yes' if c.required else ''} | {c.description} |"
        for c in table.columns
    ]
    return head + "\n\n" + "\n".join(rows)


def _bounds(column: Column) -> str:
    if column.after_order:
        return "after order"
    if column.low is None and column.high is None:
        return ""
    low = "" if column.low is None else f"{column.low:g}"
    high = "" if column.high is None else f"{column.high:g}"
    return f"{low}..{high}"


if __name__ == "__main__":
    sys.stdout.write(documentation())
