from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from data.world import World, WorldConfig
from data.world.export import write
from server.cli.app import run


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Cx = Callable[..., Ended]


@pytest.fixture
def cx(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Cx:
    """Runs a command line in this process, with a state of its own."""
    monkeypatch.setenv("CX_STATE_DIR", str(tmp_path_factory.mktemp("state")))

    def call(*arguments: object) -> Ended:
        code = run([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return Ended(code, shown.out, " ".join(shown.err.split()))

    return call


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world in which couriers go missing, as a folder of Parquet files."""
    config = WorldConfig(scenario="courier_supply", days=24, orders_per_day=1_500, seed=7, size=0.6)
    return write(World(config).run(), tmp_path_factory.mktemp("worlds") / "world").folder


@pytest.fixture
def tables(world: Path, tmp_path: Path) -> Path:
    """The orders and deliveries of four of its days, as CSV files that a test may spoil."""
    folder = tmp_path / "tables"
    folder.mkdir()
    orders = pd.read_parquet(world / "orders.parquet").head(4_000)
    deliveries = pd.read_parquet(world / "deliveries.parquet")
    orders.to_csv(folder / "orders.csv", index=False)
    deliveries[deliveries["order_id"].isin(orders["order_id"])].to_csv(folder / "deliveries.csv", index=False)
    return folder
