"""Foreign files shaped into a table of the contract: a mapping's casts, renames, expressions and condition."""

from collections.abc import Sequence
from typing import NamedTuple

import duckdb

from data.errors import MappingError
from data.expressions import check_expression, quote
from data.files import Files
from data.mapping import CastType, Mapping, TableMapping

_SQL_TYPES: dict[CastType, str] = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "flag": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}


class Shaped(NamedTuple):
    """A shaped table."""

    relation: str
    """Temporary table that holds it."""
    left_out: int
    """Source rows that do not fulfil the mapping's condition."""


class Shaper:
    """Shapes tables on a connection; errors say file, table, column and what the file has."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Files, mapping: Mapping) -> None:
        self._connection = connection
        self._files = files
        self._mapping = mapping

    def shape(self, name: str) -> Shaped:
        """Shape the table called `name`.

        Raises:
            MappingError: a file or column is absent, or an expression is wrong.
        """
        table = self._mapping.tables[name]
        base = self._base(name, table)
        columns = self._columns_of(name, table, base)
        kept = f"SELECT * FROM {quote(base)}"  # noqa: S608  # a quoted name
        if table.where is not None:
            self._try(name, table, base, "where", table.where)
            kept += f" WHERE ({table.where})"
        relation = f"shaped_{name}"
        query = f"CREATE TEMP TABLE {quote(relation)} AS SELECT {', '.join(columns)} FROM ({kept})"  # noqa: S608  # checked
        try:
            self._connection.execute(query)
        except duckdb.Error as error:
            raise self._wrong(name, table, base, "", _first_line(error)) from error
        return Shaped(relation, self._count(base) - self._count(relation))

    def _columns_of(self, name: str, table: TableMapping, base: str) -> list[str]:
        renamed = table.columns | (self._mapping.dimensions if name == "orders" else {})
        present = self._names(base)
        for target, column in renamed.items():
            if column not in present:
                raise self._wrong(name, table, base, target, f"there is no column {column!r}")
        for target, sql in table.derive.items():
            self._try(name, table, base, target, sql)
        selected = {target: quote(column) for target, column in renamed.items()}
        selected |= {target: f"({sql})" for target, sql in table.derive.items()}
        if not selected:
            raise self._wrong(name, table, base, "", "the mapping gives no column of this table")
        return [f"{sql} AS {quote(target)}" for target, sql in selected.items()]

    def _try(self, name: str, table: TableMapping, base: str, target: str, sql: str) -> None:
        """Bind one expression, so that an error names the column that it is for."""
        try:
            check_expression(sql)
            self._connection.execute(f"SELECT ({sql}) FROM {quote(base)} LIMIT 0")  # noqa: S608  # checked above
        except (duckdb.Error, MappingError) as error:
            raise self._wrong(name, table, base, target, _first_line(error)) from error

    def _wrong(self, name: str, table: TableMapping, base: str, target: str, problem: str) -> MappingError:
        place = f"{name}.{target}" if target else name
        has = ", ".join(self._names(base))
        return MappingError(
            f"mapping {self._mapping.name}, {place}: {problem}; {', '.join(table.source)} has: {has}"
        )

    def _base(self, name: str, table: TableMapping) -> str:
        """The table's files one after the other, cast: the relation that expressions see."""
        raws = [self._files.relation(file) for file in table.source]
        present = self._names(raws[0])
        for file, raw in zip(table.source[1:], raws[1:], strict=True):
            if set(self._names(raw)) != set(present):
                raise self._wrong(
                    name, table, raws[0], "", f"{file} has other columns ({', '.join(self._names(raw))})"
                )
        for column in table.casts:
            if column not in present:
                raise self._wrong(name, table, raws[0], "", f"casts: there is no column {column!r}")
        base = f"base_{name}"
        selected = ", ".join(_cast(column, table.casts.get(column)) for column in present)
        parts = " UNION ALL ".join(f"SELECT {selected} FROM {quote(raw)}" for raw in raws)  # noqa: S608  # quoted
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote(base)} AS {parts}")
        return base

    def _names(self, relation: str) -> Sequence[str]:
        described = self._connection.execute(f"DESCRIBE {quote(relation)}").fetchall()
        return [str(row[0]) for row in described]

    def _count(self, relation: str) -> int:
        row = self._connection.execute(f"SELECT count(*) FROM {quote(relation)}").fetchone()  # noqa: S608  # quoted
        return int(row[0]) if row else 0


def _cast(column: str, to: CastType | None) -> str:
    if to is None:
        return quote(column)
    return f"TRY_CAST({quote(column)} AS {_SQL_TYPES[to]}) AS {quote(column)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
