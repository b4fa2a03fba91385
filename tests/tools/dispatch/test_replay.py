"""Replays of what was observed, and the refusal where they miss."""

from datetime import timedelta

import pandas as pd
import pytest

from data.slices import Slice
from tests.tools.dispatch.cases import batching, late_without_a_cause, short_of_couriers, slow_stores
from tools.dispatch.calibration import calibrate
from tools.dispatch.fleet import fleet_of
from tools.dispatch.replay import ReplayRow, replay
from tools.errors import ToolFailure
from tools.incidents import Window
from tools.settings import AnalysisSettings


@pytest.mark.slow
def test_both_spans_are_replayed_within_their_bands() -> None:
    for case, fleet, fitted in (batching(), short_of_couriers(), slow_stores()):
        found = replay(fleet, fitted, case.dataset.mapping.on_time, seed=7)
        assert found.reason is None
        assert found.before.orders == fleet.before.sum()
        assert found.incident.orders == fleet.now.sum()
        wait = found.before.row("wait")
        assert wait is not None
        assert wait.band == pytest.approx(0.1 * wait.observed)
        assert wait.in_band


@pytest.mark.slow
def test_what_is_recorded_is_not_fitted_again() -> None:
    case, fleet, fitted = slow_stores()
    other = replay(fleet, fitted, case.dataset.mapping.on_time, seed=7)
    assert "nothing fitted again" in other.incident.how
    assert case.world.fault is not None
    assert other.arm.slowness == pytest.approx(case.world.fault.size, rel=0.02)


def test_a_new_level_is_read_from_other_days() -> None:
    case, fleet, fitted = batching()
    rule = case.dataset.mapping.on_time
    found = replay(fleet, fitted, rule, seed=7)
    assert "level 4 read from other days" in found.incident.how
    assert found.arm.response.log_odds > 0.5
    batched = found.incident.row("batched_share")
    assert batched is not None
    assert batched.simulated == pytest.approx(batched.observed, abs=0.03)


@pytest.mark.slow
def test_a_cause_that_is_not_recorded_makes_it_refuse() -> None:
    case = late_without_a_cause(slow_stores().case)
    fleet = case.fleet()
    found = replay(fleet, calibrate(fleet, seed=7), case.dataset.mapping.on_time, seed=7)
    assert found.reason is not None
    assert "on_time incident: simulated" in found.reason
    assert found.before.misses == ()


def test_a_new_level_and_one_day_leave_nothing_to_check() -> None:
    made = batching().case
    start = made.window.start
    case = made._replace(window=Window(start=start, end=start + timedelta(days=1)))
    fleet = case.fleet()
    with pytest.raises(ToolFailure, match="one day"):
        replay(fleet, calibrate(fleet, seed=7), case.dataset.mapping.on_time, seed=7)


def test_few_orders_are_refused() -> None:
    case = batching().case._replace(
        where=Slice.parse({"region": "DEN", "category": "pharmacy", "hour": {"from": 3, "to": 5}})
    )
    with pytest.raises(ToolFailure, match="the simulator needs 200"):
        case.fleet()


def test_a_row_passes_within_its_tolerance() -> None:
    row = ReplayRow(
        metric="on_time", observed=0.8, simulated=0.84, difference=0.04, band=0.03, tolerance=0.05
    )
    assert not row.in_band
    assert row.passes
    assert ReplayRow(metric="prep", observed=1, simulated=9, difference=8, band=None, tolerance=None).passes


def test_a_policy_that_limits_no_batch_is_refused() -> None:
    case = batching().case
    log = case.run.tables["policy_changes"]
    raised = log[(log["policy"] == "batching_threshold") & (log["old_value"] != log["new_value"])]
    other = raised.assign(change_id=999, policy="batching_radius", old_value="9", new_value="8")
    case = case.with_tables(policy_changes=pd.concat([log, other], ignore_index=True))
    assert case.fleet().policy == "batching_threshold"
    with pytest.raises(ToolFailure, match="largest batch 2"):
        fleet_of(
            case.dataset,
            where=case.where,
            window=case.window,
            settings=AnalysisSettings(),
            policy="batching_radius",
        )
