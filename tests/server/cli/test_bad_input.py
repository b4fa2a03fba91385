"""Whatever is wrong with the input, the answer names it, the exit code tells its kind, and nothing is left behind."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.server.cli.conftest import Cx

Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def _spoil(folder: Path, table: str, change: Spoil) -> None:
    path = folder / f"{table}.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)


def test_missing_folder(cx: Cx, tmp_path: Path) -> None:
    ended = cx("detect", "--data", tmp_path / "nowhere")
    assert (ended.code, ended.out) == (4, "")
    assert "no such folder" in ended.err


def test_folder_without_orders_names_what_was_looked_for(cx: Cx, tmp_path: Path) -> None:
    ended = cx("data", "check", tmp_path)
    assert ended.code == 4
    assert "no table `orders`" in ended.err


def test_empty_file(cx: Cx, tables: Path) -> None:
    (tables / "orders.csv").write_bytes(b"")
    ended = cx("detect", "--data", tables)
    assert ended.code == 4
    assert "the file is empty" in ended.err


@pytest.mark.parametrize("column", ["order_id", "order_time"])
def test_missing_required_column(cx: Cx, tables: Path, column: str) -> None:
    _spoil(tables, "orders", lambda rows: rows.drop(columns=column))
    ended = cx("detect", "--data", tables)
    assert ended.code == 4
    assert column in ended.err


def test_wrong_type_is_counted_with_examples(cx: Cx, tables: Path) -> None:
    _spoil(tables, "orders", lambda rows: rows.assign(basket_value=["much"] * 5 + ["12.5"] * (len(rows) - 5)))
    ended = cx("data", "check", tables, "--json")
    broken = json.loads(ended.out)["broken"]
    rule = next(b for b in broken if b["column"] == "basket_value")
    assert rule["rows"] == 5
    assert "much" in str(rule["examples"])


def test_duplicate_keys_are_quarantined_and_counted(cx: Cx, tables: Path) -> None:
    _spoil(tables, "orders", lambda rows: pd.concat([rows, rows.head(7)]))
    report = json.loads(cx("data", "check", tables, "--json").out)
    rule = next(b for b in report["broken"] if b["table"] == "orders")
    assert rule["rows"] == 7
    orders = next(t for t in report["tables"] if t["table"] == "orders")
    assert orders["rows"] - orders["usable"] == 7


def test_negative_durations(cx: Cx, tables: Path) -> None:
    def negative(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[:2, "dasher_wait"] = -60
        return rows

    _spoil(tables, "deliveries", negative)
    report = json.loads(cx("data", "check", tables, "--json").out)
    rule = next(b for b in report["broken"] if b["column"] == "dasher_wait")
    assert rule["rows"] == 3
    assert len(rule["examples"]) == 3


def test_times_without_a_zone_are_refused(cx: Cx, tables: Path) -> None:
    _spoil(tables, "orders", lambda rows: rows.assign(order_time=rows["order_time"].str.slice(0, 19)))
    ended = cx("detect", "--data", tables)
    assert ended.code == 4
    assert "zone" in ended.err


def test_one_day_only(cx: Cx, tables: Path) -> None:
    _spoil(tables, "orders", lambda rows: rows.head(1_200))
    ended = cx("detect", "--data", tables)
    assert ended.code == 4
    assert "closed day" in ended.err


def test_no_orders_before_the_as_of_time(cx: Cx, world: Path) -> None:
    ended = cx("investigate", "--data", world, "--as-of", "2001-01-01T00:00Z", "--out", world / "never")
    assert ended.code == 4
    assert "no orders before" in ended.err
    assert not (world / "never").exists()


def test_as_of_without_a_zone(cx: Cx, world: Path) -> None:
    ended = cx("detect", "--data", world, "--as-of", "2026-01-20T00:00")
    assert ended.code == 2
    assert "append Z" in ended.err


def test_unknown_incident_lists_the_known_ones(cx: Cx, world: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    ended = cx("investigate", "--data", world, "--incident", "inc-0", "--out", out)
    assert (ended.code, ended.out) == (2, "")
    assert "no incident 'inc-0'" in ended.err
    assert not out.exists()


def test_unknown_scenario_leaves_no_folder(cx: Cx, tmp_path: Path) -> None:
    ended = cx("data", "generate", "--scenario", "volcano", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "known: none, batching" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_mapping_of_an_absent_column(cx: Cx, world: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "name: m\ntables:\n  orders:\n    source: orders.parquet\n    columns: {region: town}\n"
    )
    ended = cx("detect", "--data", world, "--mapping", mapping)
    assert ended.code == 4
    assert "there is no column 'town'" in ended.err


def test_a_command_that_is_not_built_says_so(cx: Cx) -> None:
    ended = cx("risk", "train", "--anything")
    assert ended.code == 5
    assert "not built yet" in ended.err
