"""The same data say the same on every engine, to the digit."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from data.dataset import Dataset
from data.engine import EngineChoice
from data.errors import DataError
from data.mapping import Mapping
from data.world import World, WorldConfig
from data.world.export import write

Frames = dict[str, pd.DataFrame]
LATER = datetime(2026, 2, 1, tzinfo=UTC)
ZONES = Mapping(zones={"SF": "America/Los_Angeles", "NY": "America/New_York"})


@pytest.fixture
def postgres(postgres_url: str) -> EngineChoice:
    return EngineChoice("postgres", postgres_url)


def assert_same(one: Dataset, other: Dataset) -> None:
    assert one.fingerprint == other.fingerprint
    assert (one.as_of, one.horizon, one.dimensions) == (other.as_of, other.horizon, other.dimensions)
    assert one.report == other.report
    assert one.warnings == other.warnings
    pd.testing.assert_frame_equal(one.facts(), other.facts(), check_exact=True)
    pd.testing.assert_frame_equal(one.cells(), other.cells(), check_exact=True)
    assert one.policy_changes() == other.policy_changes()
    assert one.context_events() == other.context_events()


@cache
def world() -> World:
    return World(WorldConfig(scenario="batching", orders_per_day=400, days=9, seed=5))


def worlds_dataset(engine: EngineChoice) -> Dataset:
    run = world().run()
    return Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)), engine=engine)


def test_threads_do_not_matter() -> None:
    assert_same(worlds_dataset(EngineChoice(threads=1)), worlds_dataset(EngineChoice(threads=2)))


def test_postgres_says_the_same_of_a_world(postgres: EngineChoice) -> None:
    here, there = worlds_dataset(EngineChoice(threads=1)), worlds_dataset(postgres)
    assert_same(here, there)
    earlier = here.as_of.replace(hour=1)
    pd.testing.assert_frame_equal(here.at(earlier).cells(), there.at(earlier).cells(), check_exact=True)
    pd.testing.assert_frame_equal(here.supply(), there.supply(), check_exact=True)
    pd.testing.assert_frame_equal(here.inventory(), there.inventory(), check_exact=True)


def test_postgres_says_the_same_of_small_tables(frames: Frames, postgres: EngineChoice) -> None:
    assert_same(
        Dataset.from_frames(frames, mapping=ZONES, as_of=LATER),
        Dataset.from_frames(frames, mapping=ZONES, as_of=LATER, engine=postgres),
    )


def test_postgres_puts_the_same_rows_aside(
    frames: Frames, change: Callable[..., Frames], postgres: EngineChoice
) -> None:
    broken = change("deliveries", "dasher_wait", 0, -1)
    broken["deliveries"] = pd.concat([broken["deliveries"], broken["deliveries"].iloc[[1, 1]]])
    broken["items"] = change("items", "order_id", 3, "zz")["items"]
    broken["policy_changes"] = change("policy_changes", "scope", 0, "[1]")["policy_changes"]
    here = Dataset.from_frames(broken, as_of=LATER)
    assert len(here.quarantine) == 4
    assert_same(here, Dataset.from_frames(broken, as_of=LATER, engine=postgres))


def test_postgres_reads_texts_as_duckdb_does(frames: Frames, tmp_path: Path, postgres: EngineChoice) -> None:
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    wait = frames["deliveries"].assign(dasher_wait=["1e2", " 900 ", "soon", ".5"])
    wait.to_csv(tmp_path / "deliveries.csv", index=False)
    assert_same(
        Dataset.open(tmp_path, mapping=ZONES, as_of=LATER),
        Dataset.open(tmp_path, mapping=ZONES, as_of=LATER, engine=postgres),
    )


def test_postgres_reads_its_own_tables(postgres: EngineChoice) -> None:
    here = worlds_dataset(EngineChoice())
    with psycopg.connect(postgres.url) as connection:
        fill(connection, "shop", world().run().tables)
        connection.commit()
        there = Dataset.connect(EngineChoice("postgres", f"{postgres.url}?schema=shop"), mapping=here.mapping)
        assert there.report.tables[0].origin == "shop.orders"
        assert there.fingerprint == here.fingerprint
        pd.testing.assert_frame_equal(here.facts(), there.facts(), check_exact=True)
        pd.testing.assert_frame_equal(here.cells(), there.cells(), check_exact=True)


def fill(connection: psycopg.Connection, schema: str, frames: Frames) -> None:
    connection.execute(f"CREATE SCHEMA {schema}")
    for name, frame in frames.items():
        kinds = {c: sql_type(frame[c]) for c in frame.columns}
        columns = ", ".join(f'"{c}" {kind}' for c, kind in kinds.items())
        connection.execute(f"CREATE TABLE {schema}.{name} ({columns})")
        with connection.cursor().copy(f"COPY {schema}.{name} FROM STDIN") as copy:
            for row in frame.astype(object).itertuples(index=False):
                copy.write_row([None if pd.isna(value) else value for value in row])


def sql_type(column: pd.Series) -> str:
    name = str(column.dtype)
    if name.startswith("datetime"):
        return "timestamptz"
    return {
        "i": "bigint",
        "I": "bigint",
        "f": "double precision",
        "F": "double precision",
        "b": "boolean",
    }.get(name[0], "text")


def test_an_unreachable_database_is_said_so() -> None:
    with pytest.raises(DataError, match="cannot reach the database"):
        Dataset.from_frames({}, engine=EngineChoice("postgres", "postgresql://127.0.0.1:1/none"))


def test_a_database_needs_an_address(frames: Frames) -> None:
    with pytest.raises(DataError, match="write postgresql://user"):
        Dataset.from_frames(frames, engine=EngineChoice("postgres", "mysql://x"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
# Py4J leaves its sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_spark_says_the_same(tmp_path: Path) -> None:
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("Spark needs Java and the extra: pip install 'cx-fulfillment-agent[spark]'")
    folder = write(world().run(), tmp_path / "world").folder
    assert_same(Dataset.open(folder), Dataset.open(folder, engine=EngineChoice("spark", "local[2]")))


def test_an_engine_that_is_not_installed_is_said_so(frames: Frames, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyspark", "pyspark.sql"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DataError, match=r"CX_ENGINE=spark: .*pip install 'cx-fulfillment-agent\[spark\]'"):
        Dataset.from_frames(frames, engine=EngineChoice("spark"))
