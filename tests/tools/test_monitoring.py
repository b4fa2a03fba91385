"""Running experiments in a simulated world whose true effect is known, and everything that can be wrong with one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from data.dataset import Dataset
from data.slices import Slice
from data.world import World, WorldConfig
from data.world.actions import SetBatchingThreshold
from evals.trial_worlds import MAPPING, TrialWorld, by_order, run_forward
from tests.tools.plans import EVENING, LOOKS, METRICS, metric, plan
from tools.assignment import TREATMENT, draw_customers, draw_stores, draw_windows
from tools.assignment_file import AssignmentError
from tools.experiment import ExperimentPlan
from tools.monitor_report import MonitorReport
from tools.monitor_tool import MonitorExperimentResult
from tools.monitoring import monitor
from tools.registry import REGISTRY, ToolContext

TRUE_BATCH = SetBatchingThreshold(scope=EVENING, value=2)
DAYS = 14


class Scene(NamedTuple):
    """An experiment that has run, in a world that was bad before."""

    trial: TrialWorld
    dataset: Dataset
    log: pd.DataFrame

    days: dict[int, Dataset]

    def day(self, number: int) -> Dataset:
        """As known in the morning after a day of the experiment."""
        if number not in self.days:
            self.days[number] = self.dataset.at(self.trial.start + timedelta(days=number, hours=-6))
        return self.days[number]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return _scene(_world(), TRUE_BATCH)


@pytest.fixture(scope="module")
def idle() -> Scene:
    """An experiment with an action that does nothing."""
    return _scene(_world(), SetBatchingThreshold(scope=EVENING, value=4))


def _world() -> World:
    return World(WorldConfig(scenario="none", days=31, orders_per_day=3000, seed=5))


def _scene(world: World, action: SetBatchingThreshold) -> Scene:
    bad = SetBatchingThreshold(scope=EVENING, value=4, start=world.draws.grid.midnight("SF", 12))
    trial = run_forward(world, plan(), action, seed=3, first_day=16, days=DAYS, before=(bad,))
    dataset = Dataset.from_frames(trial.run.tables, mapping=MAPPING)
    return Scene(trial, dataset, by_order(trial, plan()), {})


def _statuses(report: MonitorReport) -> dict[str, str]:
    return {reading.metric: reading.status for reading in report.metrics}


def _failed(report: MonitorReport) -> set[str]:
    return {check.name for check in report.health if not check.passed}


# --- what an experiment comes to ----------------------------------------------------------------------------


def test_a_good_action_is_shipped_with_an_interval_that_holds_the_truth(scene: Scene) -> None:
    report = monitor(plan(looks=LOOKS[1:]), scene.dataset, scene.trial.windows)
    assert report.decision.action == "stop_and_ship"
    assert not _failed(report)
    primary = report.metrics[0]
    assert primary.low is not None
    assert primary.high is not None
    assert primary.low < scene.trial.truth["on_time"] < primary.high
    assert report.lift is not None
    assert report.lift.cx_index is not None
    assert report.lift.outcomes_saved == pytest.approx((primary.effect or 0) * report.lift.treated_trials)
    assert _statuses(report)["on_time_elsewhere"] == "not_testable"


def test_a_log_of_orders_reads_as_the_windows_do(scene: Scene) -> None:
    # A log of orders does not tell the runs that windows were drawn in.
    unknown_runs = scene.trial.windows.drop(columns=["block", "slot"])
    by_window = monitor(plan(), scene.dataset, unknown_runs)
    logged = monitor(plan(), scene.dataset, scene.log)
    assert logged.decision == by_window.decision
    assert logged.metrics[0].effect == pytest.approx(by_window.metrics[0].effect)
    assert monitor(plan(), scene.dataset, scene.log).model_dump_json() == logged.model_dump_json()


def test_between_looks_the_last_one_is_told_and_nothing_newer(idle: Scene) -> None:
    early = monitor(plan(), idle.day(4), idle.log)
    assert early.decision.action == "continue"
    assert early.progress.day == 4
    assert "not read until day 5" in early.decision.reason
    assert (early.metrics[0].status, early.metrics[0].effect, early.lift) == ("not_read", None, None)
    seventh, ninth = (monitor(plan(), idle.day(n), idle.log) for n in (7, 9))
    assert seventh.progress.next_look_day == 14
    assert seventh.metrics[0].as_of_day == ninth.metrics[0].as_of_day == 5
    assert seventh.metrics[0].effect == pytest.approx(ninth.metrics[0].effect)
    assert seventh.lift == ninth.lift
    guardrails = [r.effect for r in seventh.metrics if r.metric == "item_accuracy"]
    assert guardrails != [r.effect for r in ninth.metrics if r.metric == "item_accuracy"]


def test_an_action_that_does_nothing_is_not_shipped(idle: Scene) -> None:
    report = monitor(plan(), idle.dataset, idle.log)
    assert report.decision.action in ("roll_back", "extend")
    assert "chance is not ruled out" in report.decision.reason
    assert report.metrics[0].status == "not_shown"
    assert all(look.randomisation_p is not None for look in report.looks if look.z is not None)


def test_harm_rolls_back_by_guardrail_and_by_the_primary(scene: Scene) -> None:
    other = {"control": "treatment", "treatment": "control"}
    swapped = scene.log.assign(arm=scene.log["arm"].map(other))
    guarded = plan(
        metrics=(*METRICS[:2], metric("cancellation", "guardrail", direction="decrease", margin=0.005))
    )
    report = monitor(guarded, scene.dataset, swapped)
    assert report.decision.action == "roll_back"
    assert "guardrail cancellation has crossed its limit" in report.decision.reason
    by_primary = monitor(plan(metrics=METRICS[:1]), scene.dataset, swapped)
    assert by_primary.decision.action == "roll_back"
    assert "crossed its bound (z -" in by_primary.decision.reason


def test_safety_stage_waits_and_then_ramps(idle: Scene) -> None:
    few = draw_windows(idle.trial.windows.drop(columns=["arm", "share", "block", "slot"]), share=0.1, seed=1)
    early, later = (monitor(plan(), idle.day(n), few) for n in (2, 4))
    assert (early.progress.stage, early.decision.action) == ("safety", "continue")
    assert later.decision.action == "ramp"
    assert "Draw a new assignment at 50%" in later.decision.next_step
    assert later.metrics[0].text == "not read in this stage"


def test_full_rollout_watches_the_holdback(scene: Scene) -> None:
    rest = draw_windows(
        scene.trial.windows.drop(columns=["arm", "share", "block", "slot"]), share=0.95, seed=1
    )
    report = monitor(plan(), scene.dataset, rest)
    assert (report.progress.stage, report.decision.action) == ("holdback", "continue")


@pytest.mark.slow
def test_no_guardrail_of_a_sound_run_is_crossed(idle: Scene) -> None:
    found = [_statuses(monitor(plan(), idle.day(n), idle.log)) for n in (2, 4, 7, 9)]
    assert not [status for day in found for status in day.values() if status == "crossed"]
    assert found[-1]["item_accuracy"] == "cleared"
    assert found[0]["orders_per_day"] == "open"


def test_volume_and_courier_efficiency_are_read_by_window(scene: Scene) -> None:
    readings = {r.metric: r for r in monitor(plan(), scene.dataset, scene.trial.windows).metrics}
    volume = readings["orders_per_day"]
    counted = len(scene.log) / DAYS
    assert volume.control == pytest.approx(counted, rel=0.1)
    couriers = readings["orders_per_courier_hour_of_region"]
    assert couriers.control is not None
    assert 0.5 < couriers.control < 6
    # Fewer orders a trip keep couriers busy for longer.
    assert (couriers.effect or 0) < 0


def test_spill_over_is_read_beside_the_scope(scene: Scene) -> None:
    grocery = Slice.parse({"region": "SF", "category": "grocery", "hour": {"from": 16, "to": 22}})
    metrics = (
        *METRICS[:1],
        metric("on_time_elsewhere", "guardrail"),
        metric("on_time_other_regions", "guardrail"),
    )
    report = monitor(plan(scope=grocery, metrics=metrics), scene.dataset, scene.trial.windows)
    beside, others = report.metrics[1:]
    # The action was in force for all categories of the region, so it shows beside the scope, and not in other regions.
    assert (beside.effect or 0) > 0.06
    assert abs(others.effect or 1) < 0.03


# --- other units --------------------------------------------------------------------------------------------


def _clusters(scene: Scene, name: str, drawn: pd.DataFrame) -> tuple[ExperimentPlan, pd.DataFrame]:
    start = scene.trial.start.isoformat()
    cluster: dict[str, object] = {"unit": name, "window_hours": None, "burn_in_s": 0.0, "scope": Slice()}
    return plan(**cluster), drawn.assign(assigned_at=start)


def test_stores_and_customers_without_an_effect(scene: Scene) -> None:
    orders = scene.trial.run.tables["orders"]
    stores = draw_stores(orders["store_id"].astype(str), share=0.5, seed=4)
    customers = draw_customers(orders["user_id"].astype(str), share=0.5, experiment="x")
    for name, drawn in (("store_cluster", stores), ("customer", customers)):
        planned, rows = _clusters(scene, name, drawn)
        report = monitor(planned, scene.dataset, rows)
        assert not _failed(report)
        primary = report.metrics[0]
        assert (primary.low or 0) < 0 < (primary.high or 0)
        assert _statuses(report)["orders_per_courier_hour_of_region"] == "not_testable"
        assert report.progress.day >= DAYS


def test_more_customers_than_planned_under_the_treatment_stop_the_reading(scene: Scene) -> None:
    orders = scene.trial.run.tables["orders"]
    drawn = draw_customers(orders["user_id"].astype(str), share=0.6, experiment="x").drop(columns="share")
    report = monitor(
        _clusters(scene, "customer", drawn)[0], scene.dataset, _clusters(scene, "customer", drawn)[1]
    )
    assert report.decision.action == "stop_for_health"
    assert {"split of units", "split of orders"} <= _failed(report)
    assert "50.0% planned" in report.decision.reason


# --- unsound data -------------------------------------------------------------------------------------------


def test_a_60_40_split_of_logged_orders_stops_the_reading(scene: Scene) -> None:
    rng = np.random.default_rng(1)
    arms = np.where(rng.random(len(scene.log)) < 0.6, TREATMENT, "control")
    report = monitor(plan(), scene.dataset, scene.log.assign(arm=arms))
    assert report.decision.action == "stop_for_health"
    assert {"split of logged orders", "one arm a unit"} <= _failed(report)
    assert (report.metrics[0].text, report.lift) == ("not read: the data are not sound", None)


def test_orders_without_an_arm_stop_the_reading(scene: Scene) -> None:
    report = monitor(plan(), scene.dataset, scene.log[scene.log.index % 20 != 0])
    assert _failed(report) == {"orders with an arm"}
    assert (
        monitor(plan(), scene.dataset, scene.log[scene.log.index % 100 != 0]).decision.action
        == "stop_and_ship"
    )


def test_assigned_orders_that_never_came_stop_the_reading(scene: Scene) -> None:
    ghosts = scene.log.head(300).assign(order_id=[f"x{n}" for n in range(300)])
    report = monitor(plan(), scene.dataset, pd.concat([scene.log, ghosts]))
    assert _failed(report) == {"assigned orders in the data"}


def _with(scene: Scene, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Dataset:
    tables = dict(scene.trial.run.tables)
    return Dataset.from_frames(tables | {table: change(tables[table])}, mapping=MAPPING)


@pytest.mark.slow
def test_outcomes_that_go_missing_by_arm_stop_the_reading(scene: Scene) -> None:
    treated = set(scene.log.loc[scene.log["arm"] == TREATMENT, "order_id"].iloc[::12])
    lost = _with(scene, "deliveries", lambda d: d[~d["order_id"].isin(treated)])
    report = monitor(plan(), lost, scene.log)
    assert report.decision.action == "stop_for_health"
    assert "outcomes known" in _failed(report)


@pytest.mark.slow
def test_a_metric_that_stops_arriving_is_named_with_its_day(scene: Scene) -> None:
    stop = scene.trial.start + timedelta(days=8)
    silent = _with(scene, "items", lambda d: d[_placed(scene, d) < stop])
    report = monitor(plan(), silent, scene.log)
    assert report.decision.action == "stop_for_health"
    assert "item accuracy: 0 records on day 9" in report.decision.reason


def _placed(scene: Scene, rows: pd.DataFrame) -> pd.Series:
    orders = scene.trial.run.tables["orders"].set_index("order_id")["order_time"]
    return rows["order_id"].map(orders)


@pytest.mark.parametrize(
    ("changes", "rows", "message"),
    [
        (
            {},
            lambda log: log.assign(order_id=[f"x{n}" for n in range(len(log))]),
            "none of the .* assigned orders",
        ),
        ({}, lambda log: log.assign(assigned_at="2026-03-01T00:00Z"), "were assigned after they were placed"),
        ({"scope": Slice.parse({"region": "ATLANTIS"})}, lambda log: log, "no traffic in region ATLANTIS"),
        ({"unit": "customer", "window_hours": None}, lambda log: log.head(0), "no rows"),
    ],
)
def test_data_that_do_not_belong_together_are_refused(
    scene: Scene, changes: dict[str, object], rows: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(AssignmentError, match=message):
        monitor(plan(**changes), scene.dataset, rows(scene.log))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            lambda w: w.assign(assigned_at=w["window_start"] + pd.Timedelta(hours=1)),
            "assigned after they had begun",
        ),
        (
            lambda w: w.assign(window_end=w["window_start"] + pd.Timedelta(hours=3)),
            "two windows share the time",
        ),
        (lambda w: w.assign(window_end=w["window_start"]), "windows end before they start"),
        (lambda w: _moved(w, 100), "no window has begun"),
        (lambda w: _moved(w, -200), "no traffic in .* since"),
    ],
)
def test_windows_that_cannot_be_are_refused(
    scene: Scene, rows: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(AssignmentError, match=message):
        monitor(plan(), scene.dataset, rows(scene.trial.windows))


def _moved(windows: pd.DataFrame, days: int) -> pd.DataFrame:
    times = ["window_start", "window_end", "assigned_at"]
    return windows.assign(**{name: windows[name] + pd.Timedelta(days=days) for name in times})


def test_stores_without_a_time_of_assignment_are_refused(scene: Scene) -> None:
    stores = draw_stores(scene.trial.run.tables["orders"]["store_id"].astype(str), share=0.5, seed=4)
    with pytest.raises(AssignmentError, match="no assigned_at by store_id"):
        monitor(_clusters(scene, "store_cluster", stores)[0], scene.dataset, stores)


# --- the tool -----------------------------------------------------------------------------------------------


class _Assignments:
    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows

    def rows(self) -> pd.DataFrame:
        return self._rows

    def others(self) -> tuple[pd.DataFrame, ...]:
        return ()


def test_the_tool_reads_through_its_port(scene: Scene) -> None:
    context = ToolContext(scene.dataset, ports={"assignments": _Assignments(scene.log)})
    found = REGISTRY["monitor_experiment"].call(context, {"plan": plan().model_dump(mode="json")})
    assert isinstance(found, MonitorExperimentResult)
    assert found.report == monitor(plan(), scene.dataset, scene.log)


def test_the_as_of_time_is_the_dataset_s(idle: Scene) -> None:
    early = idle.day(4)
    report = monitor(plan(), early, idle.log)
    assert report.as_of == early.as_of
    assert isinstance(report.progress.start, datetime)
    assert report.progress.orders < len(idle.log)
