"""The tables of the system of record.

    incident        what detection found; keeps its id and its status from run to run
    incident_change what happened to an incident: who, when, from where to where, why; append-only
    detection       what a search of the data found, series included
    run             one investigation of one incident
    run_event       the append-only log of a run; `seq` is set once its place in the order is known
    report          the finished investigation: the shape of `cx investigate --json`
    experiment      a plan, what became of it, and on what reading it was rolled out
    experiment_rows the assignment of an experiment, part by part as it was drawn; append-only
    idempotency_key answers to requests that must not start work twice
    audit_log       who did what

Documents whose shape another room owns (incident, report, event) are kept as JSON text, exactly as they
were validated; columns repeat only what queries need.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Enum, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from tools.cause_found import CauseFound
from tools.incident_lifecycle import ClosedAs, IncidentStatus


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING)


def _stored(kind: type[StrEnum]) -> Enum:
    """Kept as its text, so that a new member needs no migration."""
    return Enum(
        kind, native_enum=False, length=16, values_callable=lambda members: [m.value for m in members]
    )


class IncidentRecord(SQLModel, table=True):
    """An incident as detection last saw it."""

    __tablename__ = "incident"
    __table_args__ = (Index("ix_incident_page", "onset", "id"),)

    id: str = Field(primary_key=True)
    status: IncidentStatus = Field(
        default=IncidentStatus.NEW, sa_column=Column(_stored(IncidentStatus), nullable=False)
    )
    closed_as: ClosedAs | None = Field(default=None, sa_column=Column(_stored(ClosedAs)))
    merged_into: str | None = Field(default=None, foreign_key="incident.id")
    closed_at: datetime | None = None
    closed_as_of: datetime | None = None
    """As-of time of the data when it was closed."""
    cause: CauseFound | None = Field(default=None, sa_column=Column(_stored(CauseFound)))
    """That people found; only while it is closed."""
    version: int = 1
    """Counts the changes of its standing and severity; a change is refused unless it names the newest."""
    severity: str
    """The worst while it is open."""
    metric: str
    kind: str
    onset: datetime
    effect_metric: str
    effect_per_day: float
    """At its opening, or at its last escalation; see `tools.incident_effect`."""
    document: str = Field(sa_column=Column(Text, nullable=False))
    """`tools.incidents.Incident` as JSON."""
    fingerprint: str
    as_of: datetime
    created_at: datetime
    updated_at: datetime


class ChangeKind(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    MOVED = "moved"
    """Somebody, or a run that began, changed its status."""
    ESCALATED = "escalated"
    CLOSED = "closed"
    REOPENED = "reopened"
    EXPLAINED = "explained"
    """Somebody stated its cause after it was closed."""


class IncidentChangeRecord(SQLModel, table=True):
    """One thing that happened to an incident; append-only."""

    __tablename__ = "incident_change"
    __table_args__ = (UniqueConstraint("incident_id", "version", name="uq_incident_change_version"),)

    id: int | None = Field(default=None, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    version: int
    """Of the incident, from this change on."""
    at: datetime
    actor: str
    """Name of the API key, or `system`."""
    kind: ChangeKind = Field(sa_column=Column(_stored(ChangeKind), nullable=False))
    from_status: IncidentStatus | None = Field(default=None, sa_column=Column(_stored(IncidentStatus)))
    to_status: IncidentStatus = Field(sa_column=Column(_stored(IncidentStatus), nullable=False))
    closed_as: ClosedAs | None = Field(default=None, sa_column=Column(_stored(ClosedAs)))
    merged_into: str | None = None
    cause: CauseFound | None = Field(default=None, sa_column=Column(_stored(CauseFound)))
    severity: str
    reason: str


class DetectionRecord(SQLModel, table=True):
    """One search of the data; it is not repeated for the same data, time and version of the product."""

    __tablename__ = "detection"

    fingerprint: str = Field(primary_key=True)
    as_of: datetime = Field(primary_key=True)
    version: str = Field(primary_key=True)
    document: str = Field(sa_column=Column(Text, nullable=False))
    """`tools.incidents.DetectionReport` as JSON."""
    created_at: datetime


class RunRecord(SQLModel, table=True):
    """One investigation."""

    __tablename__ = "run"

    id: str = Field(primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    status: RunStatus = Field(
        default=RunStatus.QUEUED, sa_column=Column(_stored(RunStatus), nullable=False, index=True)
    )
    incident: str = Field(sa_column=Column(Text, nullable=False))
    """The incident as it stood when the run was started; a resumed run must see the same one."""
    fingerprint: str
    as_of: datetime
    attempts: int = 0
    """How often it was started; more than one after a restart of the service."""
    error: str | None = None
    created_at: datetime
    finished_at: datetime | None = None


class RunEventRecord(SQLModel, table=True):
    """One event of a run, in the AG-UI vocabulary."""

    __tablename__ = "run_event"
    __table_args__ = (
        UniqueConstraint("run_id", "node", "branch", "ordinal", name="uq_run_event_origin"),
        UniqueConstraint("run_id", "seq", name="uq_run_event_seq"),
    )

    id: int | None = Field(default=None, primary_key=True)
    run_id: str = Field(foreign_key="run.id", index=True)
    node: str
    branch: str
    ordinal: int
    siblings: str
    """JSON list of the branches that run side by side; empty outside a fan-out."""
    last: bool
    """Whether its branch ends here."""
    seq: int | None = None
    """Place in the log, from 1; none while an earlier event of a sibling may still come."""
    terminal: bool
    payload: str = Field(sa_column=Column(Text, nullable=False))
    """The event as JSON."""
    created_at: datetime


class ReportRecord(SQLModel, table=True):
    """What an investigation found."""

    __tablename__ = "report"

    run_id: str = Field(primary_key=True, foreign_key="run.id")
    incident_id: str = Field(foreign_key="incident.id", index=True)
    document: str = Field(sa_column=Column(Text, nullable=False))
    """`agents.report.InvestigationReport` as JSON."""
    created_at: datetime


class ExperimentStatus(StrEnum):
    """Where an experiment stands."""

    PLANNED = "planned"
    """Its plan may still be adjusted; nothing is assigned."""
    RUNNING = "running"
    """Units are assigned, and the plan is fixed."""
    ROLLED_OUT = "rolled_out"
    """The action is in force for all orders; the slice is watched."""
    PERMANENT = "permanent"
    """Its incident was closed as fixed."""
    STOPPED = "stopped"
    """Somebody ended it, for the reason in the audit log."""


class ExperimentRecord(SQLModel, table=True):
    """An experiment on an incident."""

    __tablename__ = "experiment"
    __table_args__ = (Index("ix_experiment_page", "incident_id", "created_at", "id"),)

    id: str = Field(primary_key=True)
    incident_id: str = Field(foreign_key="incident.id")
    follows: str | None = Field(default=None, foreign_key="experiment.id")
    """The experiment that it goes on from."""
    status: ExperimentStatus = Field(
        default=ExperimentStatus.PLANNED, sa_column=Column(_stored(ExperimentStatus), nullable=False)
    )
    version: int = 1
    """Counts its changes; a change is refused unless it names the newest."""
    recommendation: str = Field(sa_column=Column(Text, nullable=False))
    """`tools.recommendations.Recommendation` as JSON: what is tried, and the cause that it acts on."""
    plan: str = Field(sa_column=Column(Text, nullable=False))
    """`tools.experiment.ExperimentPlan` as JSON."""
    planned_as_of: datetime
    """As-of time of the data that the plan was sized on."""
    in_force_since: datetime | None = None
    """When the action reached all orders."""
    reading: str | None = Field(default=None, sa_column=Column(Text))
    """`tools.monitor_report.MonitorReport` as JSON: on what it was rolled out."""
    resolution: str | None = Field(default=None, sa_column=Column(Text))
    """`tools.resolution.Resolution` as JSON: on what its incident was closed."""
    resolved_as_of: datetime | None = None
    """As-of time of the data on which its incident was closed."""
    remembered: bool = False
    """Whether its resolution is in the memory of the knowledge base."""
    created_at: datetime
    updated_at: datetime


class ExperimentRowsRecord(SQLModel, table=True):
    """A part of an experiment's assignment; append-only."""

    __tablename__ = "experiment_rows"

    id: int | None = Field(default=None, primary_key=True)
    experiment_id: str = Field(foreign_key="experiment.id", index=True)
    at: datetime
    actor: str
    """Who sent it: name of the API key, or `local`."""
    rows: int
    document: str = Field(sa_column=Column(Text, nullable=False))
    """CSV, as `tools.assignment_file` cleaned it."""


class IdempotencyRecord(SQLModel, table=True):
    """The answer to a request that carried an `Idempotency-Key`."""

    __tablename__ = "idempotency_key"

    key: str = Field(primary_key=True)
    request_hash: str
    run_id: str | None = Field(default=None, foreign_key="run.id")
    experiment_id: str | None = Field(default=None, foreign_key="experiment.id")
    """What it started: a run or an experiment."""
    created_at: datetime


class AuditRecord(SQLModel, table=True):
    """Who did what; append-only."""

    __tablename__ = "audit_log"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str = Field(sa_column=Column(Text, nullable=False))
    """JSON."""
