"""PostgreSQL: for tables that live there, or that many people share.

Everything computed is kept in temporary tables and functions of the session; nothing is written to the database.
"""

import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, LiteralString
from urllib.parse import parse_qs, urlsplit, urlunsplit

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import ibis.expr.types as ir
import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.types.json import set_json_loads

from data.engine import EngineChoice
from data.engines.base import UTC, Engine, unary, zoned
from data.errors import DataError
from data.expressions import quote

_TEMP: Final = "pg_temp"
_BATCH: Final = 50_000

_EXACT: Final[tuple[LiteralString, ...]] = (
    """CREATE FUNCTION pg_temp.epoch_us(timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS
       'SELECT (extract(epoch FROM $1) * 1000000)::bigint'""",
    """CREATE FUNCTION pg_temp.text_number(text) RETURNS bigint LANGUAGE sql IMMUTABLE AS
       $$SELECT ('x' || substr(md5($1), 1, 8))::bit(32)::bigint$$""",
)
_TRY: Final[
    LiteralString
] = """CREATE FUNCTION pg_temp.{name}(given text) RETURNS {type} LANGUAGE plpgsql STABLE AS $$
BEGIN IF given ~* {shape} THEN RETURN given::{type}; END IF; RETURN NULL; EXCEPTION WHEN data_exception THEN RETURN NULL; END $$"""
_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$|^[+-]?(nan|inf|infinity)$"
_TIME: Final = r"^\d{1,6}-\d"
_SHAPES: Final = {
    "try_float8": ("double precision", _NUMBER),
    "try_int8": ("bigint", r"^[+-]?\d+$"),
    "try_bool": ("boolean", "^(true|false|t|f|yes|no|y|n|1|0)$"),
    "try_timestamptz": ("timestamptz", _TIME),
    "try_timestamp": ("timestamp", _TIME),
}
"""Function: its type, and the texts that the other engines read as one; the server itself would take more."""


_epoch_us = unary("epoch_us", UTC, dt.int64, schema=_TEMP)
_text_number = unary("text_number", dt.string, dt.int64, schema=_TEMP)
_timezone = zoned("timezone")
_TRIED: Final[dict[dt.DataType, Any]] = {
    dt.float64: unary("try_float8", dt.string, dt.float64, schema=_TEMP),
    dt.int64: unary("try_int8", dt.string, dt.int64, schema=_TEMP),
    dt.boolean: unary("try_bool", dt.string, dt.boolean, schema=_TEMP),
    UTC: unary("try_timestamptz", dt.string, UTC, schema=_TEMP),
    dt.Timestamp(): unary("try_timestamp", dt.string, dt.Timestamp(), schema=_TEMP),
}


class PostgresEngine(Engine):
    """A session in a database whose clock speaks UTC."""

    name = "postgres"

    def __init__(self, choice: EngineChoice) -> None:
        url, self._schema = _split(choice.url)
        try:
            self.backend = ibis.connect(url)
        except psycopg.OperationalError as error:
            raise DataError(f"CX_ENGINE_URL: cannot reach the database: {str(error).strip()}") from error
        self._connection: psycopg.Connection[Any] = self.backend.con
        weakref.finalize(self, self._connection.close)
        # The text as it stands: `data.check` reads scopes itself.
        set_json_loads(lambda text: text, self._connection)
        self._run("SET TimeZone = 'UTC'")
        for function in _EXACT:
            self._run(function)
        for name, (kind, shape) in _SHAPES.items():
            given = {"name": sql.SQL(name), "type": sql.SQL(kind), "shape": sql.Literal(shape)}
            self._connection.execute(sql.SQL(_TRY).format(**given))

    def existing(self, name: str) -> ir.Table | None:
        """A table of the schema that the URL names, if it is there."""
        if name not in self.backend.list_tables(database=self._schema):
            return None
        table: ir.Table = self.backend.table(name, database=self._schema)
        return table

    def origin(self, name: str) -> str:
        """With its schema."""
        return f"{self._schema}.{name}"

    def load(self, name: str, rows: pa.Table) -> ir.Table:
        """Copy the rows into a temporary table."""
        schema = sch.Schema.from_pyarrow(rows.schema)
        plain = {c: _storable(kind) for c, kind in schema.items()}
        columns = ", ".join(f"{quote(c)} {self._type(kind)}" for c, kind in plain.items())
        self._run(f"CREATE TEMP TABLE {quote(name)} ({columns})")
        with (
            self._connection.cursor() as cursor,
            cursor.copy(_sql(f"COPY {_TEMP}.{quote(name)} FROM STDIN")) as copy,
        ):
            for batch in rows.to_batches(max_chunksize=_BATCH):
                for row in zip(*(_values(column) for column in batch.columns), strict=True):
                    copy.write_row(row)
        self._run(f"ANALYZE {_TEMP}.{quote(name)}")
        return ibis.table(plain, name=name, database=_TEMP)

    def scan(self, name: str, files: Sequence[Path]) -> ir.Table | None:  # the server cannot see them
        """Files are always copied."""
        return None

    def keep(self, name: str, rows: ir.Table) -> ir.Table:
        """A temporary table."""
        self.drop(name)
        self._run(f"CREATE TEMP TABLE {quote(name)} AS {self._narrow(rows)}")
        self._run(f"ANALYZE {_TEMP}.{quote(name)}")
        return ibis.table(rows.schema(), name=name, database=_TEMP)

    def drop(self, name: str) -> None:
        """Drop a temporary table."""
        self._run(f"DROP TABLE IF EXISTS {_TEMP}.{quote(name)}")

    def arrow(self, rows: ir.Table) -> pa.Table:
        """Run the expression; whole numbers leave the server as bigint."""
        schema = rows.schema().to_pyarrow()
        with self._connection.cursor() as cursor:
            found = cursor.execute(_sql(self._narrow(rows))).fetchall()
        columns: Iterator[Sequence[Any]] = (
            iter(zip(*found, strict=True)) if found else iter([()] * len(schema))
        )
        return pa.table(
            [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema
        )

    def microseconds(self, moment: ir.TimestampValue) -> ir.IntegerValue:
        """Exact: the server keeps them as a whole number too."""
        value: ir.IntegerValue = _epoch_us(moment)
        return value

    def in_zone(self, zone: str, clock: ir.TimestampValue) -> ir.TimestampValue:
        """By the server's own zone rules."""
        value: ir.TimestampValue = _timezone(zone, clock)
        return value

    def try_cast(self, column: ir.Value, to: dt.DataType) -> ir.Value:
        """By functions of the session: the server has no such cast."""
        value: ir.Value = _TRIED[to](column)
        return value

    def text_number(self, text: ir.StringValue) -> ir.IntegerValue:
        """By a function of the session."""
        value: ir.IntegerValue = _text_number(text)
        return value

    def _run(self, statement: str) -> None:
        self._connection.execute(_sql(statement))

    def _narrow(self, rows: ir.Table) -> str:
        # The server adds up bigint to numeric; what the expression promises is bigint.
        columns = (
            f"{quote(c)}::bigint AS {quote(c)}" if kind.is_integer() else quote(c)
            for c, kind in rows.schema().items()
        )
        return f"SELECT {', '.join(columns)} FROM ({self.backend.compile(rows)}) AS found"  # noqa: S608  # names are quoted

    def _type(self, kind: dt.DataType) -> str:
        return str(self.backend.compiler.type_mapper.to_string(kind))


def _split(url: str) -> tuple[str, str]:
    """The URL without our own part of it, and the schema that this names."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise DataError("CX_ENGINE_URL: write postgresql://user:password@host:port/database?schema=name")
    schema = parse_qs(parts.query).get("schema", ["public"])[0]
    rest = "&".join(part for part in parts.query.split("&") if part and not part.startswith("schema="))
    return urlunsplit(parts._replace(query=rest, scheme="postgres")), schema


def _storable(kind: dt.DataType) -> dt.DataType:
    """What a column is there; unsigned and narrow numbers, and columns without a value, have wider homes."""
    if kind.is_null():
        return dt.string
    if kind.is_integer():
        return dt.int64
    if kind.is_floating():
        return dt.float64
    return dt.json if kind.is_nested() else kind.copy(nullable=True)


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_nested(column.type):
        import json

        return [None if value is None else json.dumps(value, sort_keys=True) for value in column.to_pylist()]
    if pa.types.is_timestamp(column.type):
        return list(column.cast(pa.timestamp("us", column.type.tz)).to_pylist())
    return list(column.to_pylist())


def _sql(text: str) -> sql.SQL:
    # psycopg asks for literal texts; ours are compiled from expressions, with every name quoted.
    return sql.SQL(text)
