"""Playbooks: how a specialist goes on from the battery, in prose for a model and in steps for code.

A playbook is one Markdown file with one fenced `yaml steps` block. Both kinds of reasoner get the whole text in
their system message; the offline reasoner reads the steps back out of it with `parse_steps`.

    - tool: metric_values
      args: {metric: $metric, slice: {hour: $slice.hour}, start: $start, end: $end}
      when: {tool: supply_shift, field: z, above: 2}
      stop: {tool: metric_values, field: delta_pp, at_least: 0}
      why: One sentence.

`when` (one condition or a list, all of which must hold) looks at results that are already there; absent means
always. `stop` is looked at once the step has run and ends the playbook where it holds.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError, field_validator

from knowledge.markdown import PageError, blocks
from knowledge.parse import explain
from tools.comparison import Comparison

Results = Mapping[str, Sequence[Mapping[str, Any]]]
"""Tool results so far, by tool name, in the order they came."""
_PLAIN = {"slice": ("slice",), "start": ("window", "start"), "end": ("window", "end"), "metric": ("metric",)}
_ABSENT = object()


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Call(NamedTuple):
    """A tool call with its arguments filled in."""

    tool: str
    args: dict[str, Any]


class Condition(Comparison):
    """A comparison of a field in earlier results of a tool.

    `field` is a dotted path; a list on the way means any of its items, `length` counts them.

    Example:
        >>> condition = Condition.model_validate({"tool": "mechanism_shift", "field": "z", "above": 2})
        >>> condition.holds({"mechanism_shift": [{"z": 0.3}, {"z": 4.1}]}), condition.holds({})
        (True, False)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    tool: str
    field: str

    def holds(self, results: Results) -> bool:
        """Whether any result of the tool satisfies it; False where there is none."""
        values = (
            value for result in results.get(self.tool, ()) for value in _walk(result, self.field.split("."))
        )
        return any(self.compare(value) is True for value in values)


def _walk(value: object, path: Sequence[str]) -> list[object]:
    if isinstance(value, list | tuple):
        if list(path) == ["length"]:
            return [len(value)]
        return [leaf for item in value for leaf in _walk(item, path)]
    if not path:
        return [value]
    if isinstance(value, Mapping) and path[0] in value:
        return _walk(value[path[0]], path[1:])
    return []


def _listed(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(_listed)]


class Step(_Model):
    """One follow-up call."""

    tool: str
    args: dict[str, Any] = {}
    when: Conditions = ()
    stop: Conditions = ()
    why: str = ""

    @field_validator("args")
    @classmethod
    def _known_placeholders(cls, args: dict[str, Any]) -> dict[str, Any]:
        for text in _strings(args):
            name, _, field = text[1:].partition(".")
            if text.startswith("$") and (name not in _PLAIN or (field and name != "slice")):
                raise ValueError(
                    f"no placeholder {text!r}; known: $slice, $slice.<dimension>, $start, $end, $metric"
                )
        return args

    def due(self, results: Results) -> bool:
        """Whether its conditions hold on the results so far."""
        return all(condition.holds(results) for condition in self.when)

    def ends(self, results: Results) -> bool:
        """Whether, once it has run, the playbook is over."""
        return bool(self.stop) and all(condition.holds(results) for condition in self.stop)

    def bind(self, incident: Mapping[str, Any]) -> Call:
        """The call for an incident (its JSON); an argument the incident does not have is left out.

        Example:
            >>> step = Step(tool="t", args={"slice": {"hour": "$slice.hour", "region": "$slice.region"}})
            >>> step.bind({"slice": {"region": "SF"}}).args
            {'slice': {'region': 'SF'}}
        """
        bound = _fill(self.args, incident)
        return Call(self.tool, bound if isinstance(bound, dict) else {})


class Playbook(_Model):
    """A playbook as shipped."""

    specialist: str
    text: str
    """The whole Markdown, for the system message."""
    steps: tuple[Step, ...]


_STEPS = TypeAdapter(tuple[Step, ...])


def specialists() -> tuple[str, ...]:
    """Names that `load` accepts, sorted."""
    names = (entry.name for entry in (files("knowledge") / "playbooks").iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in names if name.endswith(".md")))


def load(specialist: str) -> Playbook:
    """A shipped playbook; raises `KeyError` where there is none of that name."""
    if specialist not in specialists():
        raise KeyError(f"no playbook {specialist!r}; known: {', '.join(specialists())}")
    text = (files("knowledge") / "playbooks" / f"{specialist}.md").read_text(encoding="utf-8")
    return Playbook(specialist=specialist, text=text, steps=parse_steps(text, where=specialist))


def parse_steps(text: str, *, where: str = "playbook") -> tuple[Step, ...]:
    """The steps of the `yaml steps` block in a text; none where there is no block.

    Raises:
        PageError: two blocks, or a malformed one.
    """
    found = blocks(text, "steps", where=where)
    if len(found) > 1:
        raise PageError(f"{where}:{found[1].line}", "a playbook has one block of steps")
    if not found:
        return ()
    try:
        return _STEPS.validate_python(found[0].content or ())
    except ValidationError as error:
        raise PageError(f"{where}:{found[0].line}", explain(error)) from error


def next_call(
    steps: Sequence[Step], incident: Mapping[str, Any], made: Collection[Call], results: Results
) -> Call | None:
    """The first call that is due and was not yet made; None where the playbook is over.

    Args:
        steps: of one playbook, in order.
        incident: its JSON, for the placeholders.
        made: every call of the conversation so far, whoever made it.
        results: of those calls, by tool.
    """
    seen = {_key(call) for call in made}
    for step in steps:
        call = step.bind(incident)
        if _key(call) not in seen:
            if step.due(results):
                return call
        elif step.ends(results):
            return None
    return None


def _key(call: Call) -> str:
    return f"{call[0]} {json.dumps(call[1], sort_keys=True, default=str)}"


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for item in items for text in _strings(item)]


def _fill(value: object, incident: Mapping[str, Any]) -> object:
    if isinstance(value, str) and value.startswith("$"):
        name, _, field = value[1:].partition(".")
        return _dig(incident, (*_PLAIN[name], *([field] if field else [])))
    if isinstance(value, Mapping):
        filled = {str(key): _fill(item, incident) for key, item in value.items()}
        return {key: item for key, item in filled.items() if item is not _ABSENT}
    if isinstance(value, list):
        return [item for item in (_fill(item, incident) for item in value) if item is not _ABSENT]
    return value


def _dig(value: object, path: Sequence[str]) -> object:
    for name in path:
        if not isinstance(value, Mapping) or value.get(name) is None:
            return _ABSENT
        value = value[name]
    return value
