"""DuckDB, within this process: the default."""

import secrets
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Final

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from sqlglot import expressions as exp

from data.engine import EngineChoice
from data.engines.base import UTC, Engine, unary, zoned
from data.expressions import quote

MEMORY_LIMIT: Final = "2GiB"
"""What tables and joins may take before they go to disk; results come on top of it."""
_SPARSE: Final = 64
"""A whole-number key whose range is no more than this many times its rows is counted with one bit a value."""
_AT_ONCE: Final = 2
"""Queries that run beside each other; each uses all threads of the session where it can."""
_epoch_us = unary("epoch_us", UTC, dt.int64)
_timezone = zoned("timezone")


class DuckDBEngine(Engine):
    """An in-memory DuckDB whose session speaks UTC."""

    name = "duckdb"

    def __init__(self, choice: EngineChoice) -> None:
        self.backend = ibis.duckdb.connect()
        self._registered: set[str] = set()
        # The bar would be drawn on stdout, amid the data.
        self.connection.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")
        self.connection.execute(
            "SET preserve_insertion_order = false; SET GLOBAL parquet_metadata_cache = true"
        )
        self.connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        # Made only when something goes to disk; no two sessions may share one.
        spill = Path(tempfile.gettempdir()) / f"cx-duckdb-{secrets.token_hex(8)}"
        self.connection.execute(f"SET temp_directory = '{spill}'")
        if choice.threads is not None:
            self.connection.execute(f"SET threads = {choice.threads:d}")

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection beneath."""
        connection: duckdb.DuckDBPyConnection = self.backend.con
        return connection

    def load(self, name: str, rows: pa.Table) -> ir.Table:
        """Register the rows; they are not copied."""
        self.connection.register(name, rows)
        self._registered.add(name)
        return self._table(name)

    def scan(self, name: str, files: Sequence[Path]) -> ir.Table | None:
        """A view over the files."""
        relation = self.connection.read_parquet([str(file) for file in files], union_by_name=True)
        relation.create_view(name)
        return self._table(name)

    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """A table in memory."""
        self.connection.execute(f"CREATE OR REPLACE TABLE {quote(name)} AS {self._narrow(rows)}")
        return self._table(name)

    def drop(self, name: str) -> None:
        """Drop the table, or forget the registered rows."""
        self.connection.unregister(name)
        self._registered.discard(name)
        self.connection.execute(f"DROP TABLE IF EXISTS {quote(name)}")

    def arrow(self, rows: ir.Table) -> pa.Table:
        """Run the expression; whole numbers leave the engine as int64."""
        return _run(self.connection, self._narrow(rows), rows.schema().to_pyarrow())

    def start(self, rows: ir.Table) -> Callable[[], pa.Table]:
        """On a connection and a thread of its own; registered rows are known to their own connection only."""
        if self._registered:
            return super().start(rows)
        return self._pool.submit(
            _run, self.connection.cursor(), self._narrow(rows), rows.schema().to_pyarrow()
        ).result

    def microseconds(self, moment: ir.TimestampValue) -> ir.IntegerValue:
        """DuckDB stores them."""
        value: ir.IntegerValue = _epoch_us(moment)
        return value

    def in_zone(self, zone: str, clock: ir.TimestampValue) -> ir.TimestampValue:
        """By DuckDB's own zone rules."""
        value: ir.TimestampValue = _timezone(zone, clock)
        return value

    def text_number(self, text: ir.StringValue) -> ir.IntegerValue:
        """Computed once a value where a column is stored as a dictionary."""
        return (ibis.literal("0x") + text.hexdigest("md5").substr(0, 8)).cast("int64")

    def distinct(self, rows: ir.Table, column: str) -> int:
        """Exact; of a dense whole-number column by a bit a value, much faster than a hash table."""
        values = rows[column]
        if not values.type().is_integer():
            return super().distinct(rows, column)
        row = self.arrow(rows.aggregate(low=values.min(), high=values.max(), rows=rows.count())).to_pylist()[
            0
        ]
        if row["low"] is None or row["high"] - row["low"] > _SPARSE * row["rows"]:
            return super().distinct(rows, column)
        bounds = f"{row['low']:d}, {row['high']:d}"
        query = f"SELECT bit_count(bitstring_agg({quote(column)}, {bounds})) FROM ({self._sql(rows.select(column))})"  # noqa: S608  # a quoted name, whole numbers
        found = self.connection.execute(query).fetchone()
        return int(found[0]) if found else 0

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="cx-duckdb")

    def _table(self, name: str) -> ir.Table:
        table: ir.Table = self.backend.table(name)
        return table

    def _narrow(self, rows: ir.Table) -> str:
        # DuckDB adds up int64 to int128; what the expression promises is int64.
        wide = [column for column, kind in rows.schema().items() if kind.is_integer()]
        narrowed = ", ".join(f"{quote(column)}::BIGINT AS {quote(column)}" for column in wide)
        chosen = f"* REPLACE ({narrowed})" if wide else "*"
        return f"SELECT {chosen} FROM ({self._sql(rows)})"  # noqa: S608  # names are quoted

    def _sql(self, rows: ir.Table) -> str:
        query = self.backend.compiler.to_sqlglot(rows)
        for shared in query.find_all(exp.CTE):
            # A shared part that is only read again costs less than one that is kept in memory with all its columns.
            shared.set("materialized", False)
        return str(query.sql("duckdb"))


def _run(connection: duckdb.DuckDBPyConnection, query: str, types: pa.Schema) -> pa.Table:
    return connection.execute(query).to_arrow_table().cast(types)
