"""With a store everything is as without, whatever comes in which order."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from data.daily import Stretch
from data.dataset import Dataset
from data.day_cells import _DayCells, _Sum
from data.errors import DataError
from data.mapping import Family, Mapping
from data.world import World, WorldConfig

Frames = dict[str, pd.DataFrame]
DAYS = 6
ZONES = Mapping(default_zone="America/New_York")


@cache
def tables() -> Frames:
    """A small world whose ids are numbers that grow with time."""
    run = World(WorldConfig(days=DAYS, orders_per_day=120, seed=4)).run()
    frames = {
        name: frame
        for name, frame in run.tables.items()
        if name not in ("supply_snapshots", "context_events")
    }
    orders = frames["orders"].sort_values(["order_time", "order_id"], ignore_index=True)
    numbers = {old: i for i, old in enumerate(orders["order_id"])}
    found = {"orders": orders.assign(order_id=range(len(orders)))}
    for name, frame in frames.items():
        if name == "orders":
            continue
        copy = frame.assign(order_id=frame["order_id"].map(numbers)) if "order_id" in frame else frame
        key = {"items": "item_id", "support_events": "ticket_id", "ratings": "rating_id"}.get(name)
        if "order_id" in copy:
            copy = copy.sort_values("order_id", kind="stable", ignore_index=True)
        found[name] = copy.assign(**{key: range(len(copy))}) if key else copy
    del found["policy_changes"], found["inventory_events"]
    return found


def add(folder: Path, part: str, cuts: dict[str, tuple[int, int]]) -> None:
    for name, (first, last) in cuts.items():
        rows = tables()[name].iloc[first:last]
        if len(rows):
            (folder / name).mkdir(parents=True, exist_ok=True)
            rows.to_parquet(folder / name / f"{part}.parquet", index=False)


def cut(*orders: int, lag: int = 0) -> list[dict[str, tuple[int, int]]]:
    """Parts: orders up to each number, their outcomes only up to `lag` orders before it until the last part."""
    total = len(tables()["orders"])
    parts, before = [], dict.fromkeys(tables(), 0)
    for i, end in enumerate([*orders, total]):
        part = {}
        for name, frame in tables().items():
            known = end if name == "orders" or i == len(orders) else max(end - lag, 0)
            last = int((frame["order_id"] < known).sum())
            part[name] = (before[name], max(last, before[name]))
            before[name] = part[name][1]
        parts.append(part)
    return parts


def assert_same(folder: Path, store: Path, as_of: datetime | None = None) -> Dataset:
    with_store = Dataset.open(folder, mapping=ZONES, store=store, as_of=as_of)
    without = Dataset.open(folder, mapping=ZONES, as_of=as_of)
    pd.testing.assert_frame_equal(with_store.cells(), without.cells(), check_exact=True)
    assert with_store.fingerprint == without.fingerprint
    assert (with_store.as_of, with_store.dimensions) == (without.as_of, without.dimensions)
    assert with_store.report == without.report
    pd.testing.assert_frame_equal(with_store.facts(), without.facts(), check_exact=True)
    return with_store


def summed(folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, ...], int]:
    """How many days are summed anew, by the families of outcomes."""
    counted: dict[tuple[str, ...], int] = {}
    original = _DayCells._sum

    def spy(self: _DayCells, stretch: Stretch, families: tuple[Family, ...]) -> _Sum:
        counted[families] = counted.get(families, 0) + len(stretch.days)
        return original(self, stretch, families)

    monkeypatch.setattr(_DayCells, "_sum", spy)
    Dataset.open(folder, mapping=ZONES, store=store).cells()
    monkeypatch.undo()
    return counted


total_orders = st.integers(1, 600)


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(ends=st.lists(total_orders, min_size=1, max_size=2, unique=True), lag=st.integers(0, 200))
def test_cells_are_the_same_however_the_data_came(ends: list[int], lag: int) -> None:
    with TemporaryDirectory() as scratch:
        folder, store = Path(scratch, "data"), Path(scratch, "store")
        for i, part in enumerate(cut(*sorted(ends), lag=lag)):
            add(folder, f"part-{i}", part)
            assert_same(folder, store)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, part in enumerate(cut(300)):
        add(tmp_path / "data", f"part-{i}", part)
    return tmp_path / "data"


def test_a_second_look_sums_only_what_can_change(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    first = summed(folder, store, monkeypatch)
    assert sum(first.values()) >= DAYS
    assert ("delivery", "refund", "support", "rating") in first
    again = summed(folder, store, monkeypatch)
    assert sum(again.values()) <= 5
    assert ("delivery", "refund", "support", "rating") not in again, (
        "only the newest days, or one family of older ones"
    )


def test_new_tickets_are_all_that_is_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    summed(folder, store, monkeypatch)
    before = summed(folder, store, monkeypatch)
    known = pd.read_parquet(folder / "support_events" / "part-1.parquet")
    # Of the day before the last: its arrivals and tickets are final, its ratings are not.
    tickets = known[known["order_id"].between(500, 580)].head(1)
    tickets.assign(ticket_id=10**6).to_parquet(folder / "support_events" / "part-9.parquet", index=False)
    after = summed(folder, store, monkeypatch)
    new = {families: days - before.get(families, 0) for families, days in after.items()}
    # The day's ratings are still open, and summed with them.
    assert {families for families, days in new.items() if days > 0} == {("support", "rating")}
    assert_same(folder, store)


def test_an_earlier_time_is_summed_by_itself(folder: Path, tmp_path: Path) -> None:
    assert_same(folder, tmp_path / "store")
    start = tables()["orders"]["order_time"].iloc[0].to_pydatetime()
    assert_same(folder, tmp_path / "store", as_of=start.astimezone(UTC) + pd.Timedelta(days=3))


def test_a_later_time_sums_nothing_twice(folder: Path, tmp_path: Path) -> None:
    later = tables()["orders"]["order_time"].iloc[-1].to_pydatetime().astimezone(UTC) + pd.Timedelta(days=9)
    assert_same(folder, tmp_path / "store", as_of=later)
    assert_same(folder, tmp_path / "store", as_of=later)


def test_a_changed_file_leads_to_a_fresh_start(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert_same(folder, tmp_path / "store")
    path = folder / "deliveries" / "part-0.parquet"
    frame = pd.read_parquet(path)
    frame.assign(canceled_flag=~frame["canceled_flag"]).to_parquet(path, index=False)
    with caplog.at_level(logging.WARNING):
        assert_same(folder, tmp_path / "store")
    assert "everything is read again" in caplog.text


def test_broken_and_repeated_rows_are_seen_in_new_files(folder: Path, tmp_path: Path) -> None:
    assert_same(folder, tmp_path / "store")
    first = pd.read_parquet(folder / "deliveries" / "part-0.parquet").head(3)
    first.to_parquet(folder / "deliveries" / "part-9.parquet", index=False)
    assert assert_same(folder, tmp_path / "store").quarantine == {"deliveries.order_id: duplicate_key": 3}
    bad = first.assign(order_id=[10**9, 10**9 + 1, 10**9 + 2])
    bad.to_parquet(folder / "deliveries" / "part-9.parquet", index=False)
    assert assert_same(folder, tmp_path / "store").quarantine == {"deliveries.order_id: reference": 3}


def flipped(content: bytes) -> bytes:
    """With a page spoilt and the footer as it was: seen only when the rows are read."""
    return content[:60] + bytes(255 - byte for byte in content[60:90]) + content[90:]


@pytest.mark.parametrize("damaged", [lambda _: b"", lambda _: b"PAR1 not really PAR1", flipped])
def test_a_damaged_file_is_made_again(
    folder: Path, tmp_path: Path, damaged: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "store"
    assert_same(folder, store)
    paths = [*store.glob("*/cells-*/*.parquet"), *store.glob("*/snapshot.parquet")]
    assert len(paths) > DAYS // 2
    for path in (paths[0], paths[-1]):
        path.write_bytes(damaged(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert_same(folder, store)
    assert "is damaged; it is made again" in caplog.text
    assert not [path for path in store.rglob(".*") if path.is_file()], "nothing half written is left"


def test_another_mapping_has_cells_of_its_own(folder: Path, tmp_path: Path) -> None:
    assert_same(folder, tmp_path / "store")
    late = Mapping.model_validate({"on_time": {"late_s": 60}})
    found = Dataset.open(folder, mapping=late, store=tmp_path / "store").cells()
    pd.testing.assert_frame_equal(found, Dataset.open(folder, mapping=late).cells())


def test_files_that_change_under_an_open_dataset_are_refused(folder: Path, tmp_path: Path) -> None:
    dataset = Dataset.open(folder, mapping=ZONES, store=tmp_path / "store")
    add(folder, "part-0", cut(200)[0])
    with pytest.raises(DataError, match="has changed while it was being used"):
        dataset.facts()
