"""The report of an investigation: the `--json` shape of `cx investigate`."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.evidence import Evidence
from tools.experiment import ExperimentPlan
from tools.findings import Finding, IncidentVerdict, NotTestable
from tools.incidents import Incident
from tools.recommendations import Recommendation


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TimelineEntry(_Model):
    """One step of how it came about."""

    at: datetime
    what: str
    """Rendered: change made, driver moved, outcome moved."""
    evidence: str | None
    """Evidence id."""


class ChallengeEntry(_Model):
    """One thing that was tried to break the leading cause."""

    name: str
    """placebo dates, placebo slices, leave one out, best rival."""
    passed: bool | None
    """Whether the leader survived it; empty where it could not be tried."""
    text: str
    """Rendered: what was found, or why it could not be tried."""
    evidence: str
    """Evidence id."""


class Grounding(_Model):
    """How much of the prose is backed by evidence."""

    claims: int
    supported: int
    removed: int


class InvestigationReport(_Model):
    """Everything an investigation found; every number in `narrative` was rendered from `evidence`."""

    incident: Incident | None
    verdict: IncidentVerdict
    findings: tuple[Finding, ...]
    ruled_out: tuple[Finding, ...]
    not_testable: tuple[NotTestable, ...]
    p_none: float
    p_other: float
    challenge: tuple[ChallengeEntry, ...] = ()
    """What was tried to break the leading cause; empty where there is none."""
    timeline: tuple[TimelineEntry, ...]
    recommendations: tuple[Recommendation, ...]
    experiment_plan: ExperimentPlan | None
    narrative: str
    evidence: dict[str, Evidence]
    grounding: Grounding
    limitations: tuple[str, ...]
    """What was degraded, and why: a model that failed, an answer that could not be given."""
    fingerprint: str
    as_of: datetime
    confidence_model: str = ""
    """Fingerprint of the model that turned the evidence into probabilities; empty in reports that do not say."""


def evidence_json(report: InvestigationReport, id: str) -> dict[str, Any]:
    """One evidence entry as plain JSON; raises `KeyError` for an unknown id."""
    return report.evidence[id].model_dump(mode="json")
