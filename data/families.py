"""Outcome families: which tables tell of each, and which measures it gives.

What becomes known at one age is summed and kept together: the tickets of a day are still open while its arrivals can
no longer change.
"""

from collections.abc import Collection, Iterable
from collections.abc import Mapping as Dict
from typing import Final

import ibis.expr.types as ir

from data.facts import MEASURES
from data.mapping import FAMILIES, Family

TOLD_BY: Final[Dict[Family, Dict[str, tuple[str, ...] | None]]] = {
    "delivery": {"deliveries": None, "items": ("missing_flag", "substituted_flag")},
    "refund": {"items": ("refund_amount", "refunded_at")},
    "support": {"support_events": None},
    "rating": {"ratings": None},
}
"""Tables that a family is read from, and which of their columns beside the ids; None for all."""


def telling(tables: Dict[str, ir.Table], families: Collection[Family]) -> dict[str, ir.Table]:
    """The tables and columns that these families are read from, and the orders."""
    found = {"orders": tables["orders"]}
    for name, rows in tables.items():
        told = [TOLD_BY[family][name] for family in families if name in TOLD_BY[family]]
        if any(columns is None for columns in told):
            found[name] = rows
        elif told:
            named = {column for columns in told for column in columns or ()}
            found[name] = rows.select(*(c for c in rows.columns if c == "order_id" or c in named))
    return found


def families_of(table: str) -> tuple[Family, ...]:
    """The families that new rows of a table can change.

    Example:
        >>> families_of("ratings"), families_of("items")
        (('rating',), ('delivery', 'refund'))
    """
    return FAMILIES if table == "orders" else tuple(name for name in FAMILIES if table in TOLD_BY[name])


def by_family(measures: Iterable[str]) -> dict[Family, tuple[str, ...]]:
    """Measures by their family, for those families that have some.

    Example:
        >>> by_family(("orders", "refunded"))
        {'delivery': ('orders',), 'refund': ('refunded',)}
    """
    found: dict[Family, tuple[str, ...]] = {}
    for name in measures:
        family = MEASURES[name]
        found[family] = (*found.get(family, ()), name)
    return found
