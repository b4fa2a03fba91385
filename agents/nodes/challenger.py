"""Challenger: code tries to break the leading cause; then the verdict is final."""

from langgraph.runtime import Runtime

from agents import powers
from agents.catalog import zone_of
from agents.challenge import entries
from agents.context import Context
from agents.events import Emitter
from agents.state import State
from data.errors import NotTestableError
from tools.challenged import leader_of
from tools.errors import ToolFailure
from tools.evidence import Evidence
from tools.findings import Adjudication, HypothesisId
from tools.incidents import Incident


async def challenger(state: State, runtime: Runtime[Context]) -> State:
    """Challenge the leader, if there is one, and tell the final verdict."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "challenger")
    verdict = Adjudication.model_validate(state["adjudication"])
    update: State = {}
    with emitter.step("challenge"):
        leader = leader_of(verdict)
        if leader is not None:
            try:
                evidence = await _challenge(state, context, leader)
            except (ToolFailure, NotTestableError) as failure:
                update["limitations"] = [f"the leading cause was not challenged: {failure}"]
            else:
                verdict = powers.challenged(verdict, evidence)
                update["evidence"] = state["evidence"] | {evidence.id: evidence.model_dump(mode="json")}
                _tell(emitter, evidence, Incident.model_validate(state["incident"]), context)
        for finding in (*verdict.findings, *verdict.ruled_out):
            emitter.activity("cx.hypothesis", finding.hypothesis.value, finding.model_dump(mode="json"))
    update["adjudication"] = verdict.model_dump(mode="json")
    return update


async def _challenge(state: State, context: Context, leader: HypothesisId) -> Evidence:
    incident = Incident.model_validate(state["incident"])
    battery = {
        HypothesisId(id_): [Evidence.model_validate(state["evidence"][one]) for one in ids]
        for id_, ids in state["battery"].items()
    }
    number = f"E{len(state['evidence']) + 1}"
    return await powers.compute(
        context, lambda: powers.challenge(context, incident, leader, battery, id=number)
    )


def _tell(emitter: Emitter, evidence: Evidence, incident: Incident, context: Context) -> None:
    emitter.activity("cx.evidence", evidence.id, evidence.model_dump(mode="json"))
    for entry in entries([evidence], zone_of(context.dataset, incident)):
        emitter.activity("cx.challenge", entry.name, entry.model_dump(mode="json"))
