"""Sources: a folder of Parquet or CSV files, or frames in memory, as tables on one engine.

Everything is read as it stands: CSV cells as text, Parquet and frames with their types. `data.check` decides
what they mean.
"""

import json
import tempfile
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from data import mapping as mappings
from data.contracts import TABLES
from data.engine import DUCKDB, EngineChoice
from data.engines import Engine, connect
from data.errors import DataError, MappingError
from data.files import SUFFIXES, Files, data_files, parts, reading, refuse_empty
from data.mapping import Mapping
from data.shaping import Shaper
from data.watch import Watch

IN_MEMORY_BYTES: Final = 64 * 1024 * 1024
"""Parquet tables that are larger together are not copied: every query reads them where they lie."""


@dataclass(frozen=True)
class SourceTable:
    """A table as the source has it, under the contract's column names."""

    name: str
    origin: str
    """Files it comes from, or `frame`."""
    rows: ir.Table
    left_out: int = 0
    """Rows that the mapping's `where` says do not belong to it."""
    files: tuple[Path, ...] = ()
    """Files that every query reads anew where they lie; none where the rows were copied."""

    @property
    def in_place(self) -> bool:
        """Whether its rows were not copied."""
        return bool(self.files)


@dataclass
class Source:
    """Tables on an engine, and the mapping that says what they mean."""

    engine: Engine
    mapping: Mapping
    tables: dict[str, SourceTable] = field(default_factory=dict)
    temporary: list[str] = field(default_factory=list)
    """Raw copies, dropped by `release`."""
    watch: Watch = field(default_factory=Watch)
    """Files that are read in place."""

    def add(
        self, name: str, rows: ir.Table, origin: str, *, left_out: int = 0, files: Sequence[Path] = ()
    ) -> None:
        """Make rows on the engine the table called `name`."""
        if name == "orders" and not self.mapping.tables:
            rows = _with_dimensions(rows, self.mapping)
        self.tables[name] = SourceTable(name, origin, rows, left_out, tuple(files))

    def copy(self, name: str, rows: pa.Table, origin: str, *, left_out: int = 0) -> None:
        """Make rows of this process the table called `name`."""
        relation = f"raw_{name}"
        self.add(name, self.engine.load(relation, rows), origin, left_out=left_out)
        self.temporary.append(relation)

    def only(self, name: str, files: Sequence[Path]) -> SourceTable:
        """A table that is read in place, as if it had some of its files only."""
        rows = self.engine.scan(f"some_{name}", files)
        if rows is None:
            raise TypeError(f"{self.engine.name} reads no files in place")
        if name == "orders" and not self.mapping.tables:
            rows = _with_dimensions(rows, self.mapping)
        return replace(self.tables[name], rows=rows, files=tuple(files))

    def release(self) -> None:
        """Forget the raw copies; what was derived from them stays."""
        for name in self.temporary:
            self.engine.drop(name)
        self.temporary.clear()
        self.tables.clear()


def _with_dimensions(rows: ir.Table, mapping: Mapping) -> ir.Table:
    """The orders with the mapping's extra dimensions under their own names."""
    absent = [column for column in mapping.dimensions.values() if column not in rows.columns]
    if absent:
        raise MappingError(
            f"mapping {mapping.name}, orders: dimensions: there is no column {absent[0]!r}; "
            f"orders has: {', '.join(rows.columns)}"
        )
    return rows.mutate(**{dimension: rows[column] for dimension, column in mapping.dimensions.items()})


# --- frames -----------------------------------------------------------------------------------------------


def from_frames(
    frames: Dict[str, pd.DataFrame], *, mapping: Mapping, engine: EngineChoice = DUCKDB
) -> Source:
    """A source of frames in memory, one per table of the contract.

    Raises:
        ValueError: a name that is no table of the contract.
        DataError: no orders, or a column holds values of several kinds.
    """
    # The frames are the tables already; what the mapping says of files does not concern them.
    source = Source(connect(engine), mapping.model_copy(update={"tables": {}}))
    for name, frame in frames.items():
        if name not in TABLES:
            raise ValueError(f"no table is called {name!r}; known: {', '.join(TABLES)}")
        source.copy(name, _arrow(name, frame), "frame")
    if "orders" not in source.tables:
        raise DataError(f"no table `orders` among the frames: {', '.join(sorted(frames)) or 'none'}")
    return source


def _arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    texts: dict[str, Any] = {
        column.name: [_json_text(value) for value in frame[column.name]]
        for column in TABLES[name].columns
        if column.type == "json" and column.name in frame and frame[column.name].dtype == object
    }
    frame = frame.assign(**texts) if texts else frame
    try:
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"{name}: a column holds values of several kinds: {error}") from error


def _json_text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True) if isinstance(value, Dict | list) else None


# --- a database -------------------------------------------------------------------------------------------


def from_engine(choice: EngineChoice, *, mapping: Mapping) -> Source:
    """A source of tables that lie in an engine already, under the names and columns of the contract.

    Raises:
        DataError: the engine has no tables of its own, cannot be reached, or has no `orders`.
        MappingError: the mapping makes tables of files.
    """
    if mapping.tables:
        raise MappingError(f"mapping {mapping.name}: `tables` reads files; a database needs tables of ours")
    source = Source(connect(choice), mapping)
    for name in TABLES:
        rows = source.engine.existing(name)
        if rows is not None:
            source.add(name, rows, source.engine.origin(name))
    if "orders" not in source.tables:
        raise DataError(f"no table {source.engine.origin('orders')} in the database of CX_ENGINE_URL")
    return source


# --- files ------------------------------------------------------------------------------------------------


def open_path(
    path: Path,
    *,
    mapping: Mapping | None = None,
    engine: EngineChoice = DUCKDB,
    in_place: bool = False,
) -> Source:
    """A source of files: a folder, or one file together with a mapping that reads a single file.

    Without `mapping`, the folder's own `mapping.yaml` is used where there is one. Parquet tables that are large, or
    all of them with `in_place`, are not copied.

    Raises:
        DataError: the path is absent, there is no `orders`, or a file is empty or unreadable.
        MappingError: the mapping names a file or column that is absent, or an expression is wrong.
    """
    if not path.exists():
        raise DataError(f"{path}: no such folder; give a folder of Parquet or CSV files with `orders` in it")
    folder = path if path.is_dir() else path.parent
    mapping = mapping or _own_mapping(folder)
    if path.is_file():
        mapping = _for_one_file(mapping, path)
    source = Source(connect(engine), mapping)
    with tempfile.TemporaryDirectory() as scratch, reading() as reader:
        files = Files(reader, folder, Path(scratch), mapping.null_values)
        if mapping.tables:
            _add_mapped(source, files, reader)
        else:
            _add_native(source, files, reader, folder, in_place=in_place)
        if "orders" not in source.tables:
            raise _no_orders(path, data_files(folder), timeless=files.timeless())
    return source


def _add_mapped(source: Source, files: Files, reader: duckdb.DuckDBPyConnection) -> None:
    shaper = Shaper(reader, files, source.mapping)
    for name, table in source.mapping.tables.items():
        shaped = shaper.shape(name)
        rows = reader.table(shaped.relation).to_arrow_table()
        source.copy(name, rows, ", ".join(table.source), left_out=shaped.left_out)


def _add_native(
    source: Source, files: Files, reader: duckdb.DuckDBPyConnection, folder: Path, *, in_place: bool
) -> None:
    found = {name: _files_of(folder, name) for name in TABLES}
    in_place |= sum(file.stat().st_size for every in found.values() for file in every.files) > IN_MEMORY_BYTES
    for name, table in found.items():
        if not table.files:
            continue
        refuse_empty(table.files)
        rows = source.engine.scan(f"file_{name}", table.files) if in_place and table.parquet else None
        if rows is not None:
            source.watch.add(table.files)
            source.add(name, rows, table.origin, files=table.files)
        else:
            source.copy(name, reader.table(files.relation(table.origin)).to_arrow_table(), table.origin)


class _TableFiles(NamedTuple):
    """The files of a table in a folder of tables."""

    origin: str
    files: Sequence[Path]

    @property
    def parquet(self) -> bool:
        return self.files[0].name.endswith(".parquet")


def _files_of(folder: Path, name: str) -> _TableFiles:
    found = [name + suffix for suffix in SUFFIXES if (folder / (name + suffix)).is_file()]
    found += [name] if parts(folder / name) else []
    if len(found) > 1:
        raise DataError(f"{folder}: {' and '.join(found)} are both the table {name}; keep one of them")
    if not found:
        return _TableFiles(name, ())
    return _TableFiles(found[0], parts(folder / found[0]) or (folder / found[0],))


def _own_mapping(folder: Path) -> Mapping:
    own = folder / mappings.FILE_NAME
    return mappings.load(own) if own.is_file() else Mapping()


def _for_one_file(mapping: Mapping, path: Path) -> Mapping:
    names = {source for table in mapping.tables.values() for source in table.source}
    if len(names) != 1:
        raise DataError(
            f"{path}: is one file; give the folder that holds the tables, or a mapping that reads a single file"
        )
    tables = {key: table.model_copy(update={"source": (path.name,)}) for key, table in mapping.tables.items()}
    return mapping.model_copy(update={"tables": tables})


def _no_orders(path: Path, found: Sequence[str], *, timeless: bool) -> DataError:
    names = ", ".join("orders" + suffix for suffix in SUFFIXES)
    remark = "; none of their columns holds times" if timeless else ""
    fitting = [
        name
        for name, mapping in mappings.shipped().items()
        if {file for table in mapping.tables.values() for file in table.source} <= set(found)
    ]
    known = f"; data/mappings/{fitting[0]}.yaml reads these files" if fitting else ""
    return DataError(
        f"{path}: no table `orders` ({names}); found: {', '.join(found) or 'nothing'}{remark}. Name the files "
        f"after the tables of docs/tables.md, or give a mapping (docs/mappings.md){known}"
    )
