from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from data.contracts import TABLES
from data.errors import DataError
from data.world import World, WorldConfig, WorldRun, export, truth
from data.world.export import read_truth, write


@pytest.fixture
def run() -> WorldRun:
    return World(WorldConfig(scenario="batching", orders_per_day=100, days=10, seed=3)).run()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_writes_every_table_the_zones_and_the_truth_beside(tmp_path: Path, run: WorldRun) -> None:
    written = write(run, tmp_path / "deep" / "world")
    names = {f"{table}.parquet" for table in TABLES} | {"mapping.yaml"}
    assert {path.name for path in written.folder.iterdir()} == names
    assert {path.name for path in written.folder.parent.iterdir()} == {"world", "world.truth.json"}
    assert written.rows == {name: len(frame) for name, frame in run.tables.items()}
    assert yaml.safe_load((written.folder / "mapping.yaml").read_text()) == {"zones": dict(run.zones)}


def test_reads_back_what_was_written(tmp_path: Path, run: WorldRun) -> None:
    folder = write(run, tmp_path / "world").folder
    for name, frame in run.tables.items():
        again = pq.read_table(folder / f"{name}.parquet").to_pandas()
        pd.testing.assert_frame_equal(again, frame, check_dtype=False, check_index_type=False)


def test_the_same_world_gives_the_same_files(tmp_path: Path, run: WorldRun) -> None:
    first = write(run, tmp_path / "a").folder
    second = write(World(run.config).run(), tmp_path / "b").folder
    assert contents(first) == contents(second)
    assert export.truth_path(first).read_bytes() == export.truth_path(second).read_bytes()


def test_overwrites_its_own_world(tmp_path: Path, run: WorldRun) -> None:
    folder = tmp_path / "world"
    write(World(WorldConfig(orders_per_day=50, days=2)).run(), folder)
    write(run, folder)
    assert read_truth(folder).scenario == "batching"
    assert len(list(tmp_path.iterdir())) == 2


def test_writes_into_an_empty_folder(tmp_path: Path, run: WorldRun) -> None:
    folder = tmp_path / "world"
    folder.mkdir()
    write(run, folder)
    assert (folder / "orders.parquet").is_file()


@pytest.mark.parametrize("name", ["notes.txt", "orders.parquet"])
def test_leaves_the_work_of_others_alone(tmp_path: Path, run: WorldRun, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        write(run, tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_refuses_parquet_of_others(tmp_path: Path, run: WorldRun) -> None:
    pd.DataFrame({"order_id": [1]}).to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(DataError, match="holds something else"):
        write(run, tmp_path)


def test_refuses_a_file(tmp_path: Path, run: WorldRun) -> None:
    (tmp_path / "world").write_text("mine")
    with pytest.raises(DataError, match="is a file"):
        write(run, tmp_path / "world")


def test_leaves_nothing_behind_when_it_fails(
    tmp_path: Path, run: WorldRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: WorldRun) -> truth.Truth:
        raise OSError("disk full")

    monkeypatch.setattr(truth, "tell", fail)
    with pytest.raises(OSError, match="disk full"):
        write(run, tmp_path / "world")
    assert not list(tmp_path.iterdir())


def test_a_folder_without_truth_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only generated worlds have one"):
        read_truth(tmp_path)
