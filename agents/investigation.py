"""The door to an investigation: start it, or go on with it where a checkpoint was left."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.context import Context
from agents.events import Emitter
from agents.graph import RECURSION_LIMIT, Graph, build_graph
from agents.nodes.triage import UnknownIncidentError
from agents.reasoner import OfflineReasoner
from agents.report import InvestigationReport
from agents.state import State
from data.dataset import Dataset
from data.errors import DataError
from tools.incidents import Grain, Incident
from tools.settings import AnalysisSettings

__all__ = ["UnknownIncidentError", "investigate", "investigate_sync"]

ACTIVITY: Final = "run"
"""The node under which the frame of a run is told."""


async def investigate(
    context: Context,
    *,
    run_id: str,
    incident_id: str | None = None,
    incident: Incident | None = None,
    grain: Grain = "day",
    checkpointer: BaseCheckpointSaver[str] | None = None,
) -> InvestigationReport:
    """Investigate an incident, the worst one unless `incident_id` or `incident` names another.

    Args:
        context: data, model and ports.
        run_id: names the run in its events and its checkpoints; the same id goes on where it was left.
        incident_id: as `tools.detection.detect` gives it for the same data, time and settings.
        incident: one that was detected before, in these data; it is taken as it is, nothing is detected again.
        grain: of the detection.
        checkpointer: keeps the state after every node.

    Raises:
        UnknownIncidentError: there is no such incident; lists those that there are.
        DataError: the data cannot be used.
    """
    emitter = context.emitter(run_id, ACTIVITY)
    emitter.run_started(run_id)
    wanted = incident_id if incident is None else incident.id
    emitter.state({"phase": "started", "incident_id": wanted, "as_of": context.dataset.as_of.isoformat()})
    fresh = State(run_id=run_id, incident_id=wanted, grain=grain, branches=[], limitations=[])
    if incident is not None:
        fresh["incident"] = incident.model_dump(mode="json")
    try:
        report = await _run(build_graph(checkpointer), context, fresh)
    except Exception as error:
        _tell(emitter, error)
        raise
    emitter.state({"phase": "finished", **summary(report)})
    emitter.run_finished(run_id, summary(report))
    return report


async def _run(graph: Graph, context: Context, fresh: State) -> InvestigationReport:
    config: RunnableConfig = {
        "configurable": {"thread_id": fresh["run_id"]},
        "recursion_limit": RECURSION_LIMIT,
    }
    known = bool(graph.checkpointer) and bool((await graph.aget_state(config)).values)
    final = await graph.ainvoke(
        None if known else fresh,
        config,
        context=context,
        durability="sync" if graph.checkpointer else None,
    )
    return InvestigationReport.model_validate(final["report"])


def _tell(emitter: Emitter, error: Exception) -> None:
    """End the log in the error; what is no answer to a caller is named by its type only."""
    if isinstance(error, DataError | UnknownIncidentError):
        emitter.run_error(str(error), "data" if isinstance(error, DataError) else "unknown_incident")
    else:
        emitter.run_error(f"internal error: {type(error).__name__}", "internal")


def summary(report: InvestigationReport) -> dict[str, object]:
    """What a list of runs shows of a report."""
    primary = next((f for f in report.findings if f.role == "primary"), None)
    return {
        "incident_id": report.incident.id if report.incident else None,
        "verdict": report.verdict.value,
        "primary": primary.hypothesis.value if primary else None,
        "p_primary": primary.p_primary if primary else None,
        "recommendations": [r.action for r in report.recommendations],
        "grounding": report.grounding.model_dump(mode="json"),
    }


def investigate_sync(
    dataset: Dataset,
    *,
    incident_id: str | None = None,
    incident: Incident | None = None,
    grain: Grain = "day",
    settings: AnalysisSettings | None = None,
) -> InvestigationReport:
    """As `investigate`, offline and silent, for callers without an event loop."""
    context = Context(
        dataset=dataset,
        model=OfflineReasoner(),
        clock=lambda: datetime.now(UTC),
        settings=settings or AnalysisSettings(),
    )
    return asyncio.run(
        investigate(context, run_id="run", incident_id=incident_id, incident=incident, grain=grain)
    )
