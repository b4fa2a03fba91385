"""Planner: how to try the first recommendation out, computed by code."""

from langgraph.runtime import Runtime

from agents import powers
from agents.context import Context
from agents.state import State
from data.errors import NotTestableError
from tools.errors import ToolFailure
from tools.incidents import Incident
from tools.recommendations import Recommendation


async def planner(state: State, runtime: Runtime[Context]) -> State:
    """Write the experiment plan of the first recommendation, if it changes anything."""
    context = runtime.context
    emitter = context.emitter(state["run_id"], "planner")
    with emitter.step("experiment plan"):
        if not state["recommendations"] or not state["recommendations"][0]["effects"]:
            return {"plan": None}
        incident = Incident.model_validate(state["incident"])
        first = Recommendation.model_validate(state["recommendations"][0])
        try:
            plan = await powers.compute(context, lambda: powers.plan(context, incident, first))
        except (ToolFailure, NotTestableError) as failure:
            return {"plan": None, "limitations": [f"no experiment plan: {failure}"]}
        whole = plan.model_dump(mode="json")
        emitter.activity("cx.experiment_plan", "1", whole)
        return {"plan": whole}
