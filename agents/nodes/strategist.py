"""Strategist: its model may look at alternatives first, code ranks the actions."""

from itertools import count

from langgraph.runtime import Runtime

from agents import powers
from agents import tools as adapters
from agents.context import Context
from agents.conversation import Conversation, converse, opening
from agents.nodes.investigator import available
from agents.specialists import STRATEGIST
from agents.state import State
from data.errors import NotTestableError
from tools.errors import ToolFailure
from tools.findings import Adjudication
from tools.incidents import Incident
from tools.recommendations import Recommendation


async def strategist(state: State, runtime: Runtime[Context]) -> State:
    """Rank the actions, then let the model ask about others."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "strategist")
    incident = Incident.model_validate(state["incident"])
    verdict = Adjudication.model_validate(state["adjudication"])
    limitations: list[str] = []
    with emitter.step("strategy"):
        ranked = await _rank(context, incident, verdict, limitations)
        for rank, recommendation in enumerate(ranked, start=1):
            emitter.activity("cx.recommendation", str(rank), recommendation.model_dump(mode="json"))
        conversation = _conversation(state, ranked)
        numbers = count(len(state["evidence"]) + 1)
        bound = adapters.bind(
            available(STRATEGIST), context.tools, next_id=lambda: f"E{next(numbers)}", lock=context.lock
        )
        await converse(context.model, conversation, bound, budget=context.budget, emitter=emitter)
    further = {evidence.id: evidence.model_dump(mode="json") for evidence in conversation.evidence}
    for id_, each in further.items():
        emitter.activity("cx.evidence", id_, each)
    return {
        "evidence": state["evidence"] | further,
        "recommendations": [recommendation.model_dump(mode="json") for recommendation in ranked],
        "limitations": limitations + conversation.limitations,
    }


async def _rank(
    context: Context, incident: Incident, verdict: Adjudication, limitations: list[str]
) -> tuple[Recommendation, ...]:
    try:
        return await powers.compute(context, lambda: powers.recommend(context, incident, verdict))
    except (ToolFailure, NotTestableError) as failure:
        limitations.append(f"no recommendation: {failure}")
        return ()


def _conversation(state: State, ranked: tuple[Recommendation, ...]) -> Conversation:
    task = {
        "incident": state["incident"],
        "findings": state["adjudication"]["findings"],
        "recommendations": [recommendation.model_dump(mode="json") for recommendation in ranked],
    }
    return Conversation(STRATEGIST.title, opening(STRATEGIST.instructions(), task))
