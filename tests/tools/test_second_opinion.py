"""The simulator's answer beside that of g-computation."""

from typing import TYPE_CHECKING

import pytest

from tests.tools.worlds import case
from tools.interventions import Intervention
from tools.second_opinion import Opinions, second_opinion
from tools.settings import AnalysisSettings
from tools.whatif import estimate

if TYPE_CHECKING:
    from data.dataset import Dataset
    from tools.incidents import Incident

BACK = Intervention(driver="policy", change="set", policy="batching_threshold", level="2")


def _ask(scene: object, intervention: Intervention) -> Opinions:
    dataset: Dataset = scene.dataset  # type: ignore[attr-defined]  # the fixture's named tuple
    incident: Incident = scene.incident  # type: ignore[attr-defined]
    where, window, settings = incident.slice, incident.window, AnalysisSettings()
    result = estimate(dataset, where=where, window=window, intervention=intervention, settings=settings)
    return second_opinion(
        dataset, result, where=where, window=window, intervention=intervention, settings=settings
    )


def test_both_answers_lie_inside_of_the_joined_interval(batching: object) -> None:
    result, models = _ask(batching, BACK)
    assert models is not None
    assert models.dispatch_simulator is not None
    joined = result.effects["cx_score"]
    for answer in (models.g_computation, models.dispatch_simulator):
        assert joined.low <= answer.estimate <= joined.high
    middle = (models.g_computation.estimate + models.dispatch_simulator.estimate) / 2
    assert joined.estimate == pytest.approx(middle)
    assert "within their tolerance" in models.reason


def test_it_is_played_once(batching: object) -> None:
    assert _ask(batching, BACK) == _ask(batching, BACK)


def test_what_is_counted_is_not_simulated(batching: object) -> None:
    longer = Intervention(driver="promise_s", change="shift", amount=120)
    result, models = _ask(batching, longer)
    assert models is not None
    assert models.dispatch_simulator is None
    assert models.g_computation == result.effects["cx_score"]
    assert "counted order by order" in models.reason


def test_what_the_simulator_does_not_move_is_said(batching: object) -> None:
    _, models = _ask(batching, Intervention(driver="dasher_wait_s", change="to_baseline"))
    assert models is not None
    assert models.dispatch_simulator is None
    assert "does not move dasher_wait_s" in models.reason


@pytest.mark.slow
def test_a_narrower_selection_is_played_with_orders_lost() -> None:
    world = case("inventory")
    hidden = Intervention(driver="unavailable_items", change="hide_below", amount=0.9)
    _, models = _ask(world, hidden)
    assert models is not None
    if models.dispatch_simulator is not None:
        assert models.dispatch_simulator.estimate > models.g_computation.estimate
        assert "of the orders lost" in models.reason
