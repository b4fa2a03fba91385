"""What the service asks of the tools about an experiment."""

import pytest

from data.slices import Slice
from server.experiment_powers import design
from server.experiment_types import Adjustment
from tests.tools.worlds import case
from tools.own_action import choose, own_action
from tools.recommendations import Recommendation
from tools.registry import ToolContext


@pytest.fixture(scope="module")
def context() -> ToolContext:
    return ToolContext(case("batching").dataset)


@pytest.fixture(scope="module")
def base(context: ToolContext) -> Recommendation:
    return own_action(context, case("batching").incident, choose("reduce_batching_threshold", {}))


def test_length_and_effect_size_the_same_action_anew(context: ToolContext, base: Recommendation) -> None:
    incident = case("batching").incident
    longer = design(context, incident, base, Adjustment(days=28))
    assert (longer.recommendation, longer.plan.days) == (base, 28)
    finer = design(context, incident, base, Adjustment(mde=0.03))
    assert finer.plan.mde == 0.03
    assert finer.plan.units_needed > longer.plan.units_needed


def test_the_action_keeps_its_parameters_elsewhere(context: ToolContext, base: Recommendation) -> None:
    """And a roll-back reaches no further than the change that it takes back."""
    incident, city = case("batching").incident, Slice.parse({"region": base.scope.get("region")})
    asked = design(context, incident, base, Adjustment(scope=city)).recommendation
    assert (asked.action, asked.parameters, asked.scope) == (base.action, base.parameters, base.scope)


def test_another_action_is_planned_with_its_own_parameters(
    context: ToolContext, base: Recommendation
) -> None:
    asked = Adjustment(action="add_courier_supply", parameters={"couriers_share": "0.1"})
    other = design(context, case("batching").incident, base, asked)
    assert other.recommendation.parameters == {"couriers_share": 0.1}
    assert (other.plan.action, other.plan.scope) == ("add_courier_supply", base.scope)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Adjustment(days=3), "days = 3, must be at least 7"),
        (Adjustment(action="pray"), "unknown; known: reduce_batching_threshold"),
        (Adjustment(action="add_courier_supply"), "needs couriers_share"),
        (Adjustment(scope=Slice.parse({"planet": "Mars"})), "scope names 'planet'; these data have"),
    ],
)
def test_what_cannot_be_tried_is_named(
    context: ToolContext, base: Recommendation, asked: Adjustment, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        design(context, case("batching").incident, base, asked)


def test_an_action_of_an_earlier_version_is_named(context: ToolContext, base: Recommendation) -> None:
    gone = base.model_copy(update={"action": "restore_threshold"})
    with pytest.raises(ValueError, match="not known any more"):
        design(context, case("batching").incident, gone, Adjustment(days=28))
