"""The actions as Markdown, for `docs/actions.md`."""

from collections.abc import Iterator

from tools.actions import ACTIONS, Action


def documentation() -> str:
    """The page; a test keeps the committed one current."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Actions"
    yield ""
    yield "Generated from `tools/actions/`; a test keeps it current. An action is a declarative template in a file of"
    yield "its own and a line in `tools/actions/__init__.py`. It holds no effect and no confidence: effects come from"
    yield "`what_if`, sizes from the data. To recommend, every applicable action's parameters are searched on their grid;"
    yield "settings that do not help, cannot be estimated, or leave less efficiency than the floor are dropped with the"
    yield "reason; the rest are ranked by the lower confidence limit of the CX gain times the probability of the cause."
    yield "The setting that is chosen is put to the dispatch simulator as well ([simulation](simulation.md)), and the settings that"
    yield "no other one beats for customers and for efficiency alike are kept beside it (`front`)."
    yield "What is paid with orders that these data cannot show comes after what has a price that is told."
    yield ""
    yield "| action | acts on | paid with | unit of its experiment | owner | undone | effort |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for action in ACTIONS.values():
        causes = ", ".join(f"`{hypothesis.value}`" for hypothesis in action.addresses)
        yield (
            f"| [`{action.id}`](#{action.id}) | {causes} | {action.price.replace('_', ' ')} "
            f"| {_CHANNELS[action.channel]} | {action.owner} "
            f"| {action.reversibility} | {action.complexity} |"
        )
    for action in ACTIONS.values():
        yield from _section(action)


_CHANNELS = {
    "supply": "switchback: region x window",
    "store": "store cluster",
    "display": "customer",
    "none": "none",
}


def _section(action: Action) -> Iterator[str]:
    yield ""
    yield f"## {action.id}"
    yield ""
    yield f"{action.title}."
    yield ""
    yield f"- Why it should help: {action.mechanism}"
    yield f"- Effect: {_estimate(action)}"
    yield f"- Needs: {', '.join(f'`{name}`' for name in action.needs) or 'nothing'}{_recorded(action)}"
    for parameter in action.parameters:
        found = ", measured" if parameter.measured else f" in {parameter.levels} steps"
        bounds = f"{parameter.low:g} to {parameter.high:g}{found}"
        yield f"- `{parameter.name}` ({parameter.unit}): {parameter.description}; {bounds}"
    yield f"- How: {action.implementation}"
    for risk in action.risks:
        yield f"- Risk: {risk}"


def _estimate(action: Action) -> str:
    if action.estimate is None:
        return "none; nothing is changed"
    amount = "" if action.estimate.amount is None else f" by `{action.estimate.amount}`"
    return f"`what_if` with driver `{action.estimate.driver}`, change `{action.estimate.change}`{amount}"


def _recorded(action: Action) -> str:
    if action.recorded is None:
        return ""
    words = " or ".join(f"'{word}'" for word in action.recorded.words)
    which = f" with {words} in its name" if words else ""
    raised = ", its value raised" if action.recorded.direction == "raised" else ""
    judged = "" if action.recorded.judged is None else ", the one that the battery judged"
    return f"; a change{which} recorded about the onset in the slice{raised}{judged}"
