"""Files of a data folder as relations of the engine, each read once and as it stands."""

import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from data.errors import DataError, MappingError
from data.expressions import quote

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".csv.zip")


def data_files(folder: Path) -> list[str]:
    """Names of the files in a folder that could be tables, and of the folders of Parquet parts, sorted."""
    files = [p.name for p in folder.iterdir() if p.is_file() and p.name.endswith(SUFFIXES)]
    return sorted([*files, *(p.name for p in folder.iterdir() if parts(p))])


def parts(folder: Path) -> list[Path]:
    """The Parquet files of a table that is a folder of them, sorted; empty where it is none."""
    return sorted(folder.glob("*.parquet")) if folder.is_dir() else []


@contextmanager
def reading() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to read files with; whatever the engine, files are read by DuckDB."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        yield connection


def refuse_empty(files: Sequence[Path]) -> None:
    """Raise `DataError` for a file without a single byte."""
    for file in files:
        if file.stat().st_size == 0:
            raise DataError(
                f"{file}: the file is empty (0 bytes); write it again, or take it out of the folder"
            )


class Files:
    """Reads the files of a folder: CSV cells as text, Parquet with its types."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, scratch: Path, null_values: Sequence[str]
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._scratch = scratch
        self._null_values = list(null_values)
        self._relations: dict[str, str] = {}

    def relation(self, file: str) -> str:
        """The temporary table that holds a file.

        Raises:
            MappingError: there is no such file.
            DataError: it is empty or cannot be read.
        """
        if file not in self._relations:
            path = self._folder / file
            if not path.is_file() and not parts(path):
                found = ", ".join(data_files(self._folder)) or "no data files"
                raise MappingError(
                    f"{self._folder}: the mapping reads {file}, which is not there; found: {found}"
                )
            name = f"file_{len(self._relations)}"
            self._load(path, name)
            self._relations[file] = name
        return self._relations[file]

    def timeless(self) -> bool:
        """Whether the folder has data files, and no column in them looks like times."""
        kinds = [kind for file in data_files(self._folder) for kind in self._sniffed(self._folder / file)]
        return bool(kinds) and not any(kind.startswith(("TIMESTAMP", "DATE")) for kind in kinds)

    def _load(self, path: Path, relation: str) -> None:
        files = parts(path) or [path]
        refuse_empty(files)
        readable = [self._unzipped(file) if file.name.endswith(".zip") else file for file in files]
        parquet = files[0].name.endswith(".parquet")
        call = (
            "read_parquet($files, union_by_name=true)"
            if parquet
            else "read_csv($files, all_varchar=true, header=true, nullstr=$empty)"
        )
        given: dict[str, object] = {"files": [str(file) for file in readable]}
        given |= {} if parquet else {"empty": self._null_values}
        try:
            self._connection.execute(f"CREATE TEMP TABLE {quote(relation)} AS SELECT * FROM {call}", given)  # noqa: S608  # fixed texts
        except (duckdb.Error, UnicodeDecodeError) as error:
            kind = "Parquet" if parquet else "CSV"
            first = str(error).strip().splitlines()[0]
            raise DataError(f"{path}: cannot be read as {kind}: {first}") from error
        self._refuse_one_column(path, relation)

    def _refuse_one_column(self, path: Path, relation: str) -> None:
        """Rows of unequal length make the engine take whole lines for cells."""
        names = [str(row[0]) for row in self._connection.execute(f"DESCRIBE {quote(relation)}").fetchall()]
        if len(names) == 1 and any(mark in names[0] for mark in ",;\t|"):
            raise DataError(
                f"{path}: cannot be read as CSV: its rows do not all have as many cells as its first line ({names[0]})"
            )

    def _unzipped(self, path: Path) -> Path:
        target = self._scratch / f"{len(list(self._scratch.iterdir()))}.csv"
        try:
            with zipfile.ZipFile(path) as archive:
                member = _only_member(path, archive)
                with archive.open(member) as packed, target.open("wb") as plain:
                    shutil.copyfileobj(packed, plain)
        except (zipfile.BadZipFile, RuntimeError) as error:
            raise DataError(f"{path}: cannot be unzipped: {error}") from error
        if target.stat().st_size == 0:
            raise DataError(f"{path}: the file in it is empty (0 bytes)")
        return target

    def _sniffed(self, path: Path) -> list[str]:
        """The types that the engine sees in a file; one that it cannot read may hold anything."""
        path = (parts(path) or [path])[0]
        reader = "read_parquet" if path.name.endswith(".parquet") else "read_csv"
        try:
            readable = self._unzipped(path) if path.name.endswith(".zip") else path
            query = f"DESCRIBE SELECT * FROM {reader}(?)"  # noqa: S608  # one of two fixed names
            found = self._connection.execute(query, [str(readable)]).fetchall()
        except (duckdb.Error, DataError):
            return ["TIMESTAMP"]
        return [str(row[1]) for row in found]


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX")]
    if len(members) != 1:
        raise DataError(f"{path}: holds {len(members)} files; a .csv.zip holds exactly one CSV file")
    return members[0]
