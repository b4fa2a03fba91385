"""Runs the fixed battery of a hypothesis on an incident; code decides the calls, never a model."""

from dataclasses import dataclass
from typing import Any

import tools.diagnosis_tools  # noqa: F401  # registers the tools the batteries name
from data.errors import NotTestableError
from tools.errors import ToolFailure
from tools.evidence import Evidence, observe
from tools.findings import HypothesisId
from tools.hypotheses import HYPOTHESES, Call, Hypothesis, Specialist
from tools.incidents import Incident
from tools.registry import REGISTRY, ToolContext

ESSENTIAL = "mechanism_shift"
"""A hypothesis with a driver cannot be judged without its reading."""


@dataclass(frozen=True)
class BatteryResult:
    """What a battery found."""

    hypothesis: HypothesisId
    evidence: tuple[Evidence, ...]
    """In call order, ids `specialist:n`; empty where nothing could be tested."""
    not_testable: str | None
    """Why not, in words; None where it was tested."""
    skipped: tuple[str, ...]
    """Calls that could not be answered on these data, each with the reason."""


def resolve(call: Call, incident: Incident) -> dict[str, Any]:
    """A call's arguments with the incident's own put in for `$slice`, `$start`, `$end` and `$metric`.

    Raises:
        ValueError: an argument starts with `$` and names nothing.
    """
    known: dict[str, Any] = {
        "$slice": incident.slice.model_dump(),
        "$start": incident.window.start.isoformat(),
        "$end": incident.window.end.isoformat(),
        "$metric": incident.metric,
    }

    def value(given: Any) -> Any:  # noqa: ANN401  # whatever the tool's argument model takes
        if isinstance(given, str) and given.startswith("$"):
            if given not in known:
                raise ValueError(f"{call.tool}: {given!r} is none of {', '.join(sorted(known))}")
            return known[given]
        return given

    return {name: value(given) for name, given in call.args.items()}


def run(hypothesis: Hypothesis, incident: Incident, context: ToolContext, *, first: int = 1) -> BatteryResult:
    """Run a hypothesis's battery.

    Args:
        hypothesis: what to test.
        incident: what happened.
        context: the data as known, and the settings.
        first: number of the first evidence (`supply:1`).
    """
    reason = untestable(hypothesis, incident, context)
    if reason is not None:
        return BatteryResult(hypothesis.id, (), reason, ())
    evidence: list[Evidence] = []
    skipped: list[str] = []
    for call in hypothesis.battery:
        number = f"{hypothesis.specialist}:{first + len(evidence)}"
        try:
            arguments = resolve(call, incident)
            evidence.append(observe(REGISTRY[call.tool], context, arguments, id=number))
        except (ToolFailure, NotTestableError) as failure:
            skipped.append(f"{call.tool}: {failure}")
    reason = next((s for s in skipped if s.startswith(ESSENTIAL)), None) if evidence else "; ".join(skipped)
    if reason is not None:
        evidence = []
    return BatteryResult(hypothesis.id, tuple(evidence), reason, tuple(skipped))


def run_specialist(
    specialist: Specialist, incident: Incident, context: ToolContext
) -> dict[HypothesisId, BatteryResult]:
    """The batteries of all hypotheses of a specialist, evidence numbered through."""
    results: dict[HypothesisId, BatteryResult] = {}
    first = 1
    for hypothesis in HYPOTHESES.values():
        if hypothesis.specialist == specialist:
            results[hypothesis.id] = run(hypothesis, incident, context, first=first)
            first += len(results[hypothesis.id].evidence)
    return results


def run_all(incident: Incident, context: ToolContext) -> dict[HypothesisId, BatteryResult]:
    """Every hypothesis's battery, in the library's order of specialists."""
    specialists = sorted({hypothesis.specialist for hypothesis in HYPOTHESES.values()})
    return {
        id_: result
        for specialist in specialists
        for id_, result in run_specialist(specialist, incident, context).items()
    }


def untestable(hypothesis: Hypothesis, incident: Incident, context: ToolContext) -> str | None:
    """Why these data cannot speak to a hypothesis; None where they can."""
    if incident.metric not in hypothesis.moves:
        return f"not testable: {hypothesis.title.lower()} cannot move {incident.metric}"
    try:
        context.dataset.require(*hypothesis.needs)
    except NotTestableError as error:
        return str(error)
    return None
