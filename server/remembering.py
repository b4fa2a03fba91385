"""The resolution of an incident that an experiment ended, as the memory of the knowledge base keeps it."""

from knowledge.memory import Resolution as Remembered
from server.models import ExperimentRecord, IncidentRecord
from tools.findings import HypothesisId
from tools.incident_lifecycle import ClosedAs
from tools.incidents import Incident
from tools.monitor_report import MonitorReport
from tools.recommendations import Recommendation
from tools.resolution import MeasuredEffect, measured
from tools.trial_words import change
from tools.wording import amount


def remembered(incident: IncidentRecord, experiment: ExperimentRecord) -> Remembered:
    """What was tried, and what it measurably changed.

    Raises:
        ValueError: the experiment was not rolled out, or its incident not closed.
    """
    if experiment.reading is None or experiment.resolved_as_of is None:
        raise ValueError(f"{experiment.id} has closed no incident")
    found = Incident.model_validate_json(incident.document)
    tried = Recommendation.model_validate_json(experiment.recommendation)
    reading = MonitorReport.model_validate_json(experiment.reading)
    return Remembered(
        incident=incident.id,
        metric=found.metric,
        slice=found.slice,
        cause=_cause(incident, tried),
        action=tried.action,
        closed_as=ClosedAs.FIXED.value,
        closed_at=experiment.resolved_as_of,
        effect_pp=_effect_pp(found, reading),
        summary=_summary(experiment, reading),
    )


def _cause(incident: IncidentRecord, tried: Recommendation) -> HypothesisId:
    """As people stated it where they named a hypothesis, else the one that the action acts on."""
    stated = "" if incident.cause is None else incident.cause.value
    known = {one.value for one in HypothesisId}
    return HypothesisId(stated if stated in known else tried.addresses)


def effect_words(effect: MeasuredEffect | None) -> str:
    """The measured effect on CX with its interval."""
    if effect is None:
        return "no effect was measured"
    estimate, low, high = (
        amount(value, "score", signed=True) for value in (effect.estimate, effect.low, effect.high)
    )
    return f"CX index {estimate} ({low} to {high})"


def _effect_pp(incident: Incident, reading: MonitorReport) -> float | None:
    """Of the metric that fell, where the experiment read it as a share."""
    own = (one for one in reading.metrics if one.metric == incident.metric and one.unit == "share")
    effect = next((one.effect for one in own if one.effect is not None), None)
    return None if effect is None else 100 * effect


def _summary(experiment: ExperimentRecord, reading: MonitorReport) -> str:
    primary = reading.metrics[0]
    return (
        f"{reading.title}. In its experiment {primary.metric} {change(primary)} ({change(primary, primary.low)} to "
        f"{change(primary, primary.high)}), {effect_words(measured(reading))}; in force for all orders since "
        f"{experiment.in_force_since:%Y-%m-%d}, and back in the baseline band."
    )
