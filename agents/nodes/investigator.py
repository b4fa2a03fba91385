"""One investigator at work: the battery in code, then the model with its own tools and nothing else."""

from collections.abc import Iterator
from itertools import count

from langgraph.runtime import Runtime

from agents import powers
from agents import tools as adapters
from agents.context import Context
from agents.conversation import Conversation, converse, opening
from agents.events import Emitter
from agents.nodes.triage import examine
from agents.specialists import INVESTIGATORS, Specialist
from agents.state import Branch, State, Task
from tools.evidence import Evidence
from tools.incidents import Incident
from tools.registry import ToolSpec


async def investigator(state: Task, runtime: Runtime[Context]) -> State:
    """Test the hypotheses of one specialist."""
    context, specialist = runtime.context, INVESTIGATORS[state["specialist"]]
    emitter = context.emitter(
        state["run_id"], "investigator", branch=specialist.name, siblings=tuple(state["siblings"])
    )
    with emitter.subagent(specialist.name, specialist.description):
        incident = Incident.model_validate(state["incident"])
        with emitter.step(f"{specialist.name}: battery"):
            branch = await examine(context, state["specialist"], incident, emitter)
        with emitter.step(f"{specialist.name}: follow-up"):
            await follow_up(context, specialist, incident, branch, emitter)
    return {"branches": [branch], "limitations": branch["limitations"]}


async def follow_up(
    context: Context, specialist: Specialist, incident: Incident, branch: Branch, emitter: Emitter
) -> None:
    """Let the model go on from the battery; what it finds joins the branch's evidence."""
    done = [Evidence.model_validate(each) for each in branch["evidence"]]
    task = {"incident": incident.model_dump(mode="json"), "hypotheses": sorted(branch["battery"])}
    conversation = Conversation(specialist.title, opening(specialist.instructions(), task, done))
    bound = adapters.bind(
        available(specialist),
        context.tools,
        next_id=_numbers(specialist.name, len(done)).__next__,
        lock=context.lock,
    )
    await converse(context.model, conversation, bound, budget=context.budget, emitter=emitter)
    branch["evidence"] += [evidence.model_dump(mode="json") for evidence in conversation.evidence]
    branch["remarks"] = conversation.closing
    branch["limitations"] += conversation.limitations


def available(specialist: Specialist) -> tuple[ToolSpec, ...]:
    """The specialist's tools."""
    return powers.registry().select(specialist.tools)


def _numbers(prefix: str, taken: int) -> Iterator[str]:
    return (f"{prefix}:{n}" for n in count(taken + 1))
