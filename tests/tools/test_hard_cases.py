"""Data in which a question cannot be answered: each gets a reason, and none a made-up cause."""

from collections.abc import Collection
from functools import cache

import pandas as pd
import pytest

from data.dataset import Dataset
from data.slices import Slice
from tests.tools.worlds import case, incident
from tools.adjudication import adjudicate
from tools.battery import run_all
from tools.confidence import load_model
from tools.errors import ToolFailure
from tools.findings import Adjudication, HypothesisId, IncidentVerdict
from tools.incidents import Incident
from tools.registry import REGISTRY, ToolContext

Tables = dict[str, pd.DataFrame]
BATCHING = HypothesisId.BATCHING_POLICY


@cache
def _plain() -> Tables:
    return case("batching").tables


def tables(**replaced: pd.DataFrame) -> Tables:
    return {**_plain(), **replaced}


def only(orders: Collection[object]) -> Tables:
    """The tables of some orders."""
    return {n: t[t["order_id"].isin(orders)] if "order_id" in t else t for n, t in tables().items()}


def opened(rows: Tables) -> Dataset:
    return Dataset.from_frames(rows, mapping=case("batching").dataset.mapping)


def judged(rows: Tables, what: Incident | None = None) -> Adjudication:
    asked = what or case("batching").incident
    results = run_all(asked, ToolContext(opened(rows)))
    evidence = {id_: result.evidence for id_, result in results.items() if result.evidence}
    reasons = {id_: result.not_testable for id_, result in results.items() if result.not_testable}
    for result in results.values():
        assert result.evidence or result.not_testable, "an answer or a reason"
    return adjudicate(asked, evidence, reasons, load_model())


def policy_effect(rows: Tables, what: Incident | None = None, **more: str) -> dict[str, object]:
    asked = what or case("batching").incident
    arguments = {
        "slice": asked.slice.model_dump(),
        "start": asked.window.start,
        "end": asked.window.end,
        "metric": asked.metric,
        **more,
    }
    return REGISTRY["policy_effect"].call(ToolContext(opened(rows)), arguments).model_dump()


def primary(found: Adjudication) -> HypothesisId | None:
    return next((finding.hypothesis for finding in found.findings if finding.role == "primary"), None)


def test_one_region_has_its_other_categories_for_control() -> None:
    orders = tables()["orders"]
    supply = tables()["supply_snapshots"]
    rows = only(set(orders.loc[orders["region"] == "SF", "order_id"]))
    rows["supply_snapshots"] = supply[supply["region"] == "SF"]
    assert primary(judged(rows)) is BATCHING
    assert policy_effect(rows, family="batching")["survived"]


def test_a_change_for_everybody_has_no_control() -> None:
    rows = tables(policy_changes=tables()["policy_changes"].assign(scope="{}"))
    with pytest.raises(ToolFailure, match="units are treated, there is no control"):
        policy_effect(rows, family="batching")


def test_only_treated_orders_have_no_control() -> None:
    orders = tables()["orders"]
    treated = (orders["region"] == "SF") & (orders["category"] == "grocery")
    with pytest.raises(ToolFailure, match="units are treated, there is no control"):
        policy_effect(only(set(orders.loc[treated, "order_id"])), family="batching")


def test_a_change_to_the_same_value_is_none() -> None:
    changes = tables()["policy_changes"]
    rows = tables(policy_changes=changes.assign(old_value=changes["new_value"]))
    with pytest.raises(ToolFailure, match="no recorded batching change near the onset"):
        policy_effect(rows, family="batching")


def test_of_two_changes_in_the_same_hour_neither_is_named_by_its_time_alone() -> None:
    changes = tables()["policy_changes"]
    true = changes[changes["policy"] == "batching_threshold"].tail(1)
    other = true.assign(change_id=99, policy="assignment_model", old_value="a", new_value="b")
    rows = tables(policy_changes=pd.concat([changes, other], ignore_index=True))
    found = judged(rows)
    assert primary(found) is BATCHING, "the driver that moved tells them apart, not the clock"
    both = [policy_effect(rows, change_id=str(id_)) for id_ in (int(true["change_id"].iloc[0]), 99)]
    # The batching rule was changed elsewhere before, too; those orders are no controls for it alone.
    assert both[0]["effect_pp"] == pytest.approx(both[1]["effect_pp"], rel=0.01), (
        "they are one change to the outcome"
    )


def test_a_single_store_has_no_other_to_compare_with() -> None:
    orders = tables()["orders"]
    mine = orders[(orders["region"] == "SF") & (orders["category"] == "grocery")]
    store = mine["store_id"].value_counts().index[0]
    rows = only(set(orders.loc[orders["store_id"] == store, "order_id"]))
    window = case("batching").incident.window
    whole = incident(Slice(), window.start, window.end)
    with pytest.raises(ToolFailure, match="all 1 units are treated"):
        policy_effect(rows, whole, family="batching")
    assert judged(rows, whole).verdict in set(IncidentVerdict)


def test_where_all_orders_are_cancelled_nothing_is_measured_and_nothing_blamed() -> None:
    rows = tables(deliveries=tables()["deliveries"].assign(canceled_flag=True))
    found = judged(rows)
    assert found.verdict is IncidentVerdict.INCONCLUSIVE
    assert found.p_none == 0.0
    reasons = {item.hypothesis: item.reason for item in found.not_testable}
    assert "too few orders with on_time" in reasons[BATCHING]


def test_a_rate_that_cannot_change_has_no_cause() -> None:
    asked = case("batching").incident
    always = incident(asked.slice, asked.window.start, asked.window.end, "cancellation")
    found = judged(tables(deliveries=tables()["deliveries"].assign(canceled_flag=True)), always)
    assert found.verdict is IncidentVerdict.NO_DEGRADATION
    assert primary(found) is None


def test_without_deliveries_the_missing_table_is_the_reason() -> None:
    found = judged({name: rows for name, rows in tables().items() if name != "deliveries"})
    assert found.verdict is IncidentVerdict.INCONCLUSIVE
    reasons = {item.hypothesis: item.reason for item in found.not_testable}
    assert reasons[BATCHING] == "not testable: no column deliveries.batched_flag"
    assert reasons[HypothesisId.COURIER_SUPPLY] == "not testable: no column deliveries.dasher_wait"
