"""The whole battery on small simulated worlds."""

from datetime import timedelta
from functools import cache

import pandas as pd
import pytest

from data.dataset import Dataset
from data.slices import Slice
from tests.tools.worlds import case, incident
from tools.battery import BatteryResult, run, run_all
from tools.errors import ToolFailure
from tools.features import read
from tools.findings import HypothesisId
from tools.hypotheses import HYPOTHESES
from tools.registry import REGISTRY, ToolContext


@cache
def results(scenario: str) -> dict[HypothesisId, BatteryResult]:
    found = case(scenario)
    return run_all(found.incident, ToolContext(found.dataset))


@pytest.mark.parametrize(
    ("scenario", "cause"),
    [
        ("batching", HypothesisId.BATCHING_POLICY),
        ("courier_supply", HypothesisId.COURIER_SUPPLY),
        ("merchant_prep", HypothesisId.MERCHANT_PREP),
    ],
)
def test_the_true_cause_explains_most(scenario: str, cause: HypothesisId) -> None:
    readings = {id_: read(id_, r.evidence) for id_, r in results(scenario).items() if r.evidence}
    shares = {id_: reading.share for id_, reading in readings.items()}
    assert max(shares, key=lambda id_: shares[id_]) is cause
    assert readings[cause].share > 0.4
    assert readings[cause].shift > 4


def test_preparation_under_batching_moves_only_with_it() -> None:
    own = next(
        e for e in results("batching")[HypothesisId.MERCHANT_PREP].evidence if e.tool == "mechanism_shift"
    )
    assert own.result["z_marginal"] > 10
    assert own.result["z_conditional"] < 3
    assert abs(own.result["explained_share"]) < 0.1


def test_the_change_that_did_it_survives_and_is_the_first_candidate() -> None:
    evidence = {e.tool: e.result for e in results("batching")[HypothesisId.BATCHING_POLICY].evidence}
    assert evidence["changes_in_scope"]["policy"] == "batching_threshold"
    assert evidence["changes_in_scope"]["new_value"] == "4"
    assert evidence["changes_in_scope"]["match_share"] > 0.9
    assert evidence["policy_effect"]["survived"] is True
    assert evidence["onset_order"]["in_order"] is True


def test_evidence_is_numbered_by_specialist_and_call() -> None:
    numbers = [e.id for r in results("batching").values() for e in r.evidence if e.id.startswith("policy:")]
    assert numbers == [f"policy:{n}" for n in range(1, len(numbers) + 1)]


def test_same_world_same_evidence() -> None:
    found = case("merchant_prep")
    fresh = Dataset.from_frames(found.tables, mapping=found.dataset.mapping)
    again = run_all(found.incident, ToolContext(fresh))
    assert [e.model_dump_json() for r in again.values() for e in r.evidence] == [
        e.model_dump_json() for r in results("merchant_prep").values() for e in r.evidence
    ]


def test_a_world_without_tables_says_what_is_not_testable() -> None:
    found = case("merchant_prep")
    kept = {name: found.tables[name] for name in ("orders", "deliveries")}
    kept["deliveries"] = kept["deliveries"].drop(columns=["merchant_prep_time", "batched_flag", "batch_size"])
    bare = Dataset.from_frames(kept, mapping=found.dataset.mapping)
    reasons = {id_: r.not_testable for id_, r in run_all(found.incident, ToolContext(bare)).items()}
    assert reasons[HypothesisId.MERCHANT_PREP] == "not testable: no column deliveries.merchant_prep_time"
    assert reasons[HypothesisId.BATCHING_POLICY] == "not testable: no column deliveries.batched_flag"
    assert reasons[HypothesisId.POLICY_CHANGE] == "not testable: no table policy_changes"
    assert reasons[HypothesisId.EXTERNAL_SHOCK] == "not testable: no table context_events"
    assert reasons[HypothesisId.NORMAL_VARIANCE] is None
    assert "cannot move on_time" in str(reasons[HypothesisId.INVENTORY])


def test_too_short_a_history_is_not_testable() -> None:
    found = case("none")
    begin = found.dataset.facts()["order_time"].iloc[0].to_pydatetime()
    early = incident(Slice(), begin + timedelta(days=3), begin + timedelta(days=4))
    result = run(HYPOTHESES[HypothesisId.NORMAL_VARIANCE], early, ToolContext(found.dataset))
    assert result.not_testable is not None
    assert "days before the incident" in result.not_testable


@pytest.mark.parametrize("metric", ["on_time", "cancellation", "refund", "rating", "cx_index", "eta_error"])
def test_every_metric_can_be_judged(metric: str) -> None:
    found = case("none")
    window = found.incident.window
    asked = incident(Slice.parse({"region": "SF"}), window.start, window.end, metric)
    for result in run_all(asked, ToolContext(found.dataset)).values():
        assert result.evidence or result.not_testable


def test_an_unknown_metric_or_dimension_is_refused_by_name() -> None:
    found = case("none")
    span = {"start": found.incident.window.start, "end": found.incident.window.end}
    context = ToolContext(found.dataset)
    with pytest.raises(ToolFailure, match="metric = 'joy'"):
        REGISTRY["outcome_shift"].call(context, {"slice": {}, **span, "metric": "joy"})
    with pytest.raises(ToolFailure, match="no such dimension"):
        REGISTRY["outcome_shift"].call(context, {"slice": {"planet": "Mars"}, **span, "metric": "on_time"})


def test_a_change_everywhere_has_no_control() -> None:
    found = case("none")
    changes = pd.DataFrame(
        {
            "change_id": ["1"],
            "policy": ["batching_threshold"],
            "scope": ["{}"],
            "changed_at": [found.incident.window.start],
            "old_value": ["2"],
            "new_value": ["3"],
            "source": ["test"],
        }
    )
    dataset = Dataset.from_frames({**found.tables, "policy_changes": changes}, mapping=found.dataset.mapping)
    arguments = {
        "slice": {},
        "start": found.incident.window.start,
        "end": found.incident.window.end,
        "metric": "on_time",
    }
    with pytest.raises(ToolFailure, match="there is no control"):
        REGISTRY["policy_effect"].call(ToolContext(dataset), arguments)
    with pytest.raises(ToolFailure, match="no such change"):
        REGISTRY["policy_effect"].call(ToolContext(dataset), {**arguments, "change_id": "77"})
