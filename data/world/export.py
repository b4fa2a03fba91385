"""Writing a run to a folder of Parquet files, and its truth beside it: all of it or nothing."""

import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from data.contracts import TABLES
from data.errors import DataError
from data.world import truth
from data.world.run import WorldRun

MAPPING: Final = "mapping.yaml"
_MARK: Final = {b"written_by": b"cx simulated world"}
_ORDERS: Final = "orders.parquet"


class Written(NamedTuple):
    """Where a world was written."""

    folder: Path
    truth: Path
    rows: dict[str, int]
    """Rows by table."""


def truth_path(folder: Path) -> Path:
    """Where the truth about a folder lies: beside it.

    Example:
        >>> truth_path(Path("worlds/demo")).as_posix()
        'worlds/demo.truth.json'
    """
    return folder.with_name(folder.name + ".truth.json")


def write(run: WorldRun, folder: Path) -> Written:
    """Write the tables, the zones and the truth.

    Everything is written under other names first and then renamed, so nothing is ever half there.

    Args:
        run: what to write.
        folder: where; it may exist if it is empty or was written here before.

    Raises:
        DataError: something else is there already.
    """
    folder = folder.absolute()
    _check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        work = Path(name)
        _write_tables(run, work / "new")
        (work / "truth").write_text(truth.tell(run).model_dump_json(indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            folder.rename(work / "old")
        (work / "new").rename(folder)
        (work / "truth").replace(truth_path(folder))
    return Written(folder, truth_path(folder), {table: len(rows) for table, rows in run.tables.items()})


def read_truth(folder: Path) -> truth.Truth:
    """The truth about a folder that was written here.

    Raises:
        DataError: there is none beside it.
    """
    path = truth_path(folder.absolute())
    if not path.is_file():
        raise DataError(f"no truth file {path}; only generated worlds have one")
    return truth.Truth.model_validate_json(path.read_text(encoding="utf-8"))


def _check_free(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; name a folder to write the world to")
    if any(folder.iterdir()) and not _ours(folder):
        raise DataError(f"{folder} holds something else; name a new or empty folder")


def _ours(folder: Path) -> bool:
    allowed = {f"{table}.parquet" for table in TABLES} | {MAPPING}
    if not {path.name for path in folder.iterdir()} <= allowed or not (folder / _ORDERS).is_file():
        return False
    try:
        metadata = pq.read_schema(folder / _ORDERS).metadata or {}
    except pa.ArrowInvalid:
        return False
    return _MARK.items() <= metadata.items()


def _write_tables(run: WorldRun, folder: Path) -> None:
    folder.mkdir()
    for name, frame in run.tables.items():
        pq.write_table(_marked(frame), folder / f"{name}.parquet")
    zones = yaml.safe_dump({"zones": dict(run.zones)}, sort_keys=True)
    (folder / MAPPING).write_text(zones, encoding="utf-8")


def _marked(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(_MARK)
