"""Writer: one draft, one attempt to repair it, and only what is grounded is kept."""

from typing import Any, Final

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langgraph.runtime import Runtime

from agents import prompts
from agents.catalog import Found, allowed, names_in, writer_task, zone_of
from agents.context import Context
from agents.conversation import Conversation, ask, opening
from agents.grounding import Allowed, Grounded, ground
from agents.reasoner import OfflineReasoner
from agents.state import State
from agents.text import compact_json
from agents.writing import parse
from tools.evidence import Evidence
from tools.experiment import ExperimentPlan
from tools.findings import Adjudication
from tools.incidents import Incident
from tools.recommendations import Recommendation

NAME: Final = "Writer"


async def writer(state: State, runtime: Runtime[Context]) -> State:
    """Write the narrative."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "writer")
    with emitter.step("writing"):
        what = found(state, context)
        may = allowed(what)
        remarks = {b["specialist"]: b["remarks"] for b in state["branches"] if b["remarks"]}
        task = writer_task(what, may, remarks, state.get("limitations", []))
        conversation = Conversation(NAME, opening(instructions(), task))
        written = await _write(context.model, conversation, may, seconds=context.budget.seconds)
        emitter.text(written.text)
    return {
        "narrative": written.text,
        "grounding": written.grounding.model_dump(mode="json"),
        "limitations": conversation.limitations,
    }


def instructions() -> str:
    """The writer's system message."""
    return prompts.fill("writer", phrases=prompts.read("phrases"))


def found(state: State, context: Context) -> Found:
    """The parsed state of an investigation whose evidence is complete."""
    incident = Incident.model_validate(state["incident"])
    plan = state["plan"]
    return Found(
        incident=incident,
        adjudication=Adjudication.model_validate(state["adjudication"]),
        evidence={id_: Evidence.model_validate(each) for id_, each in state["evidence"].items()},
        recommendations=tuple(Recommendation.model_validate(each) for each in state["recommendations"]),
        plan=None if plan is None else ExperimentPlan.model_validate(plan),
        zone=zone_of(context.dataset, incident),
        names=names_in(context.dataset, state["incident"], state["evidence"], state["recommendations"]),
    )


async def _write(
    model: BaseChatModel, conversation: Conversation, may: Allowed, *, seconds: float
) -> Grounded:
    first = await _draft(model, conversation, may, seconds)
    if not first.refused or conversation.failed:
        return first
    conversation.messages.append(HumanMessage(_complaint(first)))
    second = await _draft(model, conversation, may, seconds)
    if second.text:
        return second
    conversation.limitations.append(f"{NAME}: nothing of the model's text was grounded; written offline")
    del conversation.messages[2:]
    return await _draft(OfflineReasoner(), conversation, may, seconds)


async def _draft(model: BaseChatModel, conversation: Conversation, may: Allowed, seconds: float) -> Grounded:
    answer = await ask(model, conversation, (), seconds=seconds)
    conversation.messages.append(answer)
    return ground(parse(answer.text), may)


def _complaint(written: Grounded) -> str:
    refused: list[dict[str, Any]] = [
        {"sentence": r.sentence, "problems": [f"{p.kind}: {p.detail}" for p in r.problems]}
        for r in written.refused
    ]
    return (
        "These sentences break the rules and will be left out. Write the whole report again, repaired; this is the "
        f"only attempt.\n```json\n{compact_json(refused)}\n```"
    )
