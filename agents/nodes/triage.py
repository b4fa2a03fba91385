"""Triage: which incident, and who could explain it."""

from functools import partial
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from agents import powers
from agents import tools as adapters
from agents.context import Context
from agents.events import Emitter
from agents.specialists import CONTEXT, INVESTIGATORS
from agents.state import Branch, Json, State, Task
from data.errors import NotTestableError
from tools.errors import ToolFailure
from tools.evidence import Evidence, observe
from tools.hypotheses import HYPOTHESES
from tools.hypotheses import Specialist as Tester
from tools.incidents import Grain, Incident, Kind

Target = Literal["investigator", "join", "report"]


class UnknownIncidentError(LookupError):
    """No incident of this id is found in these data as of this time."""

    def __init__(self, id: str, known: tuple[str, ...]) -> None:
        listed = ", ".join(known) or "none: nothing is wrong in these data"
        super().__init__(f"no incident {id!r}; known as of the same time: {listed}")
        self.known = known


async def triage(state: State, runtime: Runtime[Context]) -> Command[Target]:
    """Find the incident, test what is tested without a specialist, and route."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "triage")
    with emitter.step("triage"):
        incident = await _incident(state, context)
        if incident is None:
            return Command(update={"incident": None}, goto="report")
        return await _route(state["run_id"], incident, context, emitter)


async def _incident(state: State, context: Context) -> Incident | None:
    given = state.get("incident")
    if given is not None:
        return Incident.model_validate(given)
    grain: Grain = "hour" if state["grain"] == "hour" else "day"
    found = (await powers.compute(context, lambda: powers.detect(context, grain))).incidents
    wanted = state["incident_id"]
    if wanted is None:
        return next((i for i in found if i.kind is Kind.CX), next(iter(found), None))
    for incident in found:
        if incident.id == wanted:
            return incident
    raise UnknownIncidentError(wanted, tuple(i.id for i in found))


async def _route(run: str, incident: Incident, context: Context, emitter: Emitter) -> Command[Target]:
    whole: Json = incident.model_dump(mode="json")
    emitter.activity("cx.incident", incident.id, whole)
    not_testable = await powers.compute(context, lambda: powers.untestable(context, incident))
    able = {h.specialist for h in HYPOTHESES.values() if h.id not in not_testable}
    routes = [name for name in INVESTIGATORS if name in able]
    own = await examine(context, CONTEXT, incident, emitter)
    await _add_for_people(context, incident, own, emitter)
    for id_, reason in not_testable.items():
        if HYPOTHESES[id_].specialist not in routes:
            own["not_testable"].setdefault(id_.value, reason)
    update: State = {"incident": whole, "branches": [own], "limitations": own["limitations"]}
    if not routes:
        return Command(update=update, goto="join")
    sends = [
        Send("investigator", Task(run_id=run, specialist=name, siblings=routes, incident=whole))
        for name in routes
    ]
    return Command(update=update, goto=sends)


async def examine(context: Context, specialist: Tester, incident: Incident, emitter: Emitter) -> Branch:
    """Run a specialist's fixed battery and tell each of its tool calls."""
    results = await powers.compute(context, lambda: powers.battery(context, specialist, incident))
    branch = Branch(
        specialist=specialist, evidence=[], battery={}, not_testable={}, remarks="", limitations=[]
    )
    for id_, result in results.items():
        if result.not_testable is not None:
            branch["not_testable"][id_.value] = result.not_testable
        if result.evidence:
            branch["battery"][id_.value] = [evidence.id for evidence in result.evidence]
        for evidence in result.evidence:
            _tell(emitter, evidence)
            branch["evidence"].append(evidence.model_dump(mode="json"))
    return branch


async def _add_for_people(context: Context, incident: Incident, branch: Branch, emitter: Emitter) -> None:
    """The CX Score of the slice and the money lost; no hypothesis rests on them."""
    for tool, metric, missing in (
        ("metric_values", "cx_score", "no CX Score of the slice"),
        ("money_lost", incident.metric, "no sum of money"),
    ):
        arguments = {
            "metric": metric,
            "slice": incident.slice.model_dump(),
            "start": incident.window.start.isoformat(),
            "end": incident.window.end.isoformat(),
        }
        id_ = f"{CONTEXT}:{len(branch['evidence']) + 1}"
        ask = partial(observe, powers.registry()[tool], context.tools, arguments, id=id_)
        try:
            found = await powers.compute(context, ask)
        except (ToolFailure, NotTestableError) as failure:
            branch["limitations"].append(f"{missing}: {failure}")
            continue
        _tell(emitter, found)
        branch["evidence"].append(found.model_dump(mode="json"))


def _tell(emitter: Emitter, evidence: Evidence) -> None:
    call = emitter.tool_called(evidence.tool, evidence.arguments)
    emitter.tool_answered(call, adapters.content(evidence))
