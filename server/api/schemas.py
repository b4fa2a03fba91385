"""Bodies of requests and answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agents.report import Grounding, InvestigationReport, TimelineEntry
from server.models import IncidentRecord, IncidentStatus, RunRecord, RunStatus
from tools.evidence import Evidence
from tools.experiment import ExperimentPlan
from tools.findings import Finding, IncidentVerdict, NotTestable
from tools.incidents import Incident
from tools.recommendations import Recommendation


class _Body(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class RunPublic(_Body):
    """A run."""

    id: str
    incident_id: str
    status: RunStatus
    attempts: int
    """How often it was started; more than one after a restart of the service."""
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    events: str
    """Where its events stream from."""

    @classmethod
    def of(cls, record: RunRecord) -> "RunPublic":
        """From its record."""
        return cls(
            id=record.id,
            incident_id=record.incident_id,
            status=record.status,
            attempts=record.attempts,
            error=record.error,
            created_at=record.created_at,
            finished_at=record.finished_at,
            events=f"/api/v1/runs/{record.id}/events",
        )


class IncidentPublic(_Body):
    """An incident, as detection last saw it, and where it stands."""

    id: str
    status: IncidentStatus
    incident: Incident
    fingerprint: str
    as_of: datetime
    created_at: datetime
    updated_at: datetime
    latest_run: RunPublic | None

    @classmethod
    def of(cls, record: IncidentRecord, runs: tuple[RunRecord, ...]) -> "IncidentPublic":
        """From its record and its runs, newest first."""
        return cls(
            id=record.id,
            status=record.status,
            incident=Incident.model_validate_json(record.document),
            fingerprint=record.fingerprint,
            as_of=record.as_of,
            created_at=record.created_at,
            updated_at=record.updated_at,
            latest_run=RunPublic.of(runs[0]) if runs else None,
        )


class IncidentPage(_Body):
    """A page of incidents, newest onset first."""

    items: tuple[IncidentPublic, ...]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; none at the end."""
    detection: Literal["waiting", "running", "done", "failed"]
    """Whether the data have been searched yet."""
    detail: str


class RootCause(_Body):
    """The diagnosis of an incident: its last finished investigation without what follows from it."""

    run_id: str
    verdict: IncidentVerdict
    findings: tuple[Finding, ...]
    ruled_out: tuple[Finding, ...]
    not_testable: tuple[NotTestable, ...]
    p_none: float
    p_other: float
    timeline: tuple[TimelineEntry, ...]
    narrative: str
    evidence: dict[str, Evidence]
    grounding: Grounding
    limitations: tuple[str, ...]
    fingerprint: str
    as_of: datetime

    @classmethod
    def of(cls, run_id: str, report: InvestigationReport) -> "RootCause":
        """From the whole report."""
        fields = {name: getattr(report, name) for name in cls.model_fields if name != "run_id"}
        return cls(run_id=run_id, **fields)


class Recommendations(_Body):
    """What to do about an incident, best first."""

    run_id: str
    recommendations: tuple[Recommendation, ...]
    evidence: dict[str, Evidence]


class PlanPublic(_Body):
    """The experiment plan of an incident's best recommendation."""

    run_id: str
    experiment_plan: ExperimentPlan


class RunAccepted(_Body):
    """An investigation was queued."""

    run: RunPublic


class EventPage(_Body):
    """Events of a run, for clients that cannot hold a stream open."""

    events: tuple[dict[str, Any], ...]
    """AG-UI 1.0 events, in order."""
    last: int
    """Pass it as `after` next time."""
    finished: bool
    """Whether the log ends here."""
