"""What the service asks of the tools about an experiment: read it, design it, judge its incident.

Imported with the workbench only, so that the service starts without the tools' heavy libraries.
"""

from typing import Final

from threadpoolctl import threadpool_limits

import tools.monitor_tool  # registers the tool
from data.slices import Slice
from server.experiment_types import Adjustment, Designed, RolledOut
from tools.actions import ACTIONS
from tools.design import experiment_plan
from tools.experiment import ExperimentPlan
from tools.incidents import Incident
from tools.monitor_report import MonitorReport
from tools.own_action import CHANGE, choose, own_action
from tools.ports import Assignments
from tools.recommendations import Recommendation
from tools.registry import REGISTRY, ToolContext
from tools.resolution import Resolution, resolve
from tools.slice_band import slice_band

MONITOR: Final = tools.monitor_tool.monitor_experiment.__name__


def read_experiment(context: ToolContext, plan: ExperimentPlan, assignments: Assignments) -> MonitorReport:
    """The reading of a running experiment, by the registered tool.

    Raises:
        ToolFailure: the assignment cannot be used with these data, or nothing has begun.
        DataError: the data lack what the plan's unit needs.
    """
    ported = ToolContext(context.dataset, context.settings, {**context.ports, "assignments": assignments})
    found = REGISTRY[MONITOR].call(ported, {"plan": plan})
    if not isinstance(found, tools.monitor_tool.MonitorExperimentResult):
        raise TypeError(f"{MONITOR} answered with {type(found).__name__}")
    return found.report


def design(
    context: ToolContext, incident: Incident, recommendation: Recommendation, asked: Adjustment
) -> Designed:
    """The plan of an adjusted experiment, sized by code from the scope's own history.

    Args:
        context: the data as known when the incident was looked into, so that no treated order shapes the plan.
        incident: gives the orders.
        recommendation: what was tried, or recommended.
        asked: what shall be different.

    Raises:
        ValueError: an action, a parameter, an effect or a length that does not exist or cannot be planned for.
        ToolFailure: the data cannot tell what the action would do.
        NotTestableError: a table or column that it needs is absent.
    """
    _check_dimensions(context, asked.scope)
    with threadpool_limits(1):
        chosen = recommendation
        if asked.tries_something_else:
            action = asked.action or recommendation.action
            given = _parameters(recommendation, action) if asked.parameters is None else asked.parameters
            chosen = own_action(
                context, incident, choose(action, given), scope=asked.scope or recommendation.scope
            )
        if chosen.action not in ACTIONS:
            raise ValueError(f"action {chosen.action!r} is not known any more; known: {', '.join(ACTIONS)}")
        plan = experiment_plan(context, incident, chosen, mde=asked.mde, days=asked.days)
    return Designed(chosen, plan)


def _check_dimensions(context: ToolContext, scope: Slice | None) -> None:
    known = context.dataset.dimensions
    strange = [] if scope is None else [name for name, _ in scope.values if name not in known]
    if strange:
        raise ValueError(f"scope names {strange[0]!r}; these data have {', '.join(known)} and hour")


def _parameters(recommendation: Recommendation, action: str) -> dict[str, str]:
    """Those of the recommendation, where the action stays."""
    if action != recommendation.action or action not in ACTIONS:
        return {}
    recorded = ACTIONS[action].recorded is not None
    kept = CHANGE if recorded else tuple(recommendation.parameters)
    return {name: str(value) for name, value in recommendation.parameters.items() if name in kept}


def judge(context: ToolContext, incident: Incident, done: RolledOut) -> Resolution:
    """Whether the incident is fixed: its slice back in its band, and the action known to have helped.

    Raises:
        ToolFailure: too few days before the incident to know what is usual.
    """
    points = slice_band(context.dataset, incident.slice, before=incident.onset)
    return resolve(points, rolled_out=done.since, effect=done.effect, as_of=context.dataset.as_of)
