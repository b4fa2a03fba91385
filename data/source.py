"""Sources: a folder of Parquet or CSV files, or frames in memory, as tables on one DuckDB connection.

Everything is read as it stands: CSV cells as text, Parquet and frames with their types. `data.check` decides
what they mean. The mapping's renames and expressions are applied here, because they are SQL of the engine.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from collections.abc import Mapping as Dict
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from data import mapping as mappings
from data.contracts import TABLES
from data.engine import connect
from data.errors import DataError, MappingError
from data.expressions import check_expression, quote
from data.mapping import Mapping, TableMapping

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".csv.zip")


@dataclass(frozen=True)
class SourceTable:
    """A table as the source has it, under the contract's column names."""

    name: str
    origin: str
    """Files it comes from, or `frame`."""
    rows: ir.Table
    left_out: int = 0
    """Rows that the mapping's `where` says do not belong to it."""


@dataclass
class Source:
    """Tables on a connection; temporary copies are dropped by `release`."""

    engine: Any
    """Ibis backend."""
    mapping: Mapping
    tables: dict[str, SourceTable] = field(default_factory=dict)
    _temporary: list[str] = field(default_factory=list)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection beneath."""
        connection: duckdb.DuckDBPyConnection = self.engine.con
        return connection

    def release(self) -> None:
        """Forget the raw copies; what was derived from them stays."""
        for name in self._temporary:
            self.connection.unregister(name)
            self.connection.execute(f"DROP TABLE IF EXISTS {quote(name)}")
        self._temporary.clear()
        self.tables.clear()


# --- frames -----------------------------------------------------------------------------------------------


def from_frames(frames: Dict[str, pd.DataFrame], *, mapping: Mapping) -> Source:
    """A source of frames in memory, one per table of the contract.

    Raises:
        ValueError: a name that is no table of the contract.
        DataError: a column holds values of several kinds.
    """
    source = Source(connect(), mapping)
    for name, frame in frames.items():
        if name not in TABLES:
            raise ValueError(f"no table is called {name!r}; known: {', '.join(TABLES)}")
        raw = f"raw_{name}"
        source.connection.register(raw, _arrow(name, frame))
        source._temporary.append(raw)
        source.tables[name] = SourceTable(
            name, "frame", _with_dimensions(name, source.engine.table(raw), mapping)
        )
    _require_orders(source, "these frames", sorted(frames))
    return source


def _arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    texts = {
        column.name: frame[column.name].map(_json_text, na_action="ignore").astype("str")
        for column in TABLES[name].columns
        if column.type == "json" and column.name in frame and frame[column.name].dtype == object
    }
    frame = frame.assign(**texts) if texts else frame
    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"{name}: a column holds values of several kinds: {error}") from error


def _json_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


# --- files ------------------------------------------------------------------------------------------------


def open_path(path: Path, *, mapping: Mapping | None = None) -> Source:
    """A source of files: a folder, or one file together with a mapping that reads a single file.

    Without `mapping`, the folder's own `mapping.yaml` is used where there is one.

    Raises:
        DataError: the path is absent, no `orders`, or a file is empty or unreadable.
        MappingError: the mapping names a file or column that is absent, or an expression is wrong.
    """
    if not path.exists():
        raise DataError(f"{path}: no such folder; give a folder of Parquet or CSV files with `orders` in it")
    folder, only = (path, None) if path.is_dir() else (path.parent, path.name)
    mapping = mapping or _own_mapping(folder)
    if only is not None:
        mapping = _for_one_file(mapping, only, path)
    source = Source(connect(), mapping)
    with tempfile.TemporaryDirectory() as scratch:
        reader = _Reader(source, folder, Path(scratch))
        if mapping.tables:
            for name, table in mapping.tables.items():
                source.tables[name] = reader.mapped(name, table)
        else:
            for name in TABLES:
                reader.native(name)
        if "orders" not in source.tables:
            timeless = "; none of their columns holds times" if reader.timeless() else ""
            _require_orders(source, str(path), _describe_folder(folder), timeless)
    return source


def _own_mapping(folder: Path) -> Mapping:
    own = folder / mappings.FILE_NAME
    return mappings.load(own) if own.is_file() else Mapping()


def _for_one_file(mapping: Mapping, name: str, path: Path) -> Mapping:
    names = {source for table in mapping.tables.values() for source in table.source}
    if len(names) != 1:
        raise DataError(
            f"{path}: is one file; give the folder that holds the tables, or a mapping that reads a single file"
        )
    tables = {key: table.model_copy(update={"source": (name,)}) for key, table in mapping.tables.items()}
    return mapping.model_copy(update={"tables": tables})


def _require_orders(source: Source, where: str, found: list[str], remark: str = "") -> None:
    if "orders" in source.tables:
        return
    raise DataError(
        f"{where}: no table `orders` (orders.parquet, orders.csv, orders.csv.gz or orders.csv.zip); "
        f"found: {'; '.join(found) or 'nothing'}{remark}. Name the files after the tables of docs/tables.md, "
        f"or give a mapping (docs/mappings.md){_suggestion(found)}"
    )


def _suggestion(found: list[str]) -> str:
    names = set(found)
    fitting = [
        name
        for name, mapping in mappings.shipped().items()
        if {file for table in mapping.tables.values() for file in table.source} <= names
    ]
    return f"; data/mappings/{fitting[0]}.yaml reads these files" if fitting else ""


def _describe_folder(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.name.endswith(SUFFIXES))


class _Reader:
    """Reads files of a folder once each and shapes them into tables."""

    def __init__(self, source: Source, folder: Path, scratch: Path) -> None:
        self._source = source
        self._folder = folder
        self._scratch = scratch
        self._read: dict[str, str] = {}

    def native(self, name: str) -> None:
        """Add the table called `name` where the folder has it."""
        found = [name + suffix for suffix in SUFFIXES if (self._folder / (name + suffix)).is_file()]
        if len(found) > 1:
            raise DataError(f"{self._folder}: {' and '.join(found)} are both table {name}; keep one")
        if found:
            rows = self._source.engine.table(self._raw(found[0]))
            rows = _with_dimensions(name, rows, self._source.mapping)
            self._source.tables[name] = SourceTable(name, found[0], rows)

    def timeless(self) -> bool:
        """Whether the folder has data files, and no column in them looks like times."""
        files = _describe_folder(self._folder)
        kinds = [kind for file in files for kind in self._sniffed(self._folder / file)]
        return bool(kinds) and not any(kind.startswith(("TIMESTAMP", "DATE")) for kind in kinds)

    def _sniffed(self, path: Path) -> list[str]:
        """The types that the engine sees in a file; a file that it cannot read may hold anything."""
        reader = "read_parquet" if path.name.endswith(".parquet") else "read_csv"
        try:
            readable = self._unzipped(path) if path.name.endswith(".zip") else path
            found = self._connection.execute(
                f"DESCRIBE SELECT * FROM {reader}(?)", [str(readable)]
            ).fetchall()
        except (duckdb.Error, DataError):
            return ["TIMESTAMP"]
        return [str(row[1]) for row in found]

    def mapped(self, name: str, table: TableMapping) -> SourceTable:
        """The table that a mapping makes of its files."""
        base = self._base(name, table)
        with _explained(f"{', '.join(table.source)}: table {name}", self._columns(base)) as located:
            selected = dict(self._selections(name, table, base, located))
            kept = f"SELECT * FROM {quote(base)}"
            if table.where:
                located("where")
                check_expression(table.where)
                kept += f" WHERE ({table.where})"
            columns = ", ".join(f"{sql} AS {quote(column)}" for column, sql in selected.items())
            shaped = f"shaped_{name}"
            self._connection.execute(f"CREATE TEMP TABLE {quote(shaped)} AS SELECT {columns} FROM ({kept})")
        self._source._temporary.append(shaped)
        rows = self._source.engine.table(shaped)
        left_out = self._count(base) - self._count(shaped)
        return SourceTable(name, ", ".join(table.source), rows, left_out)

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return self._source.connection

    def _selections(
        self, name: str, table: TableMapping, base: str, located: Any
    ) -> Iterator[tuple[str, str]]:
        present = self._columns(base)
        plain = dict(table.columns)
        derived = dict(table.derive)
        if name == "orders":
            plain |= self._source.mapping.dimensions
        for target, column in plain.items():
            located(target)
            if column not in present:
                raise MappingError(f"no column {column!r}")
            yield target, quote(column)
        for target, sql in derived.items():
            located(target)
            check_expression(sql)
            self._connection.execute(f"SELECT ({sql}) FROM {quote(base)} LIMIT 0")
            yield target, f"({sql})"

    def _base(self, name: str, table: TableMapping) -> str:
        """The table's files one after the other, cast: the relation that expressions see."""
        raws = [self._raw(file) for file in table.source]
        present = self._columns(raws[0])
        where = f"{', '.join(table.source)}: table {name}"
        for file, raw in zip(table.source[1:], raws[1:], strict=True):
            if set(self._columns(raw)) != set(present):
                raise MappingError(f"{where}: {file} has other columns than {table.source[0]}")
        absent = sorted(set(table.casts) - set(present))
        if absent:
            raise MappingError(f"{where}: casts: no column {absent[0]!r}; it has: {', '.join(present)}")
        columns = ", ".join(
            f"{_cast(column, table.casts[column])} AS {quote(column)}"
            if column in table.casts
            else quote(column)
            for column in present
        )
        parts = " UNION ALL ".join(f"SELECT {columns} FROM {quote(raw)}" for raw in raws)
        base = f"base_{name}"
        self._connection.execute(f"CREATE TEMP VIEW {quote(base)} AS {parts}")
        return base

    def _columns(self, relation: str) -> tuple[str, ...]:
        return tuple(self._source.engine.table(relation).columns)

    def _count(self, relation: str) -> int:
        row = self._connection.execute(f"SELECT count(*) FROM {quote(relation)}").fetchone()  # noqa: S608
        return int(row[0]) if row else 0

    def _raw(self, file: str) -> str:
        """The relation that holds a file as it is, read once."""
        if file not in self._read:
            path = self._folder / file
            if not path.is_file():
                found = ", ".join(_describe_folder(self._folder)) or "no data files"
                raise MappingError(
                    f"{self._folder}: the mapping reads {file}, which is not there; found: {found}"
                )
            relation = f"file_{len(self._read)}"
            self._load(path, relation)
            self._source._temporary.append(relation)
            self._read[file] = relation
        return self._read[file]

    def _load(self, path: Path, relation: str) -> None:
        if path.stat().st_size == 0:
            raise DataError(
                f"{path}: the file is empty (0 bytes); write it again, or take it out of the folder"
            )
        readable = self._unzipped(path) if path.name.endswith(".zip") else path
        try:
            if path.name.endswith(".parquet"):
                self._source.engine.read_parquet(readable, table_name="reading")
            else:
                self._source.engine.read_csv(
                    readable,
                    table_name="reading",
                    all_varchar=True,
                    header=True,
                    nullstr=list(self._source.mapping.null_values),
                )
            self._connection.execute(f"CREATE TEMP TABLE {quote(relation)} AS SELECT * FROM reading")  # noqa: S608
            self._connection.execute("DROP VIEW reading")
        except duckdb.Error as error:
            kind = "Parquet" if path.name.endswith(".parquet") else "CSV"
            first = str(error).strip().splitlines()[0]
            raise DataError(f"{path}: cannot be read as {kind}: {first}") from error

    def _unzipped(self, path: Path) -> Path:
        try:
            with zipfile.ZipFile(path) as archive:
                members = [
                    m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX")
                ]
                if len(members) != 1:
                    raise DataError(
                        f"{path}: holds {len(members)} files; a .csv.zip holds exactly one CSV file"
                    )
                target = self._scratch / f"{len(self._read)}.csv"
                with archive.open(members[0]) as packed, target.open("wb") as plain:
                    while chunk := packed.read(1 << 20):
                        plain.write(chunk)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{path}: cannot be unzipped: {error}") from error
        if target.stat().st_size == 0:
            raise DataError(f"{path}: the file in it is empty")
        return target


_SQL_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "flag": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}


def _cast(column: str, to: str) -> str:
    return f"TRY_CAST({quote(column)} AS {_SQL_TYPES[to]})"


@contextmanager
def _explained(where: str, present: tuple[str, ...]) -> Iterator[Any]:
    """Say which column of which file an expression failed in, and what exists."""
    at = [""]

    def located(column: str) -> None:
        at[0] = f".{column}"

    try:
        yield located
    except (duckdb.Error, MappingError) as error:
        first = str(error).strip().splitlines()[0]
        raise MappingError(f"{where}{at[0]}: {first}; the file has: {', '.join(present)}") from error


def _with_dimensions(name: str, rows: ir.Table, mapping: Mapping) -> ir.Table:
    """The orders with the mapping's extra dimensions under their own names."""
    if name != "orders" or not mapping.dimensions:
        return rows
    absent = [column for column in mapping.dimensions.values() if column not in rows.columns]
    if absent:
        raise MappingError(
            f"orders: the mapping's dimensions name a column {absent[0]!r}, which is not there; "
            f"it has: {', '.join(rows.columns)}"
        )
    return rows.mutate(**{dimension: rows[column] for dimension, column in mapping.dimensions.items()})
