"""The clean tables of a source on their engine, before anyone asks of which time."""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.check import Clean
from data.facts import UNKNOWN
from data.fingerprint import fingerprint
from data.horizon import newest_event_us
from data.mapping import Mapping

_TIMES = pa.timestamp("us", tz="UTC")


class Span(NamedTuple):
    """Two times in microseconds since 1970 UTC."""

    first: int
    last: int


@dataclass
class Tables:
    """The clean tables of one source, and what does not depend on the as-of time; shared by all views."""

    engine: Any
    mapping: Mapping
    clean: Clean
    lock: threading.RLock = field(default_factory=threading.RLock)
    """One connection: one query at a time."""

    @property
    def tables(self) -> dict[str, ir.Table]:
        """Clean tables by name."""
        return dict(self.clean.tables)

    def arrow(self, expression: ir.Table) -> pa.Table:
        """The result of an expression."""
        with self.lock:
            result: pa.Table = self.engine.to_pyarrow(expression)
            return result

    @cached_property
    def span_us(self) -> Span:
        """First and last order, in microseconds since 1970 UTC."""
        orders = self.tables["orders"]
        row = self.arrow(
            orders.aggregate(first=orders.order_time.min(), last=orders.order_time.max())
        ).to_pylist()[0]
        return Span(row["first"], row["last"])

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the content."""
        with self.lock:
            return fingerprint(self.tables, self.mapping)

    @cached_property
    def newest_us(self) -> int:
        """The newest event, in microseconds since 1970 UTC."""
        with self.lock:
            return newest_event_us(self.tables)

    @cached_property
    def dimension_columns(self) -> tuple[str, ...]:
        """Columns that a slice could fix, those with few values first."""
        counts = self._distinct
        names = [n for n in ("region", "category", *self.mapping.dimensions, "store_id") if n in counts]
        return tuple(sorted(names, key=lambda n: (counts[n], names.index(n))))

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """The columns without those that only rename another one."""
        kept: list[str] = []
        for name in self.dimension_columns:
            twins = [
                k for k in kept if self._distinct[f"{k}|{name}"] == self._distinct[k] == self._distinct[name]
            ]
            kept += [] if twins else [name]
        return tuple(kept)

    @cached_property
    def _distinct(self) -> dict[str, int]:
        """Number of values of each possible dimension, and of pairs `a|b` of them."""
        orders = self.tables["orders"]
        names = [
            n for n in ("region", "category", *self.mapping.dimensions, "store_id") if n in orders.columns
        ]
        if not names:
            return {}
        values = {n: orders[n].cast("string").fill_null(UNKNOWN) for n in names}
        alone = orders.select(**values).distinct()
        pairs = {f"{a}|{b}": alone[a] + "\x1f" + alone[b] for a in names for b in names if a != b}
        found = {n: alone[n].nunique() for n in names} | {n: pair.nunique() for n, pair in pairs.items()}
        counted: dict[str, int] = self.arrow(alone.aggregate(**found)).to_pylist()[0]
        return counted


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
    arrow = arrow.take(pc.sort_indices(arrow, sort_keys=[(name, "ascending") for name in order]))
    for name in times:
        if name in arrow.column_names:
            position = arrow.column_names.index(name)
            arrow = arrow.set_column(position, name, arrow[name].cast(_TIMES))
    for name in categories:
        position = arrow.column_names.index(name)
        arrow = arrow.set_column(position, name, arrow[name].combine_chunks().dictionary_encode())
    frame: pd.DataFrame = arrow.to_pandas()
    for name in categories:
        frame[name] = frame[name].cat.reorder_categories(sorted(frame[name].cat.categories))
    return frame
