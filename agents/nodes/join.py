"""Join: the evidence gets its final ids, code adjudicates."""

from langgraph.runtime import Runtime

from agents import powers
from agents.context import Context
from agents.state import Json, State
from tools.evidence import Evidence, renumber
from tools.findings import HypothesisId
from tools.incidents import Incident


async def join(state: State, runtime: Runtime[Context]) -> State:
    """Number the evidence of all branches and adjudicate what the batteries found."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "join")
    incident = Incident.model_validate(state["incident"])
    branches = sorted(state["branches"], key=lambda branch: branch["specialist"])
    final = renumber(Evidence.model_validate(each) for branch in branches for each in branch["evidence"])
    battery = {
        HypothesisId(id_): [final[old] for old in ids]
        for branch in branches
        for id_, ids in branch["battery"].items()
    }
    not_testable = {
        HypothesisId(id_): why for branch in branches for id_, why in branch["not_testable"].items()
    }
    with emitter.step("adjudication"):
        verdict = await powers.compute(
            context, lambda: powers.adjudicate(context, incident, battery, not_testable)
        )
        evidence: dict[str, Json] = {each.id: each.model_dump(mode="json") for each in final.values()}
        for id_, each in evidence.items():
            emitter.activity("cx.evidence", id_, each)
    return {
        "evidence": evidence,
        "battery": {id_.value: [each.id for each in found] for id_, found in battery.items()},
        "adjudication": verdict.model_dump(mode="json"),
    }
