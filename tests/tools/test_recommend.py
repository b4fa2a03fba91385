"""Recommendations on a simulated incident."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest

import tools.remedy_tools  # noqa: F401  # registers the tools
from data.dataset import Dataset
from data.slices import Slice
from data.world import World, WorldConfig
from tests.tools.conftest import scene
from tools.actions import ACTIONS
from tools.actions.base import RecordedChange
from tools.candidates import candidates, narrowest, recorded_changes
from tools.findings import Adjudication, FindingVerdict, HypothesisId, IncidentVerdict
from tools.incidents import Incident, Kind
from tools.recommend import consider, recommend
from tools.registry import REGISTRY, ToolContext
from tools.settings import AnalysisSettings
from tools.wording import fill

Found = Callable[..., Adjudication]


def _parts(scene: object) -> tuple[Dataset, Incident]:
    return scene.dataset, scene.incident  # type: ignore[attr-defined]  # the fixture's named tuple


def test_batching_incident_gets_the_threshold_set_back(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    best, *_ = recommend(ToolContext(dataset), incident, adjudicate_as(HypothesisId.BATCHING_POLICY))
    assert best.action == "reduce_batching_threshold"
    assert (best.parameters["from"], best.parameters["to"]) == ("4", "2")
    assert best.scope == incident.slice
    assert best.effects["cx_score"].low > 0
    assert best.efficiency_cost["orders_per_trip"].estimate < 0
    assert best.front == ()
    assert best.models is not None
    assert best.models.dispatch_simulator is not None
    assert best.confidence == pytest.approx(0.9, abs=0.1)
    assert best.evidence == ("E2", "E10")
    words = fill(best.title, scope=best.scope, parameters=best.parameters)
    assert words == (
        "Set batching threshold back from 4 to 2 for category grocery, region SF, 18:00 to 20:00"
    )


def test_mediators_are_not_acted_on(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    result = consider(ToolContext(dataset), incident, adjudicate_as(HypothesisId.BATCHING_POLICY))
    assert {r.addresses for r in result.recommendations} == {"batching_policy"}


def test_of_two_changes_the_one_that_was_judged_is_rolled_back(
    batching: object, adjudicate_as: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, incident = _parts(batching)
    (raised,) = recorded_changes(RecordedChange(words=("batch",)), incident, dataset)
    true = dataclasses.replace(raised, policy="stacking_limit")
    wider = dataclasses.replace(
        true, change_id="wider", policy="menu_layout", scope=Slice(), old_value="a", new_value="b"
    )
    monkeypatch.setattr(Dataset, "policy_changes", lambda _: (true, wider))
    cause = adjudicate_as(HypothesisId.POLICY_CHANGE)
    best, *others = recommend(ToolContext(dataset), incident, cause)
    assert (best.action, best.parameters["change_id"]) == ("revert_policy", true.change_id)
    assert others == []
    monkeypatch.setattr(Dataset, "policy_changes", lambda _: (raised, wider))
    told = consider(ToolContext(dataset), incident, cause)
    assert not any(r.parameters.get("change_id") == raised.change_id for r in told.recommendations)


def test_courier_shortage_offers_couriers_and_promises(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    result = consider(ToolContext(dataset), incident, adjudicate_as(HypothesisId.COURIER_SUPPLY))
    tried = {r.action for r in result.recommendations} | {d.action for d in result.dropped}
    assert {"add_courier_supply", "increase_eta_buffer"} <= tried | {"monitor_only"}
    assert all(d.reason for d in result.dropped)


def test_slow_stores_offer_preparation_first(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    result = consider(ToolContext(dataset), incident, adjudicate_as(HypothesisId.MERCHANT_PREP))
    told = [r for r in result.recommendations if ACTIONS[r.action].price != "orders"]
    lows = [r.effects["cx_score"].low for r in told]
    assert lows == sorted(lows, reverse=True)
    assert result.recommendations[0].action == "restore_preparation"


def test_a_model_is_retrained_by_what_promises_fall_short(adjudicate_as: Found) -> None:
    dataset, _, incident = scene("eta_model", seed=7, orders_per_day=4000)
    fault = World(WorldConfig(scenario="eta_model", seed=7, orders_per_day=4000)).fault
    assert fault is not None
    result = consider(ToolContext(dataset), incident, adjudicate_as(HypothesisId.ETA_MODEL))
    (retrained,) = (r for r in result.recommendations if r.action == "retrain_eta_model")
    assert retrained.parameters["correction_s"] == pytest.approx(fault.size, abs=30)
    assert retrained.effects["on_time"].low > 0
    assert "too short" in fill(retrained.title, scope=retrained.scope, parameters=retrained.parameters)


def test_a_model_whose_promises_are_kept_is_not_retrained(batching: object, adjudicate_as: Found) -> None:
    twin, incident = batching.twin, batching.incident  # type: ignore[attr-defined]  # the fixture's named tuple
    told = consider(ToolContext(twin), incident, adjudicate_as(HypothesisId.ETA_MODEL))
    (reason,) = (one.reason for one in told.dropped if one.action == "retrain_eta_model")
    assert "s more than before: at least 30 s would be worth correcting" in reason


def test_the_front_holds_what_no_other_setting_beats(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    result = consider(ToolContext(dataset), incident, adjudicate_as(HypothesisId.COURIER_SUPPLY))
    fronts = {r.action: r.front for r in result.recommendations}
    front = fronts["add_courier_supply"]
    gains, kept = [s.gain.estimate for s in front], [s.pool_efficiency for s in front]
    assert len(front) > 1
    assert gains == sorted(gains, reverse=True)
    assert kept == sorted(kept)
    assert all(s.parameters["couriers_share"] > 0 for s in front)


def test_the_efficiency_floor_drops_what_costs_too_much(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    strict = ToolContext(dataset, settings=AnalysisSettings(efficiency_floor=1.0))
    result = consider(strict, incident, adjudicate_as(HypothesisId.BATCHING_POLICY))
    assert [r.action for r in result.recommendations] == ["monitor_only"]
    assert "floor" in result.dropped[0].reason


@pytest.mark.parametrize("verdict", ["inconclusive", "no_degradation", "outside_data"])
def test_without_a_cause_nothing_is_done(batching: object, adjudicate_as: Found, verdict: str) -> None:
    dataset, incident = _parts(batching)
    unsure = adjudicate_as(HypothesisId.BATCHING_POLICY, p_primary=0.3).model_copy(
        update={"verdict": IncidentVerdict(verdict)}
    )
    (only,) = recommend(ToolContext(dataset), incident, unsure)
    assert only.action == "monitor_only"
    assert only.effects == {}
    assert only.evidence == ("E2", "E10")


def test_normal_variance_and_data_faults_are_watched(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    context = ToolContext(dataset)
    (variance,) = recommend(context, incident, adjudicate_as(HypothesisId.NORMAL_VARIANCE))
    broken = incident.model_copy(update={"kind": Kind.DATA_QUALITY})
    (fault,) = recommend(context, broken, adjudicate_as(HypothesisId.BATCHING_POLICY))
    assert variance.action == fault.action == "monitor_only"
    assert variance.confidence > 0.9


def test_weak_findings_are_not_acted_on(batching: object, adjudicate_as: Found) -> None:
    dataset, incident = _parts(batching)
    strong = adjudicate_as(HypothesisId.BATCHING_POLICY)
    weak = strong.model_copy(
        update={
            "findings": tuple(
                f.model_copy(update={"verdict": FindingVerdict.INCONCLUSIVE}) for f in strong.findings
            )
        }
    )
    (only,) = recommend(ToolContext(dataset), incident, weak)
    assert only.action == "monitor_only"


def test_changes_far_from_the_onset_are_no_candidates(batching: object) -> None:
    dataset, incident = _parts(batching)
    wanted = RecordedChange(words=("batch",), direction="raised")
    (change,) = recorded_changes(wanted, incident, dataset)
    assert (change.old_value, change.new_value) == ("2", "4")
    later = incident.model_copy(update={"onset": incident.onset + timedelta(days=20)})
    assert recorded_changes(wanted, later, dataset) == ()
    assert list(candidates(ACTIONS["reduce_batching_threshold"], later, ToolContext(dataset))) == []
    assert list(candidates(ACTIONS["monitor_only"], incident, ToolContext(dataset))) == []


def test_narrowest_keeps_hours_that_no_single_range_can_say() -> None:
    night = Slice.parse({"hour": {"from": 20, "to": 4}})
    split = Slice.parse({"hour": {"from": 2, "to": 22}})
    assert narrowest(night, split).hour == night.hour
    assert narrowest(Slice(), split).hour == split.hour


def test_registered_tools_answer_or_say_that_they_are_not_built(
    batching: object, adjudicate_as: Found
) -> None:
    dataset, incident = _parts(batching)
    context = ToolContext(dataset)
    about = {"incident": incident.model_dump(mode="json")}
    verdict = adjudicate_as(HypothesisId.BATCHING_POLICY).model_dump(mode="json")
    ranked = REGISTRY["recommend"].call(context, about | {"adjudication": verdict}).model_dump(mode="json")
    first = ranked["recommendations"][0]
    planned = REGISTRY["experiment_plan"].call(context, about | {"recommendation": first})
    plan = planned.model_dump(mode="json")["plan"]
    assert plan["days"] >= 14
