"""A folder that remembers what was read and summed, so that a new day reads a new day.

It holds a snapshot (which files were read, what they came to, their profile) and the cells of every local day that
can no longer change, one Parquet file each. Everything in it can be made again: a damaged file is, and that is
said. A change of the code, the mapping or the columns leads to another subfolder. One process at a time may use it.
"""

import hashlib
import json
import logging
import os
import secrets
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from data.mapping import Family
from data.watch import Stamp

logger = logging.getLogger(__name__)


class TableSnapshot(BaseModel):
    """The files of a table, and what the pass over them counted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: dict[str, Stamp]
    counts: dict[str, int]


class Snapshot(BaseModel):
    """What was read so far; only ever of data without a broken row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: dict[str, TableSnapshot]


class Remembered(NamedTuple):
    """A snapshot and the profile that belongs to it."""

    snapshot: Snapshot
    profile: pa.Table


class Store:
    """The part of a store that belongs to one meaning of one dataset."""

    def __init__(self, folder: Path, *, meaning: object) -> None:
        self._folder = folder / digest([_code(), meaning])

    def remembered(self) -> Remembered | None:
        """The newest snapshot; None where there is none, or it is damaged."""
        path = self._folder / "snapshot.parquet"
        profile = _read(path)
        if profile is None:
            return None
        try:
            text = (profile.schema.metadata or {})[b"snapshot"]
            return Remembered(Snapshot.model_validate_json(text), profile.replace_schema_metadata(None))
        except (KeyError, ValidationError):
            _say_damaged(path)
            return None

    def remember(self, snapshot: Snapshot, profile: pa.Table) -> None:
        """Replace the snapshot."""
        text = snapshot.model_dump_json().encode()
        _write(self._folder / "snapshot.parquet", profile.replace_schema_metadata({b"snapshot": text}))

    def cells(self, shape: object) -> "DayFiles":
        """The cells of a shape: of certain dimensions and columns."""
        return DayFiles(self._folder / f"cells-{digest(shape)}")

    def forget(self, days: Iterable[int], families: Iterable[Family]) -> None:
        """Drop what is kept of days of which something new was read, whatever the shape of the cells."""
        parts = [".parquet", *(f".{family}.parquet" for family in families)]
        for day in days:
            for part in parts:
                for path in self._folder.glob(f"cells-*/{day}{part}"):
                    path.unlink(missing_ok=True)

    def forget_all(self) -> None:
        """Drop everything, the snapshot first."""
        (self._folder / "snapshot.parquet").unlink(missing_ok=True)
        for path in self._folder.glob("cells-*/*.parquet"):
            path.unlink(missing_ok=True)


class DayFiles:
    """Files of each local day (days since 1970): one a family of outcomes, or one for all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, day: int) -> bool:
        """Whether a day has a file of all families; it may be damaged."""
        return self._path(day, None).is_file()

    def read(self, day: int, family: Family | None = None) -> pa.Table | None:
        """The cells of a day; None where they are not there, or damaged."""
        return _read(self._path(day, family))

    def write(self, day: int, cells: pa.Table, family: Family | None = None) -> None:
        """Keep the cells of a day."""
        _write(self._path(day, family), cells)

    def drop(self, day: int, families: Iterable[Family]) -> None:
        """Forget a day's families, once all of them stand in one file."""
        for family in families:
            self._path(day, family).unlink(missing_ok=True)

    def _path(self, day: int, family: Family | None) -> Path:
        return self._folder / (f"{day}.parquet" if family is None else f"{day}.{family}.parquet")


def digest(content: object) -> str:
    """A short name of anything that JSON can hold.

    Example:
        >>> digest({"a": 1})
        '165b44bb3d3e0923'
    """
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@cache
def _code() -> str:
    """A hash of this room's code: what it computes may change with it."""
    found = hashlib.blake2b(digest_size=8)
    for module in sorted(
        (p for p in files("data").iterdir() if p.name.endswith(".py")), key=lambda p: p.name
    ):
        found.update(module.read_bytes())
    return found.hexdigest()


def _read(path: Path) -> pa.Table | None:
    if not path.is_file():
        return None
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(use_threads=False)
    except (pa.ArrowInvalid, OSError):
        _say_damaged(path)
        path.unlink(missing_ok=True)
        return None


def _say_damaged(path: Path) -> None:
    logger.warning("%s is damaged; it is made again", path)


def _write(path: Path, rows: pa.Table) -> None:
    """Under another name first: a file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    pq.write_table(rows, work, write_page_checksum=True, compression="lz4")
    os.replace(work, path)
