"""Every action template keeps the same promises."""

from pathlib import Path

import pytest

from data.slices import Slice
from tools.actions import ACTIONS, MONITOR, Action
from tools.actions.base import Parameter
from tools.actions.documentation import documentation
from tools.findings import HypothesisId
from tools.wording import fill

DOCS = Path(__file__).parents[3] / "docs" / "actions.md"


@pytest.fixture(params=sorted(ACTIONS))
def action(request: pytest.FixtureRequest) -> Action:
    return ACTIONS[request.param]


def test_template_is_registered_under_its_id(action: Action) -> None:
    assert ACTIONS[action.id] is action
    assert action.addresses
    assert action.implementation
    assert action.risks


def test_template_holds_no_number_of_its_own(action: Action) -> None:
    for text in (action.title, action.mechanism, action.implementation, *action.risks):
        assert not any(character.isdigit() for character in text), text


def test_template_can_be_filled_in(action: Action) -> None:
    parameters: dict[str, object] = {p.name: p.low for p in action.parameters}
    parameters |= {"policy": "batching_threshold", "from": "4", "to": "2"} if action.recorded else {}
    for text in (action.title, action.implementation, *action.risks):
        assert "{{" not in fill(text, scope=Slice(), parameters=parameters)


def test_template_says_how_it_is_estimated_unless_it_changes_nothing(action: Action) -> None:
    if action is MONITOR:
        assert action.estimate is None
        return
    assert action.estimate is not None
    names = {parameter.name for parameter in action.parameters}
    assert action.estimate.amount is None or action.estimate.amount in names
    for parameter in action.parameters:
        assert parameter.low < parameter.high
        assert parameter.grid()[0] == parameter.low
        assert parameter.grid()[-1] == pytest.approx(parameter.high)


def test_every_cause_but_none_has_an_action() -> None:
    addressed = {hypothesis for action in ACTIONS.values() for hypothesis in action.addresses}
    assert addressed == set(HypothesisId)


def test_grid_of_one_value_is_its_low_end() -> None:
    assert Parameter("x", 1, 2, 1, "", "").grid() == (1,)


def test_documentation_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == documentation()
