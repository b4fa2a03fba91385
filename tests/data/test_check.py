"""Bad input: what it says, and that what is usable is used."""

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import pytest

from data.check import untestable
from data.dataset import Dataset
from data.errors import DataError
from data.mapping import Mapping

Frames = dict[str, pd.DataFrame]
Change = Callable[..., Frames]
LATER = datetime(2026, 2, 1, tzinfo=UTC)


def broken(frames: Frames) -> dict[str, tuple[int, tuple[str, ...]]]:
    report = Dataset.from_frames(frames, as_of=LATER).report
    return {f"{b.table}.{b.column}: {b.rule}": (b.rows, b.examples) for b in report.broken}


def test_check_of_usable_data_is_clean(frames: Frames) -> None:
    report = Dataset.from_frames(frames, as_of=LATER).report
    assert report.clean
    assert {t.table: (t.rows, t.usable) for t in report.tables if t.present}["items"] == (4, 4)
    assert report.model_dump(mode="json")["broken"] == []


def test_check_names_what_is_missing(frames: Frames) -> None:
    del frames["ratings"]
    report = Dataset.from_frames(frames, as_of=LATER).report
    tables = {t.table: t for t in report.tables}
    assert not tables["ratings"].present
    assert tables["deliveries"].missing_columns == ("delivery_time", "batch_id", "assigned_at", "pickup_at")


def test_check_refuses_a_missing_required_column(frames: Frames) -> None:
    frames["deliveries"] = frames["deliveries"].drop(columns="order_id")
    with pytest.raises(
        DataError, match=r"deliveries \(frame\): required column order_id is missing; it has: actual_eta"
    ):
        Dataset.from_frames(frames)


def test_check_refuses_data_without_times(frames: Frames) -> None:
    frames["orders"] = frames["orders"].drop(columns="order_time")
    with pytest.raises(DataError, match="no times at all: the required column order_time is missing"):
        Dataset.from_frames(frames)


def test_check_refuses_times_without_a_zone(frames: Frames) -> None:
    frames["orders"]["order_time"] = frames["orders"]["order_time"].dt.tz_localize(None)
    with pytest.raises(
        DataError,
        match=r"orders.order_time \(frame\): 4 times have no zone, for example '2026-01-01 12:00:00'",
    ):
        Dataset.from_frames(frames)


def test_check_takes_the_zone_of_such_times_from_the_mapping(frames: Frames) -> None:
    only = {"orders": frames["orders"][["order_id", "order_time"]]}
    only["orders"]["order_time"] = frames["orders"]["order_time"].dt.tz_localize(None)
    zoned = Dataset.from_frames(only, mapping=Mapping(naive_times="America/New_York"), as_of=LATER)
    assert zoned.facts()["order_time"].iloc[0] == pd.Timestamp("2026-01-01T17:00Z")


def test_check_refuses_text_times_without_a_zone(frames: Frames) -> None:
    texts = ["2026-01-01 12:00:00", "2026-01-02T07:30:00Z", "2026-01-02T12:00:00+01:00", "2026-01-03"]
    frames["orders"]["order_time"] = texts
    with pytest.raises(
        DataError, match=r"2 times have no zone, for example '2026-01-01 12:00:00'; write them with one"
    ):
        Dataset.from_frames(frames)


def test_check_refuses_a_column_of_another_type(frames: Frames) -> None:
    frames["orders"]["order_time"] = ["x", "y", "z", "2026-01-01T12:00:00Z"]
    with pytest.raises(
        DataError, match=r"orders.order_time \(frame\): is not of type time in 3 of 4 rows, for example 'x'"
    ):
        Dataset.from_frames(frames)


def test_check_refuses_a_number_column_of_words(frames: Frames) -> None:
    frames["deliveries"]["dasher_wait"] = ["long", "longer", "longest", None]
    with pytest.raises(
        DataError, match=r"deliveries.dasher_wait \(frame\): is not of type number in 3 of 4 rows"
    ):
        Dataset.from_frames(frames)


def test_check_refuses_times_that_are_numbers(frames: Frames) -> None:
    frames["orders"]["order_time"] = [1, 2, 3, 4]
    with pytest.raises(DataError, match=r"orders.order_time \(frame\): is not of type time in 4 of 4 rows"):
        Dataset.from_frames(frames)


def test_check_quarantines_single_values_of_another_type(frames: Frames) -> None:
    frames["deliveries"]["dasher_wait"] = ["300", "900", "soon", "50"]
    frames["ratings"]["stars"] = [4.5, 2.0]
    assert broken(frames) == {
        "deliveries.dasher_wait: type": (1, ("order_id=c: dasher_wait=soon",)),
        "ratings.stars: type": (1, ("rating_id=1: stars=4.5",)),
    }


@pytest.mark.parametrize(
    ("table", "column", "row", "value", "rule", "example"),
    [
        ("deliveries", "dasher_wait", 0, -1, "bounds", "order_id=a: dasher_wait=-1"),
        ("ratings", "stars", 1, 6, "bounds", "rating_id=2: stars=6"),
        ("inventory_events", "in_stock_prob", 0, 1.5, "bounds", "event_id=7: in_stock_prob=1.5"),
        ("items", "order_id", 3, "zz", "reference", "item_id=4: order_id=zz"),
        ("policy_changes", "scope", 0, "{", "scope", "change_id=p2: scope={"),
        ("policy_changes", "scope", 0, "[1]", "scope", "change_id=p2: scope=[1]"),
        ("policy_changes", "scope", 0, '{"hour": 3}', "scope", 'change_id=p2: scope={"hour": 3}'),
        ("policy_changes", "policy", 0, None, "required", "change_id=p2: policy=(empty)"),
        (
            "supply_snapshots",
            "couriers_busy",
            0,
            -3,
            "bounds",
            "region=SF, ts=2026-01-02T00:00:00+00:00: couriers_busy=-3",
        ),
    ],
)
def test_check_quarantines_rows(
    change: Change, table: str, column: str, row: int, value: object, rule: str, example: str
) -> None:
    assert broken(change(table, column, row, value)) == {f"{table}.{column}: {rule}": (1, (example,))}


def test_check_quarantines_times_before_the_order(frames: Frames) -> None:
    frames["deliveries"].loc[1, "actual_eta"] = pd.Timestamp("2026-01-02T07:00Z")
    frames["orders"].loc[0, "promised_eta"] = pd.Timestamp("2026-01-01T11:00Z")
    found = broken(frames)
    assert found["deliveries.actual_eta: before_order"] == (
        1,
        ("order_id=b: actual_eta=2026-01-02T07:00:00+00:00",),
    )
    assert found["orders.promised_eta: before_order"][0] == 1
    assert "items.order_id: reference" not in found, "a broken order still exists"


def test_check_quarantines_events_that_end_before_they_start(frames: Frames) -> None:
    frames["context_events"]["end"] = frames["context_events"]["start"] - pd.Timedelta(hours=1)
    assert list(broken(frames)) == ["context_events.end: interval"]


def test_check_keeps_one_row_of_a_duplicate_key(frames: Frames) -> None:
    frames["orders"] = pd.concat([frames["orders"], frames["orders"].iloc[[1, 1]]])
    other = Dataset.from_frames(frames | {"orders": frames["orders"].iloc[::-1]}, as_of=LATER)
    dataset = Dataset.from_frames(frames, as_of=LATER)
    assert broken(frames) == {"orders.order_id: duplicate_key": (2, ("order_id=b",))}
    assert len(dataset.facts()) == 4
    assert dataset.fingerprint == other.fingerprint


def test_check_keeps_the_good_copy_of_a_broken_duplicate(frames: Frames) -> None:
    bad = frames["deliveries"].iloc[[0]].assign(dasher_wait=-5)
    frames["deliveries"] = pd.concat([bad, frames["deliveries"]])
    assert list(broken(frames)) == ["deliveries.dasher_wait: bounds"]


def test_check_counts_what_it_leaves_out(frames: Frames, change: Change) -> None:
    dataset = Dataset.from_frames(change("deliveries", "dasher_wait", 0, -1), as_of=LATER)
    assert dataset.quarantine == {"deliveries.dasher_wait: bounds": 1}
    assert "1 of the rows of deliveries break a rule and are left out" in dataset.warnings
    assert dataset.facts()["fulfilled"].sum() == 1


def test_check_gives_three_examples_at_most(frames: Frames) -> None:
    frames["deliveries"]["dasher_wait"] = -1
    assert len(broken(frames)["deliveries.dasher_wait: bounds"][1]) == 3


def test_check_refuses_orders_none_of_which_is_usable(frames: Frames) -> None:
    frames["orders"]["basket_value"] = -1.0
    with pytest.raises(
        DataError, match=r"none of 4 rows is usable; in 4 basket_value lies outside 0 and above"
    ):
        Dataset.from_frames(frames)


def test_check_refuses_orders_without_rows(frames: Frames) -> None:
    frames["orders"] = frames["orders"].head(0)
    with pytest.raises(DataError, match="the table has no rows"):
        Dataset.from_frames(frames)


def test_check_counts_empty_columns_and_tables_as_absent(frames: Frames) -> None:
    frames["deliveries"]["batched_flag"] = None
    frames["ratings"] = frames["ratings"].head(0)
    dataset = Dataset.from_frames(frames, as_of=LATER)
    assert not dataset.has("deliveries.batched_flag")
    assert not dataset.has("ratings")
    assert "deliveries.batched_flag has no values and counts as absent" in dataset.warnings
    assert "ratings has no usable rows and counts as absent" in dataset.warnings


def test_untestable_names_the_first_thing_absent(frames: Frames) -> None:
    del frames["ratings"]
    dataset = Dataset.from_frames(frames, as_of=LATER)
    needs = {
        "courier_supply": ("supply_snapshots",),
        "eta_model": ("orders.promised_eta", "deliveries.assigned_at"),
        "mood": ("ratings", "ratings.stars"),
    }
    assert untestable(dataset, needs) == {
        "eta_model": "no column deliveries.assigned_at",
        "mood": "no table ratings",
    }
