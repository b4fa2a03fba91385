from pathlib import Path

import pandas as pd
import pytest

from data.errors import DataError
from server.datasets import IN_ENGINE, open_data
from server.errors import ConfigurationError
from server.settings import Settings, load


def test_a_folder_is_opened_on_the_engine_of_the_settings(tmp_path: Path) -> None:
    placed = pd.date_range("2026-01-01T00:00Z", periods=48, freq="h", unit="us")
    frame = pd.DataFrame({"order_id": range(48), "order_time": placed})
    frame.to_parquet(tmp_path / "orders.parquet")
    assert len(open_data(Settings(_env_file=None), tmp_path).facts()) == 48


def test_a_store_of_the_settings_is_filled(tmp_path: Path) -> None:
    placed = pd.date_range("2026-01-01T00:00Z", periods=200, freq="h", unit="us")
    (tmp_path / "data").mkdir()
    frame = pd.DataFrame({"order_id": range(200), "order_time": placed})
    frame.to_parquet(tmp_path / "data" / "orders.parquet")
    open_data(Settings(_env_file=None, cell_store=tmp_path / "store"), tmp_path / "data").cells()
    assert list((tmp_path / "store").rglob("cells-*/*.parquet"))


def test_duckdb_has_no_tables_of_its_own() -> None:
    with pytest.raises(DataError, match="no table orders in the database of CX_ENGINE_URL"):
        open_data(Settings(_env_file=None), IN_ENGINE)


def test_postgres_needs_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CX_ENGINE", "postgres")
    with pytest.raises(ConfigurationError, match="CX_ENGINE=postgres needs CX_ENGINE_URL"):
        load()
    chosen = load(engine_url="postgresql://user:secret@127.0.0.1/shop")
    assert chosen.engine_choice.url == "postgresql://user:secret@127.0.0.1/shop"
    assert "secret" not in repr(chosen)
