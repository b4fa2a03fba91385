"""The remedies as registered tools: recommendations and experiment plans.

`what_if` is registered in `whatif`, `simulate_dispatch` in `dispatch.tool`, `monitor_experiment` in `monitor_tool`.
"""

from typing import Annotated

from pydantic import Field
from threadpoolctl import threadpool_limits

from tools import design
from tools import recommend as strategy
from tools.experiment import ExperimentPlan
from tools.findings import Adjudication
from tools.incidents import Incident
from tools.looks import LEAST_DAYS
from tools.recommendations import Dropped, Recommendation
from tools.registry import Arguments, Cost, Result, ToolContext, tool


class RecommendArguments(Arguments):
    """The incident and what adjudication found."""

    incident: Incident
    adjudication: Adjudication


class RecommendResult(Result):
    """What to do, best first, and what was considered besides."""

    recommendations: tuple[Recommendation, ...]
    dropped: tuple[Dropped, ...]


@tool(cost=Cost.EXPENSIVE)
def recommend(context: ToolContext, arguments: RecommendArguments) -> RecommendResult:
    """Rank the actions against an incident's cause by the CX gain that is safe to expect.

    Use it once the findings are adjudicated. It acts on likely or confirmed causes only; otherwise it says
    that no action is needed.
    """
    with threadpool_limits(1):
        found = strategy.consider(context, arguments.incident, arguments.adjudication)
    return RecommendResult(recommendations=found.recommendations, dropped=found.dropped)


class ExperimentPlanArguments(Arguments):
    """The recommendation to try out."""

    incident: Incident
    recommendation: Recommendation
    mde_pp: Annotated[float, Field(gt=0, lt=100)] | None = None
    """Smallest effect on the primary metric worth seeing; by default half of the expected one."""
    days: Annotated[int, Field(ge=LEAST_DAYS)] | None = None
    """Length; by default what the effect needs, in whole weeks."""


class ExperimentPlanResult(Result):
    """The plan."""

    plan: ExperimentPlan


@tool(cost=Cost.MODERATE)
def experiment_plan(context: ToolContext, arguments: ExperimentPlanArguments) -> ExperimentPlanResult:
    """Design the experiment that shows whether a recommendation works, sized from the scope's own history.

    Do not use it for `monitor_only`: nothing is changed, so there is nothing to try out.
    """
    with threadpool_limits(1):
        plan = design.experiment_plan(
            context,
            arguments.incident,
            arguments.recommendation,
            mde=None if arguments.mde_pp is None else arguments.mde_pp / 100,
            days=arguments.days,
        )
    return ExperimentPlanResult(plan=plan)
