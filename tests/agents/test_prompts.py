import pytest

from agents import powers, prompts
from agents.nodes.writer import instructions
from agents.specialists import INVESTIGATORS, STRATEGIST, Specialist
from knowledge.playbooks import parse_steps
from tools.registry import Access


@pytest.mark.parametrize("specialist", [*INVESTIGATORS.values(), STRATEGIST], ids=lambda s: s.name)
def test_specialist_gets_its_playbook_and_only_tools_that_look(specialist: Specialist) -> None:
    system = specialist.instructions()
    specs = powers.registry().select(specialist.tools)
    assert all(spec.access is Access.READ for spec in specs)
    steps = parse_steps(system)
    assert steps
    assert {step.tool for step in steps} <= set(specialist.tools)


def test_writer_instructions_hold_the_phrase_book() -> None:
    assert "yaml phrases" in instructions()
    assert "$" not in instructions().replace("$phrases", "")


def test_fill_names_what_is_missing() -> None:
    with pytest.raises(ValueError, match="wants"):
        prompts.fill("supply", playbook="x")
    with pytest.raises(KeyError, match="no prompt"):
        prompts.read("nobody")
