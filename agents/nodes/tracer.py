"""Tracer: by which ways the damage of the leading cause came, computed by code."""

from langgraph.runtime import Runtime

from agents import powers
from agents.context import Context
from agents.state import State
from data.errors import NotTestableError
from tools.challenged import leader_of
from tools.errors import ToolFailure
from tools.findings import Adjudication
from tools.incidents import Incident


async def tracer(state: State, runtime: Runtime[Context]) -> State:
    """Follow the leader's module to the outcome, if there is a leader and it acts in one."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "tracer")
    with emitter.step("ways of the damage"):
        leader = leader_of(Adjudication.model_validate(state["adjudication"]))
        if leader is None:
            return {}
        incident = Incident.model_validate(state["incident"])
        number = f"E{len(state['evidence']) + 1}"
        try:
            found = await powers.compute(context, lambda: powers.paths(context, incident, leader, id=number))
        except (ToolFailure, NotTestableError) as failure:
            return {"limitations": [f"the ways of the damage are not known: {failure}"]}
        if found is None:
            return {}
        whole = found.model_dump(mode="json")
        emitter.activity("cx.evidence", found.id, whole)
        return {"evidence": state["evidence"] | {found.id: whole}}
