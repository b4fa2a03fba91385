"""An action of somebody's own choosing on an incident: made concrete, and its effects estimated.

Nothing is searched and nothing is held against the floor on efficiency: who chooses an action sees its price in
the plan. The cause that it acts on is taken as given.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from data.slices import Slice
from tools.actions import ACTIONS, Action
from tools.actions.base import Estimate, Parameter
from tools.candidates import Candidate, candidates, concrete
from tools.errors import ToolFailure
from tools.incidents import Incident
from tools.recommend import recommendation_of
from tools.recommendations import Recommendation
from tools.registry import ToolContext
from tools.second_opinion import second_opinion
from tools.whatif import estimate

CHANGE: Final = ("policy", "change_id", "from", "to")
"""Parameters of a rolled-back change, by which one of several is chosen."""


@dataclass(frozen=True)
class Choice:
    """What somebody chose, checked against the template."""

    action: Action
    estimate: Estimate
    parameters: Mapping[str, float]
    """Within their bounds; none for an action that rolls a recorded change back."""
    change: Mapping[str, str]
    """What tells the recorded change to roll back from others; empty takes the newest."""


def choose(action: str, given: Mapping[str, str]) -> Choice:
    """An action by id, with its parameters as text.

    Args:
        action: id of a template.
        given: parameters by name; of an action that rolls a recorded change back, `policy`, `change_id`, `from` or
            `to` of that change.

    Raises:
        ValueError: there is no such action, it changes nothing, or a parameter is unknown, missing or outside of its
            bounds.
    """
    if action not in ACTIONS:
        raise ValueError(f"action {action!r} is unknown; known: {', '.join(ACTIONS)}")
    template = ACTIONS[action]
    if template.estimate is None:
        raise ValueError(f"action {action!r} changes nothing, so there is nothing to try out")
    if template.recorded is None:
        return Choice(template, template.estimate, _parameters(template, given), {})
    _only(template, given, CHANGE)
    return Choice(template, template.estimate, {}, dict(given))


def own_action(
    context: ToolContext, incident: Incident, choice: Choice, *, scope: Slice | None = None
) -> Recommendation:
    """The chosen action with its estimated effects.

    Args:
        context: dataset and settings.
        incident: gives the orders; its slice is the scope unless `scope` is another.
        choice: from `choose`.
        scope: orders that the action is to reach.

    Raises:
        ValueError: no recorded change is the one that was asked for; lists those that are.
        ToolFailure: the data cannot tell what it would do; says why.
        NotTestableError: a table or column that it needs is absent.
    """
    context.dataset.require(*choice.action.needs)
    where = incident if scope is None else incident.model_copy(update={"slice": scope})
    if choice.action.recorded is None:
        chosen = concrete(choice.action, choice.estimate, where.slice, choice.parameters)
    else:
        chosen = _recorded(candidates(choice.action, where, context), choice.change)
    result = estimate(
        context.dataset,
        where=chosen.scope,
        window=incident.window,
        intervention=chosen.intervention,
        settings=context.settings,
        doubted=False,
    )
    result, models = second_opinion(
        context.dataset,
        result,
        where=chosen.scope,
        window=incident.window,
        intervention=chosen.intervention,
        settings=context.settings,
    )
    cause = choice.action.addresses[0].value
    return recommendation_of(chosen, result, confidence=result.coverage_share, addresses=cause, models=models)


def _parameters(template: Action, given: Mapping[str, str]) -> dict[str, float]:
    known = {parameter.name: parameter for parameter in template.parameters}
    _only(template, given, known)
    missing = [name for name in known if name not in given]
    if missing:
        wanted = "; ".join(_bounds(known[name]) for name in missing)
        raise ValueError(f"action {template.id!r} needs {wanted}")
    return {name: _number(parameter, given[name]) for name, parameter in known.items()}


def _only(template: Action, given: Iterable[str], known: Iterable[str]) -> None:
    names = list(known)
    strange = [name for name in given if name not in names]
    if strange:
        takes = f"it takes {', '.join(names)}" if names else "it takes none"
        raise ValueError(f"action {template.id!r} has no parameter {strange[0]!r}; {takes}")


def _number(parameter: Parameter, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"{parameter.name} = {text!r} is not a number; {_bounds(parameter)}") from error
    if not parameter.low <= value <= parameter.high or math.isnan(value):
        raise ValueError(f"{parameter.name} = {text!r} lies outside of its bounds; {_bounds(parameter)}")
    return value


def _bounds(parameter: Parameter) -> str:
    return f"{parameter.name}, from {parameter.low:g} to {parameter.high:g} ({parameter.unit}: {parameter.description})"


def _recorded(options: Iterable[Candidate], wanted: Mapping[str, str]) -> Candidate:
    """The newest recorded change that fits."""
    found = list(options)
    if not found:
        raise ToolFailure("no fitting change is recorded about the onset in this slice")
    for option in found:
        if all(str(option.parameters[name]) == value for name, value in wanted.items()):
            return option
    recorded = "; ".join(
        ", ".join(f"{name} {str(option.parameters[name])!r}" for name in CHANGE) for option in found
    )
    raise ValueError(f"no recorded change has {dict(wanted)!r}; recorded about the onset: {recorded}")
