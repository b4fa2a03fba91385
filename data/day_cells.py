"""All cells, day by day and family by family: what a store knows is read, the rest is summed and kept.

A day's cells are the same rows in the same order for every family of outcomes, so that their columns are put side
by side.
"""

from collections import defaultdict
from collections.abc import Mapping as Dict

import pyarrow as pa

from data.cells import cells
from data.daily import Day, Stretch, begun, by_day, final, stretches
from data.facts import MEASURES, Known, facts, measures
from data.families import by_family, telling
from data.mapping import Family
from data.tables import Tables, encoded, sorted_rows

Parts = dict[Family, pa.Table]
"""A day's cells: the measures of each family, those of `delivery` behind the keys."""


def day_cells(base: Tables, known: Known, dimensions: tuple[str, ...]) -> pa.Table:
    """The cells of all orders before the as-of time, sorted by their keys.

    Args:
        base: the clean tables, with a store where one is used.
        known: mapping, dimensions and as-of time.
        dimensions: those that tell cells apart.
    """
    return _DayCells(base, known, dimensions).table()


class _DayCells:
    def __init__(self, base: Tables, known: Known, dimensions: tuple[str, ...]) -> None:
        self._base, self._known, self._dimensions = base, known, dimensions
        self._keys = ("day", "hour", *dimensions)
        self._columns = by_family(measures(facts(base.tables, known)))
        shape = [dimensions, {name: rows.columns for name, rows in base.tables.items()}]
        self._files = None if base.store is None else base.store.cells(shape)

    def table(self) -> pa.Table:
        days = [day for day in self._base.days if day.first_us < self._known.as_of_us]
        found = {day.day: self._remembered(day) for day in days}
        for families, group in self._missing(days, found).items():
            for stretch in stretches(group):
                summed = self._sum(stretch, families)
                for day in stretch.days:
                    found[day.day] |= self._split(summed[day.day], families)
                    self._keep(day, found[day.day], families)
        return pa.concat_tables([self._whole(found[day.day]) for day in days])

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

    def _sum(self, stretch: Stretch, families: tuple[Family, ...]) -> dict[int, pa.Table]:
        """The cells of each day, sorted by their keys."""
        tables = telling(stretch.restrict(self._base.tables), families)
        view = stretch.among(facts(tables, self._known))
        summed = self._base.arrow(cells(view, self._dimensions))
        return by_day(sorted_rows(summed, self._keys))

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
        for measure in MEASURES:
            family = MEASURES[measure]
            if measure in self._columns.get(family, ()):
                columns[measure] = parts[family][measure] if family in parts else nothing
        return pa.table(columns)

    # --- the store

    def _final(self, day: Day) -> tuple[Family, ...]:
        """Families of which nothing can change at a later time."""
        return tuple(name for name in self._columns if final(day, name, self._known))

    def _remembered(self, day: Day) -> Parts:
        """What the store has of a day's final families; nothing without the keys, which stand with the arrivals."""
        if self._files is None:
            return {}
        families = self._final(day)
        whole = self._files.read(day.day) if len(families) == len(self._columns) else None
        if whole is not None:
            return self._split(whole, families)
        read = {name: self._files.read(day.day, name) for name in families}
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
