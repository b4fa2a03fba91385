"""Cells day by day: how much to compute at once, and which days never change again.

A large dataset is summed a few days at a time, which keeps joins small. Where ids of orders grow with time, each
step reads only its own stretch of the tables of outcomes, too.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from data.facts import Known
from data.mapping import Family

ORDERS_AT_ONCE: Final = 2_500_000
_LOOSE: Final = 2.0
"""Steps that read more than this many times the tables are not worth it."""
_BY_ORDER: Final = ("deliveries", "items", "support_events", "ratings")


class Day(NamedTuple):
    """The orders of a local day."""

    day: int
    orders: int
    slices: int
    """Combinations of dimension values."""
    first_us: int
    last_us: int
    first_id: int | None
    """None where ids are texts."""
    last_id: int | None

    @property
    def most_cells(self) -> int:
        """No more cells than this can come of it."""
        return min(self.orders, 24 * self.slices)


class Stretch(NamedTuple):
    """Days that are computed together."""

    days: tuple[Day, ...]

    @property
    def ids(self) -> tuple[int, int] | None:
        """First and last id of their orders, where ids are numbers."""
        first = [day.first_id for day in self.days if day.first_id is not None]
        last = [day.last_id for day in self.days if day.last_id is not None]
        return (min(first), max(last)) if first and last else None

    def restrict(self, tables: dict[str, ir.Table]) -> dict[str, ir.Table]:
        """The tables without what cannot concern these days."""
        orders = tables["orders"]
        first, last = min(d.first_us for d in self.days), max(d.last_us for d in self.days)
        inside = {"orders": orders.filter(orders.order_time.between(first, last))}
        if self.ids is not None:
            first, last = self.ids
            # The orders too: a file's statistics tell at once of ids, and not of times that are converted.
            inside |= {
                name: table.filter(table.order_id.between(first, last))
                for name, table in (tables | inside).items()
                if name in ("orders", *_BY_ORDER)
            }
        return tables | inside

    def among(self, view: ir.Table) -> ir.Table:
        """The rows of a fact view that belong to these days."""
        return view.filter(view.day.isin([day.day for day in self.days]))


def days_of(profile: pd.DataFrame) -> list[Day]:
    """The local days of a profile of `data.tables`, oldest first."""
    by_day = profile.groupby("day", sort=True)
    found = by_day.agg({"orders": "sum", "first_us": "min", "last_us": "max"})
    found.insert(1, "slices", by_day.size())
    days = [int(day) for day in found.index.to_numpy()]
    columns = [found[name].astype("int64").tolist() for name in ("orders", "slices", "first_us", "last_us")]
    ids: list[list[int] | list[None]] = [[None] * len(days)] * 2
    if "first_id" in profile:
        bounds = by_day.agg({"first_id": "min", "last_id": "max"}).astype("int64")
        ids = [bounds["first_id"].tolist(), bounds["last_id"].tolist()]
    return [Day(*row) for row in zip(days, *columns, *ids, strict=True)]


def stretches(days: Sequence[Day], *, at_once: int = ORDERS_AT_ONCE) -> list[Stretch]:
    """The days in groups of so many orders; all in one where groups would read everything again and again.

    Example:
        >>> days = [Day(n, 10, 5, 0, 0, n, n) for n in range(5)]
        >>> [[day.day for day in stretch.days] for stretch in stretches(days, at_once=20)]
        [[0, 1], [2, 3], [4]]
    """
    if not days:
        return []
    groups: list[list[Day]] = []
    for day in days:
        if groups and sum(d.orders for d in groups[-1]) + day.orders <= at_once:
            groups[-1].append(day)
        else:
            groups.append([day])
    found = [Stretch(tuple(group)) for group in groups]
    return found if _tight(found) else [Stretch(tuple(days))]


def _tight(found: Sequence[Stretch]) -> bool:
    ranges = [stretch.ids for stretch in found]
    known = [ids for ids in ranges if ids is not None]
    if len(known) < len(ranges) or not known:
        return False
    whole = max(last for _, last in known) - min(first for first, _ in known) + 1
    return sum(last - first + 1 for first, last in known) <= _LOOSE * whole


def begun(day: Day, family: Family, known: Known) -> bool:
    """Whether any of its orders is old enough to count; before, every measure of the family is 0."""
    return day.first_us + known.mapping.maturity.microseconds(family) <= known.as_of_us


def final(day: Day, family: Family, known: Known) -> bool:
    """Whether all of its orders are, so that nothing can change at a later time."""
    return day.last_us + known.mapping.maturity.microseconds(family) <= known.as_of_us


def touched(days: Iterable[Day], ids: tuple[int, int]) -> set[int]:
    """Days whose orders may be among these ids."""
    first, last = ids
    return {
        day.day
        for day in days
        if day.first_id is None or day.last_id is None or (day.first_id <= last and first <= day.last_id)
    }


def by_day(rows: pa.Table) -> dict[int, pa.Table]:
    """Cells sorted by day, apart."""
    days = rows["day"].to_numpy()
    found, first = np.unique(days, return_index=True)
    ends = [*first[1:], len(days)]
    return {int(day): rows.slice(a, b - a) for day, a, b in zip(found, first, ends, strict=True)}
