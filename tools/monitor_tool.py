"""Reading a running experiment as a registered tool."""

from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from tools.experiment import ExperimentPlan
from tools.monitor_report import MonitorReport
from tools.monitoring import monitor
from tools.registry import Arguments, Cost, Result, ToolContext, tool

if TYPE_CHECKING:
    from tools.ports import Assignments


class MonitorExperimentArguments(Arguments):
    """The plan that is running."""

    plan: ExperimentPlan


class MonitorExperimentResult(Result):
    """Health, progress and decision."""

    report: MonitorReport


@tool(cost=Cost.MODERATE)
def monitor_experiment(
    context: ToolContext, arguments: MonitorExperimentArguments
) -> MonitorExperimentResult:
    """Read a running experiment: health first, then guardrails, progress and the decision.

    Use it daily. Guardrails hold at every reading; the primary metric is read on the plan's days only, so asking
    more often tells nothing more about benefit.
    """
    assignments: Assignments = context.port("assignments")
    with threadpool_limits(1):
        report = monitor(
            arguments.plan,
            context.dataset,
            assignments.rows(),
            others=assignments.others(),
            settings=context.settings,
        )
    return MonitorExperimentResult(report=report)
