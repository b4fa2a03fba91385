"""Experiment plans on a simulated incident, and the spread they are sized from."""

import math
import re
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from data.slices import Slice
from tools.design import FEASIBLE_DAYS, FOR_STUDENT, experiment_plan
from tools.errors import ToolFailure
from tools.experiment import ExperimentPlan
from tools.findings import Adjudication, HypothesisId
from tools.incidents import Incident
from tools.looks import LEAST_DAYS, RECOMMENDED_DAYS
from tools.metrics import METRICS
from tools.power import ALPHA, POWER, design_effect, switchback_units
from tools.recommend import recommend
from tools.recommendations import Effect, Recommendation
from tools.registry import ToolContext
from tools.variation import of_orders, of_stores, of_windows, window_hours

Found = Callable[..., Adjudication]
ON_TIME = METRICS["on_time"]


def _parts(scene: object) -> tuple[ToolContext, Incident]:
    return ToolContext(scene.dataset), scene.incident  # type: ignore[attr-defined]  # a named tuple


@pytest.fixture
def best(batching: object, adjudicate_as: Found) -> Recommendation:
    context, incident = _parts(batching)
    return recommend(context, incident, adjudicate_as(HypothesisId.BATCHING_POLICY))[0]


def _with_effect(recommendation: Recommendation, size: float) -> Recommendation:
    effect = Effect(estimate=size, low=size / 2, high=size * 2, unit="share")
    return recommendation.model_copy(update={"effects": recommendation.effects | {"on_time": effect}})


def test_dispatch_is_switched_by_region_and_window(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    plan = experiment_plan(context, incident, best)
    assert (plan.unit, plan.window_hours) == ("switchback", 2)
    assert plan.days_least >= LEAST_DAYS
    assert plan.days >= max(plan.days_least, RECOMMENDED_DAYS)
    assert plan.days % 7 == 0
    sd = plan.unit_sd_pp / 100
    once = switchback_units(sd * math.sqrt(plan.sample_inflation), plan.mde)
    assert plan.units_needed == once + FOR_STUDENT
    assert plan.mde_in_days_pp < plan.mde_pp
    assert plan.mde_pp == pytest.approx(50 * best.effects["on_time"].estimate)
    roles = {metric.metric: metric.role for metric in plan.metrics}
    assert roles["on_time"] == "primary"
    assert roles["orders_per_courier_hour_of_region"] == "guardrail"
    assert roles["orders_per_day"] == roles["on_time_elsewhere"] == "guardrail"
    assert [stage.exposure_share for stage in plan.rollout] == [0.1, 0.5, 1.0]
    assert plan.evidence == best.evidence
    assert plan.feasible
    assert plan.options == ()


def test_plan_holds_what_a_machine_needs_to_follow_it(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    plan = experiment_plan(context, incident, best)
    assert plan.primary == plan.metrics[0].metric == "on_time"
    assert plan.mde == pytest.approx(plan.mde_pp / 100)
    assert plan.looks[-1].day == plan.days
    assert plan.looks[0].day >= LEAST_DAYS
    assert plan.looks[-1].information == 1.0
    assert plan.looks[-1].alpha_spent == pytest.approx(plan.alpha)
    assert 3 <= len(plan.looks) <= 5
    assert plan.window_hours is not None
    assert 0 < plan.burn_in_s <= plan.window_hours * 1800
    assert plan.planned_share == 0.5
    assert plan.units_planned == math.ceil(plan.units_per_day * plan.days)
    guards = [metric for metric in plan.metrics if metric.role == "guardrail"]
    assert plan.guardrail_alpha == pytest.approx(ALPHA / len(guards))
    assert all(guard.radius is not None and guard.unit_sd is not None for guard in guards)
    assert ExperimentPlan.model_validate_json(plan.model_dump_json()) == plan


def test_spill_over_is_guarded_in_the_region_and_beyond_it(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    roles = {metric.metric: metric for metric in experiment_plan(context, incident, best).metrics}
    here, away = roles["on_time_elsewhere"], roles["on_time_other_regions"]
    assert here.baseline is not None
    assert away.baseline is not None
    # More orders of more regions: less noise.
    assert (away.radius or 1.0) < (here.radius or 0.0)
    everywhere = best.model_copy(update={"scope": Slice()})
    names = {metric.metric for metric in experiment_plan(context, incident, everywhere).metrics}
    assert not names & {"on_time_elsewhere", "on_time_other_regions"}


def test_decision_table_holds_every_case_once_and_never_ships_what_is_crossed(
    batching: object, best: Recommendation
) -> None:
    context, incident = _parts(batching)
    rows = experiment_plan(context, incident, best).decision_matrix
    assert len({(row.primary, row.guardrails) for row in rows}) == len(rows) == 12
    assert {row.decision for row in rows if row.guardrails == "crossed"} == {"roll_back"}
    assert [(row.primary, row.guardrails) for row in rows if row.decision == "ship"] == [("better", "kept")]


def test_clusters_cost_what_their_likeness_says(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    plan = experiment_plan(context, incident, best)
    assert plan.window_hours is not None
    kept = 1 - plan.burn_in_s / (3600 * plan.window_hours)
    size = plan.sample_orders / plan.units_needed * kept
    assert plan.design_effect >= 1
    assert plan.design_effect == pytest.approx(design_effect(size, plan.icc), rel=0.02)


def test_asked_effect_and_length_are_kept(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    small = experiment_plan(context, incident, best, mde=0.02, days=21)
    assert (small.mde, small.days) == (0.02, 21)
    assert small.days_least > 21
    assert not small.feasible
    assert small.options[0].days >= small.days_least
    assert small.options[-1].days == 21
    assert small.options[-1].mde_pp == pytest.approx(small.mde_in_days_pp)
    short = experiment_plan(context, incident, best, days=7)
    assert short.feasible
    assert short.mde_pp == pytest.approx(short.mde_in_days_pp)
    assert [look.day for look in short.looks] == [7]
    assert short.mde > experiment_plan(context, incident, best, days=28).mde
    for asked in ({"mde": 0.0}, {"mde": -0.01}, {"mde": math.nan}, {"mde": 1.0}, {"days": 6}, {"days": 0}):
        with pytest.raises(ValueError, match="must"):
            experiment_plan(context, incident, best, **asked)


@pytest.mark.parametrize("units", [14, 28, 126])
def test_planned_power_holds_by_students_t_however_few_the_units(units: int) -> None:
    mde = 2 * 0.05 * (stats.norm.isf(ALPHA / 2) + stats.norm.ppf(POWER)) / math.sqrt(units - FOR_STUDENT)
    assert switchback_units(0.05, mde * (1 + 1e-9)) + FOR_STUDENT == units
    critical = stats.t.isf(ALPHA / 2, units - 2)
    power = stats.nct.sf(critical, units - 2, mde * math.sqrt(units) / (2 * 0.05))
    assert power == pytest.approx(POWER, abs=0.01)


def test_a_hope_beyond_all_orders_leaves_a_spread_to_size_by(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    bold = experiment_plan(context, incident, _with_effect(best, 0.9), mde=0.05)
    plain = experiment_plan(context, incident, best, mde=0.05)
    assert bold.unit_sd_pp > plain.unit_sd_pp / 2


def test_an_incident_of_some_hours_did_not_last_0_days(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    end = incident.window.start + timedelta(hours=20)
    brief = incident.model_copy(update={"window": incident.window.model_copy(update={"end": end})})
    page = experiment_plan(context, brief, best).markdown
    assert "(1 day)" in page
    assert re.search(r"(?<!\d)0 days", page) is None


def test_page_is_complete_and_has_nothing_left_to_fill_in(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    page = experiment_plan(context, incident, best).markdown
    for section in (
        "In short",
        "Hypothesis and mechanism",
        "What is expected",
        "Metrics",
        "Unit of randomisation",
        "Size and duration",
        "What is known beforehand",
        "Analysis",
        "Readings",
        "Checks before anything is read",
        "Roll-out",
        "Monitoring",
        "Rollback",
        "Decision",
        "Holdback",
    ):
        assert f"## {section}\n" in page
    assert "{{" not in page
    assert "nan" not in page
    assert "None" not in page


def test_small_effect_in_a_small_slice_names_the_ways_out(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    plan = experiment_plan(context, incident, _with_effect(best, 0.03))
    assert plan.days > FEASIBLE_DAYS
    assert not plan.feasible
    changes = [option.change for option in plan.options]
    assert any("widen" in change for change in changes)
    longer, coarser = plan.options[0], plan.options[-1]
    assert longer.days == plan.days
    assert coarser.days == FEASIBLE_DAYS
    assert coarser.mde_pp > plan.mde_pp
    assert all(option.units_needed > 0 and option.sample_orders > 0 for option in plan.options)
    assert "| way out |" in plan.markdown


def test_stores_and_customers_are_other_units(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    everywhere = {"scope": Slice.parse({"region": "SF"})}
    stores = best.model_copy(update=everywhere | {"action": "restore_preparation"})
    plan = experiment_plan(context, incident, stores)
    assert plan.unit == "store_cluster"
    assert plan.window_hours is None
    assert plan.burn_in_s == 0
    assert [item.used for item in plan.variance_reduction] == [True, False]
    shown = best.model_copy(update=everywhere | {"action": "increase_eta_buffer"})
    plan = experiment_plan(context, incident, shown)
    assert plan.unit == "customer"
    assert plan.sample_orders == plan.units_needed
    assert plan.icc == 0.0
    assert plan.design_effect == pytest.approx(1.0)
    assert not any("window" in line for line in plan.rollback)


def test_nothing_to_try_out_is_said(batching: object, best: Recommendation) -> None:
    context, incident = _parts(batching)
    with pytest.raises(ToolFailure, match="nothing is changed"):
        experiment_plan(context, incident, best.model_copy(update={"action": "monitor_only"}))
    with pytest.raises(ToolFailure, match="no effect on a share"):
        experiment_plan(context, incident, best.model_copy(update={"effects": {}}))
    nowhere = best.model_copy(update={"scope": Slice.parse({"region": "ATLANTIS"})})
    with pytest.raises(ToolFailure, match="no traffic"):
        experiment_plan(context, incident, nowhere)


def test_primary_is_the_heaviest_share_where_the_incident_has_a_composite(
    batching: object, best: Recommendation
) -> None:
    context, incident = _parts(batching)
    composite = incident.model_copy(update={"metric": "cx_index"})
    assert experiment_plan(context, composite, best).metrics[0].metric in {"on_time", "cancellation"}


def _history(*, days: int = 28, size: int = 400, shock: float = 0.0, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), size)
    rate = np.clip(0.9 + rng.normal(0, shock, days), 0.01, 0.99)[day]
    on_time = (rng.random(len(day)) < rate).astype(int)
    return pd.DataFrame(
        {
            "day": day,
            "hour": 18 + np.arange(len(day)) % 2,
            "store_id": np.arange(len(day)) % 20,
            "on_time": on_time,
            "delivered": 1,
            "mature_delivery": True,
            "fulfilled": 1,
            "fulfilment_s": 2000,
        }
    )


EVENING = Slice.parse({"hour": {"from": 18, "to": 20}})


def test_spread_of_windows_is_chance_where_nothing_shakes_them() -> None:
    variation = of_windows(_history(size=2000), ON_TIME, EVENING, rate=0.9)
    assert variation.sd == pytest.approx(math.sqrt(0.9 * 0.1 / 2000), rel=0.35)
    assert (variation.window_hours, variation.units_per_day, variation.orders_per_unit) == (2, 1.0, 2000)


def test_spread_of_windows_holds_the_shocks_and_the_chance_at_the_planned_rate() -> None:
    shaken = of_windows(_history(shock=0.05), ON_TIME, EVENING, rate=0.9)
    calm = of_windows(_history(), ON_TIME, EVENING, rate=0.5)
    assert shaken.sd == pytest.approx(0.05, rel=0.4)
    assert calm.sd == pytest.approx(math.sqrt(0.25 / 400), rel=0.3)


def test_windows_last_three_times_the_carry_over() -> None:
    rows = _history()
    assert window_hours(rows, Slice()) == 2
    assert window_hours(rows.assign(fulfilment_s=9000), Slice()) == 8
    assert window_hours(rows.drop(columns="fulfilment_s"), Slice()) == 3
    assert window_hours(rows.assign(fulfilment_s=9000), EVENING) == 2


def test_too_little_history_is_said() -> None:
    with pytest.raises(ToolFailure, match="too few"):
        of_windows(_history(days=5), ON_TIME, EVENING, rate=0.9)
    few = _history()
    with pytest.raises(ToolFailure, match="only 3 stores"):
        of_stores(few[few["store_id"] < 3], ON_TIME, days=14, rate=0.9)
    with pytest.raises(ToolFailure, match="store_id"):
        of_stores(few.drop(columns="store_id"), ON_TIME, days=14, rate=0.9)


def test_stores_are_compared_with_their_own_past() -> None:
    variation = of_stores(_history(), ON_TIME, days=14, rate=0.9)
    orders = 14 * 400 / 20
    assert variation.units == 20
    assert variation.sd == pytest.approx(math.sqrt(2 * 0.9 * 0.1 / orders), rel=0.4)


def test_customers_are_counted_by_their_orders() -> None:
    variation = of_orders(_history(), ON_TIME, rate=0.5)
    assert (variation.sd, variation.units_per_day) == (0.5, 400.0)
