"""The clean tables of a source on their engine, before anyone asks of which time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.check import Clean, Extent
from data.daily import Day, days_of
from data.engines import Engine
from data.facts import UNKNOWN
from data.fingerprint import fingerprint
from data.horizon import default_as_of_us, newest_event_us
from data.localtime import DAY_S, local_seconds, whole
from data.mapping import Mapping
from data.store import Store
from data.watch import Watch

_TIMES = pa.timestamp("us", tz="UTC")


class Before(NamedTuple):
    """The profile of the orders that the store knew, and the orders that came since."""

    profile: pd.DataFrame
    new_orders: ir.Table | None


@dataclass
class Tables:
    """The clean tables of one source, and what does not depend on the as-of time; shared by all views."""

    engine: Engine
    mapping: Mapping
    clean: Clean
    watch: Watch = field(default_factory=Watch)
    store: Store | None = None
    """Where sums are kept from one session to the next."""
    before: Before | None = None
    """What the store knew already."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """One connection: one query at a time."""
    queries: int = 0
    """Expressions computed so far."""

    @property
    def tables(self) -> dict[str, ir.Table]:
        """Clean tables by name."""
        return dict(self.clean.tables)

    def arrow(self, expression: ir.Table) -> pa.Table:
        """The result of an expression."""
        with self.lock:
            self.watch.check()
            self.queries += 1
            return self.engine.arrow(expression)

    def start(self, expression: ir.Table) -> Callable[[], pa.Table]:
        """Begin to compute an expression; what is returned waits for its result."""
        with self.lock:
            self.watch.check()
            self.queries += 1
            return self.engine.start(expression)

    @property
    def span_us(self) -> Extent:
        """First and last order, in microseconds since 1970 UTC."""
        return self.clean.extents["orders"]["order_time"]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content."""
        columns = {name: rows.columns for name, rows in self.clean.tables.items()}
        return fingerprint(self.clean.contents, columns, self.mapping)

    @property
    def newest_us(self) -> int:
        """The newest event, in microseconds since 1970 UTC."""
        return newest_event_us(self.clean.extents)

    @cached_property
    def default_as_of_us(self) -> int:
        """When the newest complete local day is closed, in microseconds since 1970 UTC."""
        return default_as_of_us(self.profile, self.mapping)

    @cached_property
    def profile(self) -> pd.DataFrame:
        """One row a local day and combination of dimension values: orders, first and last times and ids."""
        if self.before is None:
            return self._profile_of(self.tables["orders"])
        came = self.new_profile
        return _together([self.before.profile] if came is None else [self.before.profile, came])

    @cached_property
    def new_profile(self) -> pd.DataFrame | None:
        """The profile of the orders that came since the store was filled; None where none did."""
        if self.before is None or self.before.new_orders is None:
            return None
        return self._profile_of(self.before.new_orders)

    def _profile_of(self, orders: ir.Table) -> pd.DataFrame:
        """The profile of some orders."""
        values = self._values(orders)
        region = orders.region if "region" in orders.columns else None
        first, last = self.span_us
        local = local_seconds(orders.order_time, region, self.mapping, first_us=first, last_us=last)
        named = orders.select("order_id", "order_time", day=whole(local, DAY_S), seconds=local, **values)
        found = {
            "orders": named.count(),
            "seconds": named.seconds.max(),
            "first_us": named.order_time.min(),
            "last_us": named.order_time.max(),
        }
        if named.order_id.type().is_integer():
            found |= {"first_id": named.order_id.min(), "last_id": named.order_id.max()}
        profile: pd.DataFrame = self.arrow(named.group_by(["day", *values]).agg(**found)).to_pandas()
        return profile

    @cached_property
    def days(self) -> list[Day]:
        """The local days with orders, oldest first."""
        return days_of(self.profile)

    def _values(self, orders: ir.Table) -> dict[str, ir.Value]:
        """Columns that a slice could fix, with a name for what is not known."""
        names = ("region", "category", *self.mapping.dimensions, "store_id")
        return {n: orders[n].cast("string").fill_null(UNKNOWN) for n in names if n in orders.columns}

    @cached_property
    def dimension_columns(self) -> tuple[str, ...]:
        """Columns that a slice could fix, those with few values first."""
        names = list(self._values(self.tables["orders"]))
        return tuple(sorted(names, key=lambda n: (self.profile[n].nunique(), names.index(n))))

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """The columns without those that only rename another one."""
        kept: list[str] = []
        for name in self.dimension_columns:
            kept += [] if any(_renames(self.profile, name, other) for other in kept) else [name]
        return tuple(kept)


def _together(profiles: list[pd.DataFrame]) -> pd.DataFrame:
    """The profile of all the orders of some profiles."""
    sums = {
        "orders": "sum",
        "seconds": "max",
        "first_us": "min",
        "last_us": "max",
        "first_id": "min",
        "last_id": "max",
    }
    every = pd.concat(profiles, ignore_index=True)
    keys = [name for name in every.columns if name not in sums]
    how = {name: way for name, way in sums.items() if name in every.columns}
    return every.groupby(keys, sort=False, as_index=False).agg(how)


def _renames(profile: pd.DataFrame, one: str, other: str) -> bool:
    """Whether two columns' values stand one to one for each other."""
    pairs = len(profile[[one, other]].drop_duplicates())
    return bool(pairs == profile[one].nunique() == profile[other].nunique())


def sorted_frame(
    arrow: pa.Table,
    order: tuple[str, ...],
    categories: tuple[str, ...],
    *,
    times: tuple[str, ...] = ("order_time",),
) -> pd.DataFrame:
    """A frame of a table.

    Args:
        arrow: the table.
        order: columns to sort by.
        categories: columns that become categories with sorted values.
        times: columns of microseconds since 1970 that become UTC times.
    """
    return frame(sorted_rows(arrow, order), categories, times=times)


def sorted_rows(arrow: pa.Table, order: tuple[str, ...]) -> pa.Table:
    """A table, sorted by some of its columns."""
    return arrow.take(pc.sort_indices(arrow, sort_keys=[(name, "ascending") for name in order]))


def encoded(arrow: pa.Table, categories: tuple[str, ...]) -> pa.Table:
    """A table whose texts of few values are dictionaries."""
    for name in categories:
        position = arrow.column_names.index(name)
        if not pa.types.is_dictionary(arrow.schema.field(name).type):
            arrow = arrow.set_column(position, name, arrow[name].combine_chunks().dictionary_encode())
    return arrow


def frame(
    arrow: pa.Table, categories: tuple[str, ...], *, times: tuple[str, ...] = ("order_time",)
) -> pd.DataFrame:
    """A frame of a table that is sorted already; arguments as for `sorted_frame`."""
    for name in times:
        if name in arrow.column_names:
            position = arrow.column_names.index(name)
            arrow = arrow.set_column(position, name, arrow[name].cast(_TIMES))
    found: pd.DataFrame = encoded(arrow, categories).unify_dictionaries().to_pandas()
    for name in categories:
        found[name] = found[name].cat.reorder_categories(sorted(found[name].cat.categories))
    return found
