import hashlib
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from data.contracts import TABLES, Column
from data.world import SCENARIOS, World, WorldConfig, WorldRun

_TOUCHES = {"inventory": ("items", "missing_flag"), "eta_model": ("orders", "promised_eta")}
_BRING_CUSTOMERS = {"eta_model", "demand_surge"}
ORDER_TABLES = ("orders", "deliveries", "items", "support_events", "ratings")


def digest(run: WorldRun) -> str:
    rows = [pd.util.hash_pandas_object(frame).to_numpy() for _, frame in sorted(run.tables.items())]
    return hashlib.sha256(b"".join(part.tobytes() for part in rows)).hexdigest()


def inside(world: World, run: WorldRun) -> list[int]:
    """Orders under the fault, by the tables alone."""
    assert world.fault is not None
    assert world.onset is not None
    orders = run.tables["orders"]
    zones = orders["region"].map(dict(run.zones))
    local = pd.concat(
        [part.dt.tz_convert(zone).dt.tz_localize(None) for zone, part in orders["order_time"].groupby(zones)]
    ).sort_index()
    keep = orders["order_time"] >= world.onset
    for name, value in world.fault.scope.values:
        keep &= orders[name] == value
    if world.fault.scope.hour is not None:
        keep &= local.dt.hour.isin(world.fault.scope.hour.hours)
    return [int(order) for order in orders.loc[keep, "order_id"]]


def test_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="known: none, batching, courier_supply, merchant_prep"):
        WorldConfig(scenario="strike")


def test_the_same_configuration_gives_the_same_bytes(faulty: World) -> None:
    assert digest(World(faulty.config).run()) == digest(faulty.run())


def test_another_seed_gives_another_world() -> None:
    first, second = (World(WorldConfig(orders_per_day=200, days=3, seed=seed)).run() for seed in (1, 2))
    assert digest(first) != digest(second)


def test_the_twin_equals_the_world_outside_the_fault(faulty: World) -> None:
    run, twin = faulty.run(), faulty.twin()
    touched = inside(faulty, run)
    assert 0 < len(touched) < len(run.tables["orders"]) / 4
    for name in ORDER_TABLES:
        left, right = run.tables[name], twin.tables[name]
        outside_left, outside_right = (f[~f["order_id"].isin(touched)] for f in (left, right))
        pd.testing.assert_frame_equal(
            outside_left.reset_index(drop=True), outside_right.reset_index(drop=True), check_exact=True
        )
    stock, stock_twin = (r.tables["inventory_events"] for r in (run, twin))
    before = stock["event_time"] < faulty.onset
    pd.testing.assert_frame_equal(stock[before], stock_twin[before])
    assert stock.equals(stock_twin) == (faulty.config.scenario != "inventory")
    pd.testing.assert_frame_equal(run.tables["context_events"], twin.tables["context_events"])


def test_the_twin_differs_within_the_fault(faulty: World) -> None:
    run, twin = faulty.run(), faulty.twin()
    touched = inside(faulty, run)
    table, column = _TOUCHES.get(faulty.config.scenario, ("deliveries", "actual_eta"))
    rows = [r.tables[table] for r in (run, twin)]
    left, right = (r.loc[r["order_id"].isin(touched), column].tolist() for r in rows)
    assert left != right


def test_the_twin_has_the_same_orders(faulty: World) -> None:
    run, twin = faulty.run(), faulty.twin()
    orders, of_twin = (r.tables["orders"]["order_id"] for r in (run, twin))
    assert set(of_twin) <= set(orders)
    assert orders.equals(of_twin) == (faulty.config.scenario not in _BRING_CUSTOMERS)


def test_a_world_without_a_fault_is_its_own_twin(none: World) -> None:
    assert none.fault is None
    assert none.onset is None
    assert none.end is None
    assert digest(none.run()) == digest(none.twin())


def test_fault_begins_at_local_midnight_of_the_third_watched_day() -> None:
    world = World(WorldConfig(scenario="batching", orders_per_day=50))
    assert world.onset is not None
    local = pd.Timestamp(world.onset).tz_convert("America/Los_Angeles")
    assert local == pd.Timestamp(date(2026, 1, 5) + timedelta(days=30), tz="America/Los_Angeles")


def test_tables_have_the_columns_of_the_contract(none_run: WorldRun) -> None:
    assert set(none_run.tables) == set(TABLES)
    for name, frame in none_run.tables.items():
        assert list(frame) == [column.name for column in TABLES[name].columns]


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_keep_the_contract(name: str, batching_run: WorldRun) -> None:
    frame, table = batching_run.tables[name], TABLES[name]
    if table.key:
        assert frame[table.key].is_unique
    for column in table.columns:
        check(frame[column.name], column, batching_run)


def check(values: pd.Series, column: Column, run: WorldRun) -> None:
    if column.required:
        assert values.notna().all()
    if column.low is not None:
        assert values.min() >= column.low
    if column.high is not None:
        assert values.max() <= column.high
    if column.references:
        table, key = column.references.split(".")
        assert values.isin(run.tables[table][key]).all()
    expected = {"time": "datetime64[us, UTC]", "flag": "bool", "id": "int64", "category": "str"}
    if column.type in expected:
        assert str(values.dtype) == expected[column.type]


def test_orders_are_numbered_in_order_of_time(none_run: WorldRun) -> None:
    orders = none_run.tables["orders"]
    assert orders["order_id"].is_monotonic_increasing
    assert orders["order_time"].is_monotonic_increasing


def test_a_cancelled_order_never_arrives(none_run: WorldRun) -> None:
    deliveries = none_run.tables["deliveries"]
    canceled = deliveries["canceled_flag"]
    assert canceled.any()
    for name in ("actual_eta", "delivery_time", "pickup_at"):
        assert deliveries[name].isna().equals(canceled)
    assert deliveries["canceled_at"].notna().equals(canceled)
    items = none_run.tables["items"]
    lines = items[items["order_id"].isin(deliveries.loc[canceled, "order_id"])]
    assert not lines[["substituted_flag", "missing_flag"]].any(axis=None)
    assert (lines["refund_amount"] == 0).all()


def test_arrival_is_the_sum_of_its_parts(none_run: WorldRun) -> None:
    frame = none_run.tables["deliveries"].merge(none_run.tables["orders"], on="order_id")
    frame = frame[~frame["canceled_flag"]]
    seconds = (frame["pickup_at"] - frame["order_time"]).dt.total_seconds()
    assert (seconds == frame["merchant_prep_time"] + frame["dasher_wait"]).all()
    assert (frame["order_time"] < frame["assigned_at"]).all()
    assert (frame["assigned_at"] <= frame["pickup_at"]).all()
    assert (frame["pickup_at"] < frame["actual_eta"]).all()
    assert (frame["actual_eta"] < frame["delivery_time"]).all()


def test_batches_are_as_large_as_they_say(batching_run: WorldRun) -> None:
    deliveries = batching_run.tables["deliveries"]
    counted = deliveries.groupby("batch_id")["order_id"].transform("size")
    assert (counted == deliveries["batch_size"]).all()
    assert (deliveries["batched_flag"] == (deliveries["batch_size"] > 1)).all()


def test_refunds_have_a_time_and_only_they(none_run: WorldRun) -> None:
    items = none_run.tables["items"]
    assert (items["refunded_at"].notna() == (items["refund_amount"] > 0)).all()


def test_local_days_are_whole(none_run: WorldRun) -> None:
    orders = none_run.tables["orders"]
    for region, zone in none_run.zones.items():
        days = orders.loc[orders["region"] == region, "order_time"].dt.tz_convert(zone).dt.date
        assert days.min() == date(2026, 1, 5)
        assert days.max() == date(2026, 1, 18)


def test_policy_changes_tell_the_true_one_only_for_batching(faulty: World) -> None:
    assert faulty.onset is not None
    run, twin = faulty.run().tables["policy_changes"], faulty.twin().tables["policy_changes"]
    more = len(run) - len(twin)
    if faulty.config.scenario != "batching":
        assert more == 0
        return
    assert more == 1
    change = run[(run["policy"] == "batching_threshold") & (run["new_value"] == "4")].iloc[0]
    assert change["scope"] == '{"category": "grocery", "hour": {"from": 18, "to": 20}, "region": "SF"}'
    assert (change["old_value"], change["changed_at"]) == ("2", pd.Timestamp(faulty.onset))


def test_tables_do_not_tell_the_truth(faulty: World) -> None:
    run = faulty.run()
    for frame in run.tables.values():
        for values in (frame[name] for name in frame if frame[name].dtype == "str"):
            words = " ".join(values.unique())
            assert not any(word in words for word in ("fault", "scenario", "truth", "twin", "decoy"))


def test_decoys_are_the_same_in_every_scenario() -> None:
    changes = [
        World(WorldConfig(scenario=name, orders_per_day=20, seed=5)).twin().tables["policy_changes"]
        for name in SCENARIOS
    ]
    for other in changes[1:]:
        pd.testing.assert_frame_equal(changes[0], other)


def test_a_world_of_almost_nothing_has_all_tables() -> None:
    run = World(WorldConfig(scenario="batching", days=1, orders_per_day=1, seed=4)).run()
    assert set(run.tables) == set(TABLES)
    assert np.isnan(run.metrics()["rating"])


def test_select_takes_times_and_slices(batching: World, batching_run: WorldRun) -> None:
    assert batching.onset is not None
    everything = batching_run.select()
    before = batching_run.select(end=batching.onset)
    after = batching_run.select(start=batching.onset)
    assert everything.all()
    assert (before ^ after).all()


@pytest.mark.slow
def test_a_million_orders_take_seconds() -> None:
    import time

    begun = time.process_time()
    tables = World(WorldConfig(scenario="batching", orders_per_day=28_600)).run().tables
    assert len(tables["orders"]) > 950_000
    assert time.process_time() - begun < 10  # about 2 s where nothing else runs


def test_a_ticket_is_about_the_worst_that_happened(none_run: WorldRun) -> None:
    tickets = none_run.tables["support_events"].merge(none_run.tables["deliveries"], on="order_id")
    about_cancellation = tickets["issue_type"] == "cancellation"
    assert about_cancellation.equals(tickets["canceled_flag"])
    late = tickets["issue_type"] == "late_delivery"
    orders = none_run.tables["orders"].set_index("order_id").loc[tickets["order_id"]].reset_index()
    assert (tickets["actual_eta"] > orders["promised_eta"])[late].all()


def test_a_world_can_go_on_after_its_watch_window() -> None:
    watched = WorldConfig(scenario="batching", days=35, orders_per_day=200)
    longer = WorldConfig(scenario="batching", days=49, after_days=14, orders_per_day=200)
    assert longer.onset_day == watched.onset_day
    world = World(longer)
    assert world.onset == World(watched).onset
    assert world.end is not None
    assert world.onset is not None
    assert (world.end - world.onset).days == 5 + 14
