"""Bodies of requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.report import ChallengeEntry, Grounding, InvestigationReport, TimelineEntry
from server.models import ChangeKind, IncidentChangeRecord, IncidentRecord, RunRecord, RunStatus
from tools.cause_found import CauseFound
from tools.evidence import Evidence
from tools.experiment import ExperimentPlan
from tools.findings import Finding, IncidentVerdict, NotTestable
from tools.incident_lifecycle import ClosedAs, IncidentStatus
from tools.incidents import Incident, Severity
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
    closed_as: ClosedAs | None
    """As what it was resolved."""
    merged_into: str | None
    """The incident that it is a part of."""
    closed_at: datetime | None
    cause: CauseFound | None
    """That people found, as they stated it."""
    severity: Severity
    """The worst while it is open."""
    version: int
    """Counts the changes of its standing and severity; also its ETag, for `If-Match`."""
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
            closed_as=record.closed_as,
            merged_into=record.merged_into,
            closed_at=record.closed_at,
            cause=record.cause,
            severity=Severity(record.severity),
            version=record.version,
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


class StatusChange(_Body):
    """Where somebody wants an incident to stand."""

    model_config = ConfigDict(extra="forbid")

    status: IncidentStatus
    closed_as: ClosedAs | None = None
    """With `resolved` only; `fixed` is set by the product alone."""
    merged_into: str | None = None
    """With `merged` only: the id of the incident that it is a part of."""
    reason: Annotated[str, Field(max_length=1000)] = ""
    """Needed to resolve and to reopen."""
    cause: CauseFound | None = None
    """With `resolved` only: what caused it, as far as you found; it may also be stated later."""


class CauseStatement(_Body):
    """What somebody found to be the cause of a resolved incident."""

    model_config = ConfigDict(extra="forbid")

    cause: CauseFound
    """`none`: ordinary variation; `other`: something that no hypothesis covers."""
    reason: Annotated[str, Field(max_length=1000)] = ""
    """How it is known."""


class IncidentChange(_Body):
    """One thing that happened to an incident."""

    version: int
    """Of the incident, from then on."""
    at: datetime
    actor: str
    """Name of the API key, `local`, or `system`."""
    kind: ChangeKind
    from_status: IncidentStatus | None
    to_status: IncidentStatus
    closed_as: ClosedAs | None
    merged_into: str | None
    cause: CauseFound | None
    severity: Severity
    reason: str

    @classmethod
    def of(cls, record: IncidentChangeRecord) -> "IncidentChange":
        """From its record."""
        return cls.model_validate({name: getattr(record, name) for name in cls.model_fields})


class IncidentHistory(_Body):
    """Everything that happened to an incident, oldest first."""

    incident_id: str
    changes: tuple[IncidentChange, ...]


class RootCause(_Body):
    """The diagnosis of an incident: its last finished investigation without what follows from it."""

    run_id: str
    verdict: IncidentVerdict
    findings: tuple[Finding, ...]
    ruled_out: tuple[Finding, ...]
    not_testable: tuple[NotTestable, ...]
    p_none: float
    p_other: float
    challenge: tuple[ChallengeEntry, ...]
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
