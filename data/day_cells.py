"""All cells, day by day and family by family: what a store knows is read, the rest is summed and kept.

A day's cells are the same rows in the same order for every family of outcomes, so that their columns are put side
by side.
"""

from collections import defaultdict
from collections.abc import Callable
from collections.abc import Mapping as Dict
from functools import cache
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from data.cell_frame import CellFrame
from data.cells import cells
from data.daily import Day, Stretch, begun, by_day, final, stretches
from data.facts import MEASURES, Known, measured, measures
from data.families import by_family, telling
from data.mapping import Family
from data.tables import Tables, encoded, sorted_rows

Parts = dict[Family, pa.Table]
"""A day's cells: the measures of each family, those of `delivery` behind the keys."""


def day_cells(base: Tables, known: Known, dimensions: tuple[str, ...]) -> pd.DataFrame:
    """The cells of all orders before the as-of time, sorted by their keys.

    Args:
        base: the clean tables, with a store where one is used.
        known: mapping, dimensions and as-of time.
        dimensions: those that tell cells apart.
    """
    return _DayCells(base, known, dimensions).frame()


class _Sum(NamedTuple):
    """The cells of some days and families, on their way."""

    days: tuple[Day, ...]
    families: tuple[Family, ...]
    wait: Callable[[], pa.Table]


class _DayCells:
    def __init__(self, base: Tables, known: Known, dimensions: tuple[str, ...]) -> None:
        self._base, self._known, self._dimensions = base, known, dimensions
        self._keys = ("day", "hour", *dimensions)
        self._measures = measures(measured(base.tables, known))
        self._columns = by_family(self._measures)
        shape = [dimensions, {name: rows.columns for name, rows in base.tables.items()}]
        self._files = None if base.store is None else base.store.cells(shape)

    def frame(self) -> pd.DataFrame:
        days = [day for day in self._base.days if day.first_us < self._known.as_of_us]
        kept = {day.day for day in days if self._is_kept(day)}
        # The rest is summed while the files are read.
        rest = self._begin([day for day in days if day.day not in kept])
        whole = CellFrame(
            sum(day.most_cells for day in days), [*self._keys, *self._measures], self._dimensions
        )
        for day in days:
            rows = self._read(day) if day.day in kept else self._whole(rest()[day.day])
            if rows is None:
                return self.frame()
            whole.add(rows)
        return whole.frame()

    def _begin(self, days: list[Day]) -> Callable[[], Dict[int, Parts]]:
        """Begin to sum what is missing of some days; what is returned waits for all that they have."""
        found = {day.day: self._remembered(day) for day in days}
        longest_first = sorted(
            self._missing(days, found).items(), key=lambda one: ("delivery" not in one[0], -len(one[0]))
        )
        sums = [self._sum(part, families) for families, group in longest_first for part in stretches(group)]

        @cache
        def whole() -> Dict[int, Parts]:
            for one in sums:
                summed = by_day(sorted_rows(one.wait(), self._keys))
                for day in one.days:
                    found[day.day] |= self._split(summed[day.day], one.families)
                    self._keep(day, found[day.day], one.families)
            return found

        return whole

    def _missing(self, days: list[Day], found: Dict[int, Parts]) -> dict[tuple[Family, ...], list[Day]]:
        """Days by the families that must be summed."""
        missing: dict[tuple[Family, ...], list[Day]] = defaultdict(list)
        for day in days:
            unknown = tuple(
                name
                for name in self._columns
                if name not in found[day.day] and (name == "delivery" or begun(day, name, self._known))
            )
            if unknown:
                missing[unknown].append(day)
        return missing

    def _sum(self, stretch: Stretch, families: tuple[Family, ...]) -> _Sum:
        tables = telling(stretch.restrict(self._base.tables), families)
        view = stretch.among(measured(tables, self._known))
        return _Sum(stretch.days, families, self._base.start(cells(view, self._dimensions)))

    def _split(self, rows: pa.Table, families: tuple[Family, ...]) -> Parts:
        first = encoded(rows.select(self._keys), self._dimensions)
        parts: Parts = {}
        for name in families:
            own = rows.select(self._columns[name])
            parts[name] = _beside(first, own) if name == "delivery" else own
        return parts

    def _whole(self, parts: Parts) -> pa.Table:
        """A day's cells with the columns of all families, 0 where nothing counts yet."""
        delivery = parts["delivery"]
        nothing = pa.repeat(pa.scalar(0, pa.int64()), len(delivery))
        columns = {name: delivery[name] for name in self._keys}
        for measure in self._measures:
            family = MEASURES[measure]
            columns[measure] = parts[family][measure] if family in parts else nothing
        return pa.table(columns)

    # --- the store

    def _final(self, day: Day) -> tuple[Family, ...]:
        """Families of which nothing can change at a later time."""
        return tuple(name for name in self._columns if final(day, name, self._known))

    def _is_kept(self, day: Day) -> bool:
        """Whether the store has a file of all its families, final as they are."""
        return (
            self._files is not None and self._files.has(day.day) and self._final(day) == tuple(self._columns)
        )

    def _read(self, day: Day) -> pa.Table | None:
        """A day that is kept; None where its file turns out to be damaged, and is gone."""
        return None if self._files is None else self._files.read(day.day)

    def _remembered(self, day: Day) -> Parts:
        """What the store has of a day's final families; nothing without the keys, which stand with the arrivals."""
        if self._files is None:
            return {}
        read = {name: self._files.read(day.day, name) for name in self._final(day)}
        keys = read.get("delivery")
        if keys is None:
            return {}
        return {name: rows for name, rows in read.items() if rows is not None and len(rows) == len(keys)}

    def _keep(self, day: Day, parts: Parts, summed: tuple[Family, ...]) -> None:
        """Keep what was summed and is final: in one file once every family is."""
        families = self._final(day)
        if self._files is None or "delivery" not in families:
            return
        if len(families) == len(self._columns):
            self._files.write(day.day, self._whole(parts))
            self._files.drop(day.day, families)
        else:
            for name in (one for one in summed if one in families):
                self._files.write(day.day, parts[name], name)


def _beside(one: pa.Table, other: pa.Table) -> pa.Table:
    for name in other.column_names:
        one = one.append_column(name, other[name])
    return one
