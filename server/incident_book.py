"""Incidents and what happens to them, within a session: the record, its history and the audit log together."""

import json
from datetime import datetime
from typing import Final, NamedTuple

from sqlmodel import Session, select

from server.models import AuditRecord, ChangeKind, IncidentChangeRecord, IncidentRecord
from tools.cause_found import CauseFound
from tools.incident_effect import Effect
from tools.incident_lifecycle import Actor, IncidentStatus, Move, Standing, explained, moved
from tools.incident_tracking import Change, Tracked, changes
from tools.incidents import DetectionReport, Incident

SYSTEM: Final = "system"
"""The actor of what no person asked for."""


_SEEN: Final = (
    "severity",
    "metric",
    "kind",
    "onset",
    "effect_metric",
    "effect_per_day",
    "document",
    "fingerprint",
    "as_of",
    "updated_at",
)
"""Columns that say what detection saw."""


class Author(NamedTuple):
    """Who changes an incident, and when."""

    name: str
    at: datetime


def record_detection(session: Session, report: DetectionReport, *, at: datetime) -> None:
    """Apply everything that a detection changes; ids, birth and standing stay where nothing else is decided."""
    records = {one.id: one for one in session.exec(select(IncidentRecord).with_for_update()).all()}
    author = Author(SYSTEM, at)
    for change in changes([tracked(one) for one in records.values()], report):
        id_ = change.after.incident.id
        if id_ not in records:
            records[id_] = _record(change.after, report, at)
        _apply(session, records[id_], change, report, author)
    reported = {incident.id for incident in report.incidents}
    for one in records.values():
        if one.id in reported or tracked(one).standing.is_open:
            one.fingerprint, one.as_of = report.fingerprint, report.as_of


def move(session: Session, record: IncidentRecord, asked: Move, *, by: Actor, author: Author) -> None:
    """Move an incident.

    Raises:
        MoveError: the move is refused.
    """
    before = tracked(record).standing
    after = moved(record.id, before, asked, by=by)
    _stand(record, after, as_of=record.as_of, at=author.at)
    kind = ChangeKind.CLOSED
    if after.is_open:
        kind = ChangeKind.MOVED if before.is_open else ChangeKind.REOPENED
    _write(session, record, kind, before.status, asked.reason.strip(), author)


def explain(
    session: Session, record: IncidentRecord, cause: CauseFound, *, reason: str, author: Author
) -> None:
    """State the cause of a resolved incident.

    Raises:
        MoveError: the incident is open, or was closed as something that has another cause.
    """
    record.cause = explained(record.id, tracked(record).standing, cause).cause
    record.updated_at = author.at
    _write(session, record, ChangeKind.EXPLAINED, record.status, reason.strip(), author)


def tracked(record: IncidentRecord) -> Tracked:
    """An incident as the rules know it."""
    return Tracked(
        incident=Incident.model_validate_json(record.document),
        standing=Standing(record.status, record.closed_as, record.merged_into, record.cause),
        effect=Effect(record.effect_metric, record.effect_per_day),
        closed_as_of=record.closed_as_of,
    )


def _apply(
    session: Session, record: IncidentRecord, change: Change, report: DetectionReport, author: Author
) -> None:
    before = None if change.kind == "opened" else record.status
    fresh = _record(change.after, report, author.at)
    for name in _SEEN:
        setattr(record, name, getattr(fresh, name))
    _stand(record, change.after.standing, as_of=change.after.closed_as_of, at=author.at)
    if change.kind == "seen":
        session.add(record)
        return
    _write(session, record, ChangeKind(change.kind), before, change.reason, author)


def _record(after: Tracked, report: DetectionReport, at: datetime) -> IncidentRecord:
    incident = after.incident
    return IncidentRecord(
        id=incident.id,
        version=0,
        severity=incident.severity,
        metric=incident.metric,
        kind=incident.kind,
        onset=incident.onset,
        effect_metric=after.effect.metric,
        effect_per_day=after.effect.per_day,
        document=incident.model_dump_json(by_alias=True),
        fingerprint=report.fingerprint,
        as_of=report.as_of,
        created_at=at,
        updated_at=at,
    )


def _stand(record: IncidentRecord, standing: Standing, *, as_of: datetime | None, at: datetime) -> None:
    closed = standing.status is IncidentStatus.RESOLVED
    record.status, record.closed_as, record.merged_into, record.cause = standing
    record.closed_as_of = as_of if closed else None
    record.closed_at = (record.closed_at or at) if closed else None
    record.updated_at = at


def _write(
    session: Session,
    record: IncidentRecord,
    kind: ChangeKind,
    before: IncidentStatus | None,
    reason: str,
    author: Author,
) -> None:
    """Count the change and tell it twice: to whoever looks at the incident, and to the audit log."""
    record.version += 1
    session.add(record)
    session.flush()
    change = IncidentChangeRecord(
        incident_id=record.id,
        version=record.version,
        at=author.at,
        actor=author.name,
        kind=kind,
        from_status=before,
        to_status=record.status,
        closed_as=record.closed_as,
        merged_into=record.merged_into,
        cause=record.cause,
        severity=record.severity,
        reason=reason,
    )
    told = change.model_dump(exclude={"id", "incident_id", "at", "actor", "kind"}, exclude_none=True)
    session.add(change)
    session.add(
        AuditRecord(
            at=author.at,
            actor=author.name,
            action=f"incident.{kind.value}",
            subject=record.id,
            detail=json.dumps(told, sort_keys=True),
        )
    )
