"""The deterministic work that the graph asks for; every heavy import happens inside.

Everything here is code of `tools`, called with the lock of the context held: one computation at a time.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from agents.context import Context
from tools.evidence import Evidence
from tools.experiment import ExperimentPlan
from tools.findings import Adjudication, HypothesisId
from tools.incidents import DetectionReport, Grain, Incident
from tools.recommendations import Recommendation
from tools.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from tools.battery import BatteryResult
    from tools.hypotheses import Specialist

T = TypeVar("T")


async def compute(context: Context, work: Callable[[], T]) -> T:
    """Run deterministic work beside the event loop, alone."""

    def locked() -> T:
        with context.lock:
            return work()

    return await asyncio.to_thread(locked)


def registry() -> Registry:
    """The registry, with every tool that an agent may be given."""
    import tools.change_points
    import tools.diagnosis_tools
    import tools.dispatch.tool
    import tools.localisation_tools
    import tools.metric_values
    import tools.money_lost
    import tools.monitor_tool
    import tools.search_knowledge
    import tools.top_slices
    import tools.whatif  # noqa: F401  # importing registers

    return REGISTRY


def detect(context: Context, grain: Grain) -> DetectionReport:
    """Everything that is wrong in the data, worst first."""
    from tools.detection import detect as run

    return run(context.dataset, settings=context.settings, grain=grain)


def battery(
    context: Context, specialist: "Specialist", incident: Incident
) -> Mapping[HypothesisId, "BatteryResult"]:
    """The fixed tests of a specialist's hypotheses."""
    from tools.battery import run_specialist

    return run_specialist(specialist, incident, context.tools)


def untestable(context: Context, incident: Incident) -> dict[HypothesisId, str]:
    """Hypotheses that these data cannot speak to, each with the reason."""
    from tools.battery import untestable as reason
    from tools.hypotheses import HYPOTHESES

    found = {h.id: reason(h, incident, context.tools) for h in HYPOTHESES.values()}
    return {id_: text for id_, text in found.items() if text is not None}


def adjudicate(
    context: Context,
    incident: Incident,
    evidence: Mapping[HypothesisId, Sequence[Evidence]],
    not_testable: Mapping[HypothesisId, str],
) -> Adjudication:
    """The verdict, from the battery's evidence alone."""
    from tools.adjudication import adjudicate as run

    return run(incident, evidence, not_testable, context.confidence)


def challenge(
    context: Context,
    incident: Incident,
    leader: HypothesisId,
    battery: Mapping[HypothesisId, Sequence[Evidence]],
    *,
    id: str,
) -> Evidence:
    """What was tried to break the leader; raises `ToolFailure` where nothing could be."""
    from tools.evidence import observe
    from tools.features import read

    arguments = {
        "slice": incident.slice.model_dump(),
        "start": incident.window.start.isoformat(),
        "end": incident.window.end.isoformat(),
        "metric": incident.metric,
        "hypothesis": leader,
        "shares": {id_: read(id_, evidence).share for id_, evidence in battery.items()},
    }
    return observe(registry()["challenge"], context.tools, arguments, id=id)


def challenged(adjudication: Adjudication, evidence: Evidence) -> Adjudication:
    """The verdict after the challenge."""
    from tools.challenged import challenged as run

    return run(adjudication, evidence)


def paths(context: Context, incident: Incident, leader: HypothesisId, *, id: str) -> Evidence | None:
    """By which ways the leader's damage came; None where it acts in no module of the causal graph."""
    from tools.evidence import observe
    from tools.modules import MODULES

    if leader not in MODULES:
        return None
    arguments = {
        "slice": incident.slice.model_dump(),
        "start": incident.window.start.isoformat(),
        "end": incident.window.end.isoformat(),
        "metric": incident.metric,
        "module": MODULES[leader],
    }
    return observe(registry()["mechanism_paths"], context.tools, arguments, id=id)


def recommend(context: Context, incident: Incident, adjudication: Adjudication) -> tuple[Recommendation, ...]:
    """Actions, ranked."""
    from tools.recommend import recommend as run

    return run(context.tools, incident, adjudication)


def plan(context: Context, incident: Incident, recommendation: Recommendation) -> ExperimentPlan:
    """How to try the first action out."""
    from tools.design import experiment_plan as run

    return run(context.tools, incident, recommendation)
