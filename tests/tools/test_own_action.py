"""Actions that somebody chooses: what their templates allow, and what the data can tell."""

from collections.abc import Callable

import pandas as pd
import pytest

from data.dataset import Dataset
from data.errors import NotTestableError
from data.slices import Slice
from tests.tools.conftest import Scene
from tools.actions import ACTIONS
from tools.errors import ToolFailure
from tools.findings import Adjudication, HypothesisId
from tools.own_action import choose, own_action
from tools.recommend import recommend
from tools.registry import ToolContext


@pytest.mark.parametrize(
    ("action", "given", "message"),
    [
        ("pray", {}, "unknown; known: reduce_batching_threshold"),
        ("monitor_only", {}, "changes nothing"),
        ("add_courier_supply", {}, "needs couriers_share, from 0.1 to 0.8"),
        ("add_courier_supply", {"couriers_share": "0.05"}, "outside of its bounds; couriers_share, from 0.1"),
        ("add_courier_supply", {"couriers_share": "-0.2"}, "outside of its bounds"),
        ("add_courier_supply", {"couriers_share": "nan"}, "outside of its bounds"),
        ("add_courier_supply", {"couriers_share": "inf"}, "outside of its bounds"),
        ("add_courier_supply", {"couriers_share": "many"}, "not a number"),
        ("add_courier_supply", {"couriers_share": "0.2", "pay": "3"}, "no parameter 'pay'"),
        ("restore_preparation", {"pay": "3"}, "no parameter 'pay'; it takes none"),
        ("revert_policy", {"speed": "3"}, "no parameter 'speed'; it takes policy, change_id, from, to"),
    ],
)
def test_what_the_template_does_not_allow_is_named(action: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose(action, given)


def test_bounds_belong_to_the_range() -> None:
    for action in ACTIONS.values():
        if action.recorded is None and action.estimate is not None:
            for end in ("low", "high"):
                given = {p.name: f"{getattr(p, end):g}" for p in action.parameters}
                chosen = choose(action.id, given)
                assert chosen.parameters == {p.name: getattr(p, end) for p in action.parameters}


def test_recorded_change_is_estimated_as_the_strategist_does(
    batching: Scene, adjudicate_as: Callable[..., Adjudication]
) -> None:
    context = ToolContext(batching.dataset)
    found = adjudicate_as(HypothesisId.BATCHING_POLICY)
    best = recommend(context, batching.incident, found)[0]
    own = own_action(context, batching.incident, choose(best.action, {}))
    assert own.effects == best.effects
    assert own.parameters == best.parameters
    assert own.scope == best.scope
    named = choose(best.action, {"change_id": str(best.parameters["change_id"])})
    assert own_action(context, batching.incident, named) == own


def test_another_change_than_the_recorded_ones_lists_those(batching: Scene) -> None:
    context = ToolContext(batching.dataset)
    with pytest.raises(ValueError, match="recorded about the onset: policy 'batching_threshold'"):
        own_action(context, batching.incident, choose("revert_policy", {"change_id": "none of them"}))


def test_scope_is_the_choosers(batching: Scene) -> None:
    context = ToolContext(batching.dataset)
    scope = Slice.parse({"region": "SF"})
    choice = choose("increase_eta_buffer", {"buffer_s": "60"})
    own = own_action(context, batching.incident, choice, scope=scope)
    assert own.scope == scope
    assert own.parameters == {"buffer_s": 60.0}
    assert own.effects["on_time"].estimate > 0


def test_what_the_data_cannot_tell_is_refused(batching: Scene, elsewhere: Slice) -> None:
    context = ToolContext(batching.dataset)
    with pytest.raises(ToolFailure, match="no fitting change"):
        own_action(context, batching.incident, choose("reduce_batching_threshold", {}), scope=elsewhere)
    nowhere = Slice.parse({"region": "ATLANTIS"})
    buffer = choose("increase_eta_buffer", {"buffer_s": "60"})
    with pytest.raises(ToolFailure, match="no orders"):
        own_action(context, batching.incident, buffer, scope=nowhere)


def test_needed_columns_are_asked_for_first(batching: Scene) -> None:
    bare = Dataset.from_frames(
        {"orders": pd.DataFrame({"order_id": ["a"], "order_time": [pd.Timestamp("2026-01-01T12:00Z")]})}
    )
    with pytest.raises(NotTestableError, match="supply_snapshots"):
        own_action(
            ToolContext(bare),
            batching.incident,
            choose("add_courier_supply", {"couriers_share": "0.2"}),
        )
