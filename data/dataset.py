"""A dataset: the tables of a source, clean, as known at a time."""

from collections.abc import Mapping as Frames
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from operator import or_
from pathlib import Path
from typing import Any

import pandas as pd

from data import source as sources
from data.contracts import TABLES
from data.day_cells import day_cells
from data.engine import DUCKDB, EngineChoice
from data.errors import DataError, NotTestableError
from data.facts import Known, facts
from data.increment import open_tables
from data.mapping import Mapping
from data.report import CheckReport
from data.rules import parse_scope
from data.slices import Slice
from data.store import Store
from data.tables import Tables, sorted_frame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PolicyChange:
    """One row of `policy_changes`, its scope parsed."""

    change_id: str
    policy: str
    scope: Slice
    changed_at: datetime
    old_value: str | None
    new_value: str | None


@dataclass(frozen=True)
class ContextEvent:
    """One row of `context_events`, its scope parsed."""

    kind: str
    scope: Slice
    start: datetime
    end: datetime
    value: float | None


class Dataset:
    """The tables of a source, clean, as known at a time.

    Make one with `Dataset.open` (files) or `Dataset.from_frames` (memory). It never changes; `at` gives a view
    at another time that shares the tables. Safe to use from several threads.
    """

    def __init__(self, base: Tables, as_of_us: int) -> None:
        self._base = base
        self._as_of_us = as_of_us
        first, last = base.span_us
        if as_of_us <= first:
            raise DataError(
                f"no orders before {_moment(as_of_us).isoformat()}: the data span {_moment(first).isoformat()} to "
                f"{_moment(last).isoformat()}; give an as-of time within or after it"
            )

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        mapping: Mapping | None = None,
        as_of: datetime | None = None,
        engine: EngineChoice = DUCKDB,
        store: Path | None = None,
    ) -> "Dataset":
        """The dataset of a folder (or of one file that a mapping reads).

        Args:
            folder: holds Parquet or CSV files, or a folder of Parquet files a table.
            mapping: how its files become the tables; default: its own `mapping.yaml`, else file and column
                names are those of the contract.
            as_of: the time of which to speak; default: the newest complete local day is closed.
            engine: what holds the tables and answers; the results are the same on all.
            store: a folder that remembers what was read and summed, so that a new day reads a new day; the results
                are the same without. Helps where the tables are Parquet files on DuckDB.

        Raises:
            DataError: the data cannot be used; says what is wrong, where, and what to do next.
            MappingError: the mapping does not fit the data.
        """
        remember = store is not None and engine.name == "duckdb"
        source = sources.open_path(folder, mapping=mapping, engine=engine, in_place=remember)
        if not remember or store is None:
            return cls._of(source, as_of)
        return cls._of(source, as_of, Store(store, meaning=_meaning(source, folder)))

    @classmethod
    def from_frames(
        cls,
        frames: Frames[str, pd.DataFrame],
        *,
        mapping: Mapping | None = None,
        as_of: datetime | None = None,
        engine: EngineChoice = DUCKDB,
    ) -> "Dataset":
        """The dataset of frames in memory, by table name.

        Args:
            frames: columns as in the contract; times with a zone (or `mapping.naive_times`).
            mapping: zones, bounds, ages, dimensions; its `tables` are not used.
            as_of: as in `open`.
            engine: as in `open`.

        Raises:
            DataError: the data cannot be used.
            ValueError: a name is no table of the contract.
        """
        return cls._of(sources.from_frames(frames, mapping=mapping or Mapping(), engine=engine), as_of)

    @classmethod
    def connect(
        cls, engine: EngineChoice, *, mapping: Mapping | None = None, as_of: datetime | None = None
    ) -> "Dataset":
        """The dataset of tables that lie in a database, under the names and columns of the contract.

        Args:
            engine: where; its URL may name a schema (`?schema=shop`).
            mapping: zones, bounds, ages, dimensions.
            as_of: as in `open`.

        Raises:
            DataError: the data cannot be used, or the database cannot be reached.
            MappingError: the mapping makes tables of files.
        """
        return cls._of(sources.from_engine(engine, mapping=mapping or Mapping()), as_of)

    @classmethod
    def _of(cls, source: sources.Source, as_of: datetime | None, store: Store | None = None) -> "Dataset":
        wanted = None if as_of is None else _microseconds(as_of)
        base = open_tables(source, store)
        source.release()
        return cls(base, base.default_as_of_us if wanted is None else wanted)

    def at(self, as_of: datetime) -> "Dataset":
        """The same data as known at another time.

        Raises:
            DataError: the time has no zone, or no order lies before it.
        """
        return Dataset(self._base, _microseconds(as_of))

    # --- what it is ---------------------------------------------------------------------------------------

    @property
    def as_of(self) -> datetime:
        """Only what was known at this time counts (UTC)."""
        return _moment(self._as_of_us)

    @property
    def mapping(self) -> Mapping:
        """What the columns mean."""
        return self._base.mapping

    @property
    def fingerprint(self) -> str:
        """Hash of the content, whatever its format, row or column order and the as-of time."""
        return self._base.fingerprint

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Slice dimensions that the data have, those with few values first.

        A column that only renames another one (a store a region, say) is left out; `facts` has it all the same.
        """
        return self._base.dimensions

    @property
    def report(self) -> CheckReport:
        """What was found when the source was checked."""
        return self._base.clean.report

    @property
    def queries(self) -> int:
        """Expressions that the engine has computed for this source so far, whatever the as-of time."""
        return self._base.queries

    @property
    def quarantine(self) -> Frames[str, int]:
        """Rows that are left out, by `table.column: rule`."""
        return self.report.quarantine

    @property
    def horizon(self) -> datetime:
        """The newest event in the data, whatever the as-of time (UTC)."""
        return _moment(self._base.newest_us)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of results must know."""
        return (*self.report.warnings, *self._meaning_warnings)

    @cached_property
    def _meaning_warnings(self) -> tuple[str, ...]:
        without_time = (
            ("deliveries.canceled_flag", "deliveries.canceled_at", "cancellations"),
            ("items.refund_amount", "items.refunded_at", "refunds"),
            ("support_events", "support_events.ticket_created", "tickets"),
            ("ratings.stars", "ratings.rating_time", "ratings"),
        )
        warnings = [
            f"{what} have no event time ({time}); they count as they are once their order is old enough"
            for needed, time, what in without_time
            if self.has(needed) and not self.has(time)
        ]
        if not self.mapping.zones and not self.mapping.default_zone:
            warnings.append("the mapping names no time zones; local days and hours are those of UTC")
        late, share = self._too_late
        if late:
            hours = f"{self.mapping.maturity.delivery_h:g}"
            warnings.append(
                f"arrivals later than {hours} h after the order count as unknown: {late} ({share:.2%}); "
                "raise maturity.delivery_h in the mapping if that is too many"
            )
        return tuple(warnings)

    @cached_property
    def _too_late(self) -> tuple[int, float]:
        """Orders that arrive when nobody waits for their outcome any more, and their share of the arrivals."""
        time = next((t for t in ("actual_eta", "delivery_time") if self.has(f"deliveries.{t}")), None)
        if time is None:
            return 0, 0.0
        orders, deliveries = self._base.tables["orders"], self._base.tables["deliveries"]
        both = orders.select("order_id", "order_time").inner_join(
            deliveries.select("order_id", time), "order_id"
        )
        both = both.filter(both[time] <= self._as_of_us)
        age = both[time] - both.order_time
        limit = self.mapping.maturity.microseconds("delivery")
        row = self._base.arrow(both.aggregate(late=both.count(where=age > limit), known=both.count()))
        late, known = int(row["late"][0].as_py()), int(row["known"][0].as_py())
        return late, late / max(known, 1)

    def has(self, name: str) -> bool:
        """Whether a table (`ratings`) or column (`ratings.stars`) is there and holds anything."""
        table, _, column = name.partition(".")
        rows = self._base.clean.tables.get(table)
        return rows is not None and (not column or column in rows.columns)

    def require(self, *names: str) -> None:
        """Raise `NotTestableError` for the first table or column that is absent."""
        for name in names:
            if not self.has(name):
                raise NotTestableError(name)

    # --- what it says -------------------------------------------------------------------------------------

    def facts(self) -> pd.DataFrame:
        """One row an order, sorted by (order_time, order_id); columns as in `data.facts`.

        The frame is shared: copy it before changing it.
        """
        with self._base.lock:
            return self._facts

    def cells(self) -> pd.DataFrame:
        """Integer measures by (day, hour, *dimensions), sorted by them; columns as in `data.cells`.

        The frame is shared: copy it before changing it.
        """
        with self._base.lock:
            return self._cells

    @cached_property
    def _known(self) -> Known:
        return Known(self.mapping, self._base.dimension_columns, self._as_of_us, self._base.span_us.first)

    @cached_property
    def _facts(self) -> pd.DataFrame:
        view = facts(self._base.tables, self._known)
        return sorted_frame(self._base.arrow(view), ("order_time", "order_id"), self._base.dimension_columns)

    @cached_property
    def _cells(self) -> pd.DataFrame:
        return day_cells(self._base, self._known, self.dimensions)

    @cached_property
    def _policy_changes(self) -> tuple[PolicyChange, ...]:
        return tuple(
            PolicyChange(
                change_id=str(row["change_id"]),
                policy=row["policy"],
                scope=parse_scope(row.get("scope")),
                changed_at=_moment(row["changed_at"]),
                old_value=row.get("old_value"),
                new_value=row.get("new_value"),
            )
            for row in self._rows("policy_changes", "changed_at", "change_id")
        )

    @cached_property
    def _context_events(self) -> tuple[ContextEvent, ...]:
        return tuple(
            ContextEvent(
                kind=row["kind"],
                scope=parse_scope(row.get("scope")),
                start=_moment(row["start"]),
                end=_moment(row["end"]),
                value=row.get("value"),
            )
            for row in self._rows("context_events", "start", "kind", "end")
        )

    @cached_property
    def _supply(self) -> pd.DataFrame:
        return self._table("supply_snapshots", "ts", "region")

    @cached_property
    def _inventory(self) -> pd.DataFrame:
        return self._table("inventory_events", "event_time", "event_id")

    def policy_changes(self) -> tuple[PolicyChange, ...]:
        """Changes made before the as-of time, oldest first; empty where the data have none."""
        with self._base.lock:
            return self._policy_changes

    def context_events(self) -> tuple[ContextEvent, ...]:
        """Events that began before the as-of time, oldest first; empty where the data have none."""
        with self._base.lock:
            return self._context_events

    def supply(self) -> pd.DataFrame:
        """Snapshots taken before the as-of time, sorted by (ts, region).

        The frame is shared: copy it before changing it.

        Raises:
            NotTestableError: the data have none.
        """
        with self._base.lock:
            return self._supply

    def inventory(self) -> pd.DataFrame:
        """Inventory events before the as-of time, sorted by (event_time, event_id).

        The frame is shared: copy it before changing it.

        Raises:
            NotTestableError: the data have none.
        """
        with self._base.lock:
            return self._inventory

    def order_lines(self, start: datetime, end: datetime) -> pd.DataFrame:
        """Lines of the orders placed from `start` on and before `end`, sorted by (order_time, order_id, item_id).

        Columns: order_id, item_id, sku_id, order_time, and bad: substituted or missing (False where not known).

        Raises:
            NotTestableError: the data do not say which product a line is of, or not whether it was delivered.
        """
        self.require("items.sku_id")
        flags = [name for name in ("substituted_flag", "missing_flag") if self.has(f"items.{name}")]
        if not flags:
            raise NotTestableError("items.missing_flag")
        with self._base.lock:
            orders, items = (self._base.tables[name] for name in ("orders", "items"))
            first, last = (min(_microseconds(moment), self._as_of_us) for moment in (start, end))
            placed = orders.filter((orders.order_time >= first) & (orders.order_time < last))
            lines = items.inner_join(placed.select("order_id", "order_time"), "order_id")
            bad = reduce(or_, (lines[name].fill_null(False) for name in flags))
            ids = {name: lines[name].cast("string") for name in ("order_id", "item_id", "sku_id")}
            asked = lines.select(**ids, order_time=lines.order_time, bad=bad)
            return sorted_frame(self._base.arrow(asked), ("order_time", "order_id", "item_id"), ())

    def customers(self) -> pd.DataFrame:
        """Who placed each order before the as-of time: `order_id` and `user_id` as text, sorted by order.

        Raises:
            NotTestableError: the data do not say.
        """
        self.require("orders.user_id")
        orders = self._base.tables["orders"].filter(self._base.tables["orders"].order_time < self._as_of_us)
        ids = {name: orders[name].cast("string") for name in ("order_id", "user_id")}
        with self._base.lock:
            return sorted_frame(self._base.arrow(orders.select(**ids)), ("order_id",), (), times=())

    def orders_to_come(self) -> frozenset[str]:
        """Ids of orders in the source that were placed at or after the as-of time; nothing else of them is told."""
        orders = self._base.tables["orders"].filter(self._base.tables["orders"].order_time >= self._as_of_us)
        with self._base.lock:
            found = self._base.arrow(orders.select(order_id=orders.order_id.cast("string")))
        return frozenset(found["order_id"].to_pylist())

    def _table(self, name: str, time: str, *then: str) -> pd.DataFrame:
        self.require(name)
        rows = self._base.tables[name]
        kinds = {c.name: c.type for c in TABLES[name].columns}
        ids = {c: rows[c].cast("string") for c in rows.columns if kinds[c] == "id"}
        arrow = self._base.arrow(rows.filter(rows[time] < self._as_of_us).mutate(**ids))
        times = tuple(c for c in arrow.column_names if kinds[c] == "time")
        categories = tuple(c for c in arrow.column_names if kinds[c] == "category")
        rest = tuple(c for c in arrow.column_names if c not in (time, *then))
        return sorted_frame(arrow, (time, *then, *rest), categories, times=times)

    def _rows(self, name: str, time: str, *then: str) -> list[dict[str, Any]]:
        if not self.has(name):
            return []
        rows = self._base.tables[name]
        arrow = self._base.arrow(rows.filter(rows[time] < self._as_of_us))
        found: list[dict[str, Any]] = arrow.to_pylist()
        rest = [c for c in sorted(arrow.column_names) if c not in (time, *then)]
        return sorted(found, key=lambda row: [row[time], *(str(row[c]) for c in (*then, *rest))])


def _meaning(source: sources.Source, folder: Path) -> list[object]:
    """Whatever changes what the same files come to."""
    columns = {name: table.rows.schema().items() for name, table in source.tables.items()}
    return [str(folder.resolve()), source.mapping.model_dump(mode="json"), [*columns.items()]]


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise DataError(
            f"as-of {moment.isoformat()}: times need a zone; write {moment.isoformat()}Z or an offset"
        )
    return (moment - _EPOCH) // timedelta(microseconds=1)
