import importlib
from pathlib import Path

import pytest

from knowledge.markdown import PageError
from knowledge.playbooks import Call, Condition, Results, Step, load, next_call, parse_steps, specialists
from tools.registry import REGISTRY, Registry

ROOT = Path(__file__).parents[2]
INCIDENT = {
    "metric": "on_time",
    "slice": {"region": "SF", "category": "grocery", "hour": {"from": 18, "to": 20}},
    "window": {"start": "2026-03-03T08:00:00Z", "end": "2026-03-05T08:00:00Z"},
}
TOOLS = {
    "changes_in_scope", "completeness", "context_overlap", "cx_score", "drivers", "mechanism_shapley", "mechanism_shift", "metric_values",
    "policy_effect", "promise_shift", "search_knowledge", "stock_shift", "supply_shift", "top_slices",
    "volume_shift", "what_if",
}  # fmt: skip


def test_specialists_cover_every_role() -> None:
    assert specialists() == ("eta_model", "inventory", "merchant", "policy", "strategist", "supply")


def _registered() -> Registry:
    """Every tool that this installation has."""
    for module in sorted(path.stem for path in (ROOT / "tools").glob("*.py")):
        importlib.import_module(f"tools.{module}")
    return REGISTRY


@pytest.mark.parametrize(
    ("name", "step"), [(name, step) for name in specialists() for step in load(name).steps]
)
def test_step_fits_the_tool_it_calls(name: str, step: Step) -> None:
    registry = _registered()
    registry[step.tool].arguments.model_validate(step.bind(INCIDENT).args)
    for condition in (*step.when, *step.stop):
        assert condition.field.split(".")[0] in registry[condition.tool].result.model_fields, name


@pytest.mark.parametrize("name", specialists())
def test_shipped_playbook_has_prose_and_known_tools(name: str) -> None:
    playbook = load(name)
    assert 1 <= len(playbook.steps) <= 5
    assert {step.tool for step in playbook.steps} <= TOOLS
    assert {c.tool for step in playbook.steps for c in (*step.when, *step.stop)} <= TOOLS
    assert all(step.why for step in playbook.steps)
    assert len(playbook.text.split()) > 80


def test_load_unknown_names_what_exists() -> None:
    with pytest.raises(KeyError, match="no playbook 'weather'; known: eta_model"):
        load("weather")


def test_steps_survive_a_system_message() -> None:
    playbook = load("supply")
    message = f"You are the supply specialist.\n\n{playbook.text}\n\n## Incident\n\n```json\n{{}}\n```\n"
    assert parse_steps(message) == playbook.steps


def test_parse_steps_without_block_is_empty() -> None:
    assert parse_steps("# Nothing to do") == ()
    assert parse_steps("```yaml steps\n```") == ()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("- args: {}", "0.tool"),
        ("- tool: drivers\n  args: {start: $begin}", "no placeholder '\\$begin'"),
        ("- tool: drivers\n  args: {start: $start.hour}", "no placeholder '\\$start.hour'"),
        ("- tool: drivers\n  when: {tool: drivers, field: z}", "write one comparison"),
        ("- tool: drivers\n  when: {tool: drivers, field: z, above: 2, is: 3}", "write one comparison"),
        ("- tool: drivers\n  wen: 1", "wen"),
        ("- tool: [", "malformed YAML"),
        ("- tool: drivers\n  tool: drivers", "'tool' is written twice"),
    ],
)
def test_parse_steps_refuses(block: str, message: str) -> None:
    with pytest.raises(PageError, match=message):
        parse_steps(f"```yaml steps\n{block}\n```", where="supply")


def test_parse_steps_refuses_two_blocks() -> None:
    with pytest.raises(PageError, match=r"supply:3: a playbook has one block"):
        parse_steps("```yaml steps\n```\n```yaml steps\n```", where="supply")


def condition(**fields: object) -> Condition:
    return Condition.model_validate({"tool": "t", "field": "z", **fields})


@pytest.mark.parametrize(
    ("fields", "results", "holds"),
    [
        ({"above": 2}, [{"z": 2}], False),
        ({"above": 2}, [{"z": 1}, {"z": 2.5}], True),
        ({"at_least": 2, "below": 3}, [{"z": 2}], True),
        ({"above": 2}, [{"z": "high"}], False),
        ({"above": 2}, [{"z": None}], False),
        ({"above": 2}, [{}], False),
        ({"is": "late"}, [{"z": "late"}], True),
        ({"is_not": "late"}, [{"z": "early"}], True),
        ({"is_not": "late"}, [{}], False),
        ({"in": ["a", "b"]}, [{"z": "b"}], True),
        ({"field": "a.z", "above": 2}, [{"a": {"z": 3}}], True),
        ({"field": "a.z", "above": 2}, [{"a": [{"z": 1}, {"z": 3}]}], True),
        ({"field": "a.length", "at_least": 2}, [{"a": [{"z": 1}, {"z": 3}]}], True),
        ({"field": "a.length", "at_least": 1}, [{"a": []}], False),
        ({"is": True}, [{"z": 1}], False),
    ],
)
def test_condition_holds(fields: dict[str, object], results: list[dict[str, object]], holds: bool) -> None:
    assert condition(**fields).holds({"t": results}) is holds


def test_bind_fills_placeholders() -> None:
    args = {
        "slice": "$slice",
        "start": "$start",
        "end": "$end",
        "metric": "$metric",
        "dims": ["$slice.region", "x"],
    }
    assert Step(tool="t", args=args).bind(INCIDENT).args == {
        "slice": INCIDENT["slice"],
        "start": "2026-03-03T08:00:00Z",
        "end": "2026-03-05T08:00:00Z",
        "metric": "on_time",
        "dims": ["SF", "x"],
    }


def test_bind_leaves_out_what_the_incident_lacks() -> None:
    step = Step(tool="t", args={"slice": {"store_id": "$slice.store_id"}, "list": ["$slice.store_id"]})
    assert step.bind(INCIDENT).args == {"slice": {}, "list": []}


STEPS = parse_steps(
    """
```yaml steps
- tool: first
  args: {start: $start}
  stop: {tool: first, field: z, below: 1}
- tool: second
  when: [{tool: first, field: z, above: 2}, {tool: battery, field: ok, is: true}]
- tool: third
```
"""
)
FIRST = Call("first", {"start": "2026-03-03T08:00:00Z"})


def test_next_call_goes_in_order_and_skips_what_is_not_due() -> None:
    results: Results = {"first": [{"z": 3}], "battery": [{"ok": True}]}
    assert next_call(STEPS, INCIDENT, [], {}) == FIRST
    assert next_call(STEPS, INCIDENT, [FIRST], results) == Call("second", {})
    assert next_call(STEPS, INCIDENT, [FIRST], {"first": [{"z": 3}]}) == Call("third", {})
    assert next_call(STEPS, INCIDENT, [FIRST, Call("second", {}), Call("third", {})], results) is None


def test_next_call_stops() -> None:
    assert next_call(STEPS, INCIDENT, [FIRST], {"first": [{"z": 0.5}]}) is None


def test_an_edited_playbook_changes_the_calls() -> None:
    text = load("policy").text
    edited = text.replace("driver: batched", "driver: prep_s")
    results: Results = {"changes_in_scope": [{"n_changes": 1}]}
    before, after = (next_call(parse_steps(t), INCIDENT, [], results) for t in (text, edited))
    assert before is not None
    assert after is not None
    assert (before.args["driver"], after.args["driver"]) == ("batched", "prep_s")
