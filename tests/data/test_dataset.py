from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from data.dataset import ContextEvent, Dataset, PolicyChange
from data.errors import DataError, NotTestableError
from data.mapping import Mapping
from data.slices import Slice

Frames = dict[str, pd.DataFrame]
LATER = datetime(2026, 2, 1, tzinfo=UTC)
ZONES = Mapping(zones={"SF": "America/Los_Angeles", "NY": "America/New_York"})


def hourly(days: float, **columns: object) -> Frames:
    placed = pd.date_range("2026-01-01T08:00Z", periods=int(days * 24), freq="h", unit="us")
    return {"orders": pd.DataFrame({"order_id": range(len(placed)), "order_time": placed, **columns})}


def test_as_of_defaults_to_the_newest_closed_day() -> None:
    assert Dataset.from_frames(hourly(3)).as_of == datetime(2026, 1, 4, 3, tzinfo=UTC)


def test_as_of_leaves_out_a_day_that_was_cut_off() -> None:
    assert Dataset.from_frames(hourly(2.9)).as_of == datetime(2026, 1, 4, 3, tzinfo=UTC)
    assert Dataset.from_frames(hourly(2.5)).as_of == datetime(2026, 1, 3, 3, tzinfo=UTC)


def test_as_of_waits_for_the_latest_zone() -> None:
    frames = hourly(4)
    frames["orders"]["region"] = ["SF", "NY"] * 48
    assert Dataset.from_frames(frames, mapping=ZONES).as_of == datetime(2026, 1, 5, 11, tzinfo=UTC)


def test_as_of_of_one_short_day_is_its_end() -> None:
    assert Dataset.from_frames(hourly(0.2)).as_of == datetime(2026, 1, 2, 3, tzinfo=UTC)


def test_as_of_needs_a_zone(frames: Frames) -> None:
    with pytest.raises(DataError, match=r"times need a zone"):
        Dataset.from_frames(frames, as_of=datetime(2026, 1, 2))  # noqa: DTZ001
    with pytest.raises(DataError, match=r"times need a zone"):
        Dataset.from_frames(frames).at(datetime(2026, 1, 2))  # noqa: DTZ001


def test_at_before_the_first_order_says_what_the_data_span(frames: Frames) -> None:
    expected = (
        "no orders before 2025-01-01T00:00:00.00:00: the data span 2026-01-01T12:00:00.00:00 to 2026-01-03"
    )
    with pytest.raises(DataError, match=expected):
        Dataset.from_frames(frames).at(datetime(2025, 1, 1, tzinfo=UTC))


def test_at_shares_the_content_but_not_the_view(frames: Frames) -> None:
    dataset = Dataset.from_frames(frames, as_of=LATER)
    earlier = dataset.at(datetime(2026, 1, 2, 13, tzinfo=UTC))
    assert earlier.fingerprint == dataset.fingerprint
    assert (len(earlier.facts()), len(dataset.facts())) == (3, 4)
    assert earlier.as_of == datetime(2026, 1, 2, 13, tzinfo=UTC)


def test_horizon_is_the_newest_event(frames: Frames) -> None:
    assert Dataset.from_frames(frames).horizon == datetime(2026, 1, 10, 8, tzinfo=UTC)


def test_dimensions_with_few_values_come_first(frames: Frames) -> None:
    frames["orders"]["store_id"] = ["s1", "s2", "s3", "s4"]
    frames["orders"]["category"] = ["x", "y", "z", "x"]
    dataset = Dataset.from_frames(frames, as_of=LATER)
    assert dataset.dimensions == ("region", "category", "store_id")


def test_dimensions_leave_out_a_column_that_renames_another(frames: Frames) -> None:
    frames["orders"]["store_id"] = ["s1", "s1", "s2", "s2"]
    dataset = Dataset.from_frames(frames, as_of=LATER)
    assert dataset.dimensions == ("region", "category")
    assert "store_id" in dataset.facts()
    assert "store_id" not in dataset.cells()


def test_extra_dimensions_come_from_the_mapping(frames: Frames) -> None:
    frames["orders"]["tier"] = ["gold", "basic", "basic", "basic"]
    dataset = Dataset.from_frames(frames, mapping=Mapping(dimensions={"level": "tier"}), as_of=LATER)
    assert "level" in dataset.dimensions
    assert dataset.facts()["level"].tolist() == ["gold", "basic", "basic", "basic"]


def test_dataset_without_dimensions_has_cells() -> None:
    cells = Dataset.from_frames(hourly(2), as_of=LATER).cells()
    assert list(cells.columns) == ["day", "hour", "orders"]
    assert cells["orders"].sum() == 48


def test_require_names_what_is_absent(frames: Frames) -> None:
    dataset = Dataset.from_frames({"orders": frames["orders"]}, as_of=LATER)
    dataset.require("orders", "orders.promised_eta")
    with pytest.raises(NotTestableError, match=r"no column deliveries.batched_flag"):
        dataset.require("orders", "deliveries.batched_flag")
    with pytest.raises(NotTestableError, match=r"no table supply_snapshots"):
        dataset.supply()


def test_policy_changes_made_before_the_time_are_known(frames: Frames) -> None:
    dataset = Dataset.from_frames(frames, as_of=LATER)
    first, second = dataset.policy_changes()
    assert first == PolicyChange(
        "p1",
        "batching_threshold",
        Slice.parse({"region": "SF", "hour": {"from": 18, "to": 20}}),
        datetime(2026, 1, 1, tzinfo=UTC),
        "2",
        "4",
    )
    assert second.scope == Slice()
    assert len(dataset.at(datetime(2026, 1, 1, 13, tzinfo=UTC)).policy_changes()) == 1


def test_scopes_may_be_objects(frames: Frames) -> None:
    frames["policy_changes"]["scope"] = pd.Series([{"region": "SF"}, {"category": "x"}], dtype=object)
    changes = Dataset.from_frames(frames, as_of=LATER).policy_changes()
    assert [c.scope for c in changes] == [Slice.parse({"category": "x"}), Slice.parse({"region": "SF"})]


def test_context_events_are_parsed(frames: Frames) -> None:
    assert Dataset.from_frames(frames, as_of=LATER).context_events() == (
        ContextEvent(
            "weather",
            Slice.parse({"region": "NY"}),
            datetime(2026, 1, 2, tzinfo=UTC),
            datetime(2026, 1, 2, 6, tzinfo=UTC),
            2.0,
        ),
    )


def test_data_without_changes_have_none(frames: Frames) -> None:
    dataset = Dataset.from_frames({"orders": frames["orders"]}, as_of=LATER)
    assert dataset.policy_changes() == ()
    assert dataset.context_events() == ()


def test_supply_and_inventory_are_sorted_by_time(frames: Frames) -> None:
    dataset = Dataset.from_frames(frames, as_of=LATER)
    assert dataset.supply()["region"].tolist() == ["NY", "SF"]
    assert dataset.supply()["couriers_online"].tolist() == [20, 10]
    assert dataset.inventory()["event_id"].tolist() == ["6", "7"]
    assert str(dataset.supply()["ts"].dtype) == "datetime64[us, UTC]"
    asked = dataset.queries
    assert dataset.supply() is dataset.supply()
    assert dataset.inventory() is dataset.inventory()
    assert dataset.queries == asked, "they are read once"


def test_warnings_say_what_has_no_time(frames: Frames) -> None:
    frames["items"] = frames["items"].drop(columns="refunded_at")
    warnings = Dataset.from_frames(frames, as_of=LATER).warnings
    assert "refunds have no event time (items.refunded_at)" in warnings[0]
    assert "the mapping names no time zones; local days and hours are those of UTC" in warnings
    assert warnings[-1].startswith("arrivals later than 3 h after the order count as unknown: 1 (33.33%)")


def test_unknown_table_name_is_refused(frames: Frames) -> None:
    with pytest.raises(ValueError, match=r"no table is called 'order'; known: orders"):
        Dataset.from_frames({"order": frames["orders"]})


def test_no_orders_among_the_frames(frames: Frames) -> None:
    with pytest.raises(DataError, match=r"no table `orders` among the frames: items"):
        Dataset.from_frames({"items": frames["items"]})


def test_mixed_column_is_refused(frames: Frames) -> None:
    frames["orders"]["category"] = [1, "x", 2.5, None]
    with pytest.raises(DataError, match=r"orders: a column holds values of several kinds"):
        Dataset.from_frames(frames)


def test_one_dataset_serves_several_threads(frames: Frames) -> None:
    dataset = Dataset.from_frames(frames, mapping=ZONES, as_of=LATER)
    times = [datetime(2026, 1, 2 + i % 5, 13, tzinfo=UTC) for i in range(20)]
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda at: len(dataset.at(at).facts()), times))
    assert sizes == [{2: 3}.get(at.day, 4) for at in times]


@pytest.fixture
def folder(frames: Frames, tmp_path: Path) -> Path:
    for name, frame in frames.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def test_fingerprint_does_not_depend_on_format_or_order(
    frames: Frames, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    csv = tmp_path_factory.mktemp("csv")
    for name, frame in frames.items():
        shuffled = frame.sample(frac=1, random_state=3)[sorted(frame.columns, reverse=True)]
        shuffled.to_csv(csv / f"{name}.csv.gz", index=False)
    prints = {
        Dataset.from_frames(frames).fingerprint,
        Dataset.open(folder).fingerprint,
        Dataset.open(csv).fingerprint,
    }
    assert len(prints) == 1


@pytest.mark.parametrize(
    ("table", "column", "row", "value"),
    [
        ("orders", "region", 0, "NY"),
        ("deliveries", "distance", 0, 1.500001),
        ("deliveries", "batched_flag", 1, True),
        ("ratings", "stars", 0, 4),
    ],
)
def test_fingerprint_depends_on_every_cell(
    frames: Frames, change: object, table: str, column: str, row: int, value: object
) -> None:
    changed = change(table, column, row, value)  # type: ignore[operator]  # a fixture
    assert Dataset.from_frames(changed).fingerprint != Dataset.from_frames(frames).fingerprint


def test_fingerprint_tells_swapped_cells_apart(frames: Frames) -> None:
    swapped = frames["deliveries"].copy()
    swapped["distance"] = swapped["distance"].iloc[[1, 0, 2, 3]].to_numpy()
    changed = frames | {"deliveries": swapped}
    assert Dataset.from_frames(changed).fingerprint != Dataset.from_frames(frames).fingerprint


def test_fingerprint_depends_on_what_columns_mean(frames: Frames) -> None:
    named = Mapping(name="other", notes=("n",))
    assert Dataset.from_frames(frames, mapping=named).fingerprint == Dataset.from_frames(frames).fingerprint
    assert Dataset.from_frames(frames, mapping=ZONES).fingerprint != Dataset.from_frames(frames).fingerprint
