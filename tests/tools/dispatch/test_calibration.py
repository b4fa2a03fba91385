"""What is fitted, against what the world really did, and with less to fit to."""

import numpy as np
import pandas as pd
import pytest

from data.world.catalog import CATEGORIES
from tests.tools.dispatch.cases import batching, short_of_couriers
from tools.dispatch.calibration import calibrate
from tools.dispatch.kernel import UNLIMITED
from tools.dispatch.pool import _instrumented
from tools.errors import ToolFailure


def test_mechanisms_are_found_as_they_were() -> None:
    case, fleet, fitted = batching()
    found = fitted.parameters
    orders, fleets = case.run.journey.orders, case.run.journey.fleets
    own = case.run.select(case.where, None, case.window.start)
    two = own & (orders.batch_size == 2)
    alone = own & (orders.batch_size == 1)
    assert found.wait_per_extra_s == pytest.approx(orders.batch_wait_s[two].mean(), rel=0.05)
    assert found.wait_spread == pytest.approx(np.log(orders.batch_wait_s[two]).std(), abs=0.03)
    waited = found.approach_s + 0.5 * orders.assign_s[alone].mean()
    assert waited >= orders.assign_s[alone].mean()
    work = (1 + 0.5 * (orders.batch_size - 1)) / orders.batch_size
    before = orders.time < case.window.start.timestamp()
    by_hour = fleets.busy.reshape(-1, len(CATEGORIES)).sum(axis=1)
    busy = by_hour[np.unique(orders.cell[before] // len(CATEGORIES))].sum()
    assert found.service_s == pytest.approx(3600 * busy / work[before].sum(), rel=0.02)
    assert fleet.changed_level == 4
    assert fleet.usual_level == 2
    assert fleet.missing == ()
    assert 0.5 < found.crowding < 2.0


def test_the_same_seed_and_days_give_the_same_parameters() -> None:
    _, fleet, fitted = batching()
    assert calibrate(fleet, seed=7).parameters == fitted.parameters
    days = np.unique(fleet.rows["day"].to_numpy()[~fleet.during])
    other = calibrate(fleet, seed=7, days=np.random.default_rng(1).choice(days, len(days)))
    assert other.parameters != fitted.parameters
    assert other.parameters.wait_per_extra_s == pytest.approx(fitted.parameters.wait_per_extra_s, rel=0.1)


@pytest.mark.slow
def test_couriers_are_the_fleets_part_of_those_online() -> None:
    case, fleet, _ = short_of_couriers()
    cells = case.run.draws.grid.select(case.where)
    hours = case.run.journey.fleets.couriers.reshape(-1, len(CATEGORIES)).sum(axis=1)
    seen = fleet.couriers.online[fleet.measured].mean()
    assert seen == pytest.approx(hours[cells.reshape(-1, len(CATEGORIES)).any(axis=1)].mean(), rel=0.1)
    assert fleet.couriers.load_ratio > 1.1


def test_without_snapshots_nobody_queues_and_it_is_said() -> None:
    fleet = batching().case.with_tables(supply_snapshots=None).fleet()
    found = calibrate(fleet, seed=7).parameters
    assert fleet.missing == ("supply_snapshots.couriers_busy",)
    assert set(fleet.couriers.online) == {UNLIMITED}
    assert (found.service_s, found.crowding, found.blocked_share) == (0.0, 0.0, 0.0)
    assert found.approach_s == pytest.approx(batching().fitted.parameters.approach_s, rel=0.1)


@pytest.mark.slow
def test_without_batch_sizes_every_batch_is_one_of_two() -> None:
    deliveries = batching().case.run.tables["deliveries"].drop(columns=["batch_size"])
    fleet = batching().case.with_tables(deliveries=deliveries).fleet()
    assert "deliveries.batch_size" in fleet.missing
    assert fleet.rows["extra"].max() == 1
    found = calibrate(fleet, seed=7).parameters
    assert found.wait_per_extra_s == pytest.approx(batching().fitted.parameters.wait_per_extra_s, rel=0.05)


@pytest.mark.slow
def test_times_that_overlap_are_refused() -> None:
    deliveries = batching().case.run.tables["deliveries"]
    longer = deliveries.assign(merchant_prep_time=deliveries["merchant_prep_time"] + 1800)
    fleet = batching().case.with_tables(deliveries=longer).fleet()
    with pytest.raises(ToolFailure, match="overlap"):
        calibrate(fleet, seed=7)


@pytest.mark.slow
def test_what_is_needed_is_named() -> None:
    deliveries = batching().case.run.tables["deliveries"].drop(columns=["dasher_wait"])
    with pytest.raises(ToolFailure, match=r"deliveries\.dasher_wait"):
        batching().case.with_tables(deliveries=deliveries).fleet()


def test_chance_in_the_cause_does_not_hide_the_answer() -> None:
    rng = np.random.default_rng(0)
    hours = 4_000
    # A slow cause: the hour before says much of it, its own measurement adds chance.
    steps = np.convolve(rng.normal(0, 0.05, hours + 9), np.ones(10), mode="valid")
    seen, seen_before = (steps + rng.normal(0, 0.15, hours) for _ in range(2))
    rows = pd.DataFrame({"place": "SF", "hour": 12, "load": seen, "busy_before": seen_before})
    y = pd.Series(3.0 * steps + rng.normal(0, 0.1, hours))
    plain = np.polyfit(seen, y, 1)[0]
    assert plain < 2.0
    assert _instrumented(rows, y, "load") == pytest.approx(3.0, rel=0.1)
