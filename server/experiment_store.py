"""All queries about experiments, beside those of `repository`.

Every method opens a short session of its own and commits before it returns; every change is told to the audit log in
the same transaction.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import Engine, func, tuple_
from sqlmodel import Session, col, select, update

from server import incident_book
from server.clock import Clock, system_clock
from server.errors import ConflictError, PreconditionFailedError
from server.experiment_types import Designed
from server.idempotency import KeyedRequest, answered, remember
from server.models import (
    AuditRecord,
    ExperimentRecord,
    ExperimentRowsRecord,
    ExperimentStatus,
    IncidentRecord,
)
from tools.experiment import ExperimentPlan
from tools.incident_lifecycle import Actor, ClosedAs, IncidentStatus, Move
from tools.monitor_report import MonitorReport
from tools.resolution import Resolution

_WATCHED: Final = (IncidentStatus.NEW, IncidentStatus.INVESTIGATING)
"""Incidents that are monitored from the first assigned unit on."""

_ASSIGNABLE: Final = (ExperimentStatus.PLANNED, ExperimentStatus.RUNNING, ExperimentStatus.ROLLED_OUT)
"""The last of them for the holdback."""


class ExperimentPage(NamedTuple):
    """A page of experiments."""

    items: tuple[ExperimentRecord, ...]
    after: tuple[datetime, str] | None
    """Where the next page begins; none at the end."""


class Assigned(NamedTuple):
    """An experiment's assignment so far, and those of others that could reach the same orders."""

    parts: tuple[str, ...]
    others: dict[str, tuple[str, ...]]
    """By experiment."""


class Part(NamedTuple):
    """Further rows of an assignment, clean."""

    document: str
    """CSV."""
    rows: int


class Closing(NamedTuple):
    """On what an incident is closed as fixed."""

    resolution: Resolution
    as_of: datetime
    reason: str


class ExperimentStore:
    """Experiments in the system of record."""

    def __init__(self, engine: Engine, *, clock: Clock = system_clock) -> None:
        self._engine = engine
        self._clock = clock

    def _session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)

    # --- reading

    def get(self, incident_id: str, experiment_id: str) -> ExperimentRecord | None:
        """An experiment of an incident."""
        with self._session() as session:
            record = session.get(ExperimentRecord, experiment_id)
        return record if record is not None and record.incident_id == incident_id else None

    def page(
        self, incident_id: str, *, limit: int, after: tuple[datetime, str] | None = None
    ) -> ExperimentPage:
        """A page of an incident's experiments, newest first."""
        created, id_ = col(ExperimentRecord.created_at), col(ExperimentRecord.id)
        query = select(ExperimentRecord).where(col(ExperimentRecord.incident_id) == incident_id)
        if after is not None:
            query = query.where(tuple_(created, id_) < tuple_(*after))
        with self._session() as session:
            found = session.exec(query.order_by(created.desc(), id_.desc()).limit(limit + 1)).all()
        items = tuple(found[:limit])
        return ExperimentPage(items, (items[-1].created_at, items[-1].id) if len(found) > limit else None)

    def rows(self, experiment_id: str) -> int:
        """How many rows its assignment has."""
        query = select(func.coalesce(func.sum(ExperimentRowsRecord.rows), 0)).where(
            col(ExperimentRowsRecord.experiment_id) == experiment_id
        )
        with self._session() as session:
            return int(session.exec(query).one())

    def assigned(self, record: ExperimentRecord) -> Assigned:
        """Its assignment and those of others."""
        with self._session() as session:
            return _assigned(session, record)

    def unremembered(self) -> tuple[ExperimentRecord, ...]:
        """Those whose incident was closed as fixed and is not in the memory yet."""
        query = select(ExperimentRecord).where(
            col(ExperimentRecord.status) == ExperimentStatus.PERMANENT,
            col(ExperimentRecord.remembered).is_(False),
        )
        with self._session() as session:
            return tuple(session.exec(query).all())

    # --- changing

    def planned_by(self, request: KeyedRequest | None) -> ExperimentRecord | None:
        """The experiment that this request has planned before.

        Raises:
            UnprocessableError: the key of the request was used for another one.
        """
        with self._session() as session:
            return _planned_by(session, request, self._clock())

    def plan(
        self,
        incident: IncidentRecord,
        designed: Designed,
        *,
        as_of: datetime,
        actor: str,
        follows: str | None = None,
        grown: Callable[[ExperimentRecord, Assigned], Part] | None = None,
        request: KeyedRequest | None = None,
    ) -> ExperimentRecord:
        """Keep a new plan, and begin it at once where it comes with rows.

        Args:
            incident: what it is about.
            designed: the plan, and what it tries.
            as_of: what the plan was sized on.
            actor: who plans it.
            follows: the experiment that it goes on from.
            grown: its first rows; where they are refused, nothing is kept.
            request: one that plans once, however often it comes.

        Raises:
            ConflictError: the incident is resolved.
            UnprocessableError: the key of the request was used for another one.
        """
        now = self._clock()
        with self._session() as session:
            _lock(session, incident.id)
            before = _planned_by(session, request, now)
            if before is not None:
                return before
            _check_open(session.get_one(IncidentRecord, incident.id))
            if grown is not None:
                _lock_experiments(session)
            count = select(func.count()).where(col(ExperimentRecord.incident_id) == incident.id)
            record = ExperimentRecord(
                id=f"{incident.id}-X{session.exec(count).one() + 1}",
                incident_id=incident.id,
                follows=follows,
                recommendation=designed.recommendation.model_dump_json(),
                plan=designed.plan.model_dump_json(),
                planned_as_of=as_of,
                created_at=now,
                updated_at=now,
            )
            session.add(record)
            session.flush()
            author = incident_book.Author(actor, now)
            session.add(_told(record, "planned", author, tries=designed.plan.action))
            if grown is not None:
                _grow(session, record, partial(grown, record), author)
                record.version += 1
                session.add(_told(record, "assigned", author))
            remember(session, request, now=now, experiment_id=record.id)
            session.commit()
        return record

    def adjust(
        self, record: ExperimentRecord, designed: Designed, *, version: int, actor: str
    ) -> ExperimentRecord:
        """Put another plan in the place of one that has not begun.

        Raises:
            ConflictError: it has begun.
            PreconditionFailedError: somebody else changed it since.
        """
        with self._changing(record.id, version, actor, "adjusted") as (_, changed):
            _check_status(
                changed, ExperimentStatus.PLANNED, "its plan is fixed, so that nothing is decided by peeking"
            )
            changed.recommendation = designed.recommendation.model_dump_json()
            changed.plan = designed.plan.model_dump_json()
        return changed

    def assign(
        self, record: ExperimentRecord, grown: Callable[[Assigned], Part], *, actor: str
    ) -> ExperimentRecord:
        """Add rows to its assignment; the first ones begin it, and its incident is monitored from then on.

        Args:
            record: the experiment.
            grown: what is new, in view of what is known; raises where it cannot be used.
            actor: who sends it.

        Raises:
            ConflictError: the experiment has ended, or its incident was resolved before it began.
        """
        with self._changing(record.id, None, actor, "assigned", one_by_one=True) as (session, changed):
            _check_status(changed, _ASSIGNABLE, "nothing more is assigned")
            _grow(session, changed, grown, incident_book.Author(actor, self._clock()))
        return changed

    def roll_out(
        self, record: ExperimentRecord, reading: MonitorReport, *, since: datetime, version: int, actor: str
    ) -> ExperimentRecord:
        """Keep since when the action is in force for all orders, and the reading that allowed it.

        Raises:
            ConflictError: it does not run.
            PreconditionFailedError: somebody else changed it since.
        """
        with self._changing(record.id, version, actor, "rolled_out", since=since.isoformat()) as (_, changed):
            _check_status(changed, ExperimentStatus.RUNNING, "only a running one can be rolled out")
            changed.status, changed.in_force_since = ExperimentStatus.ROLLED_OUT, since
            changed.reading = reading.model_dump_json()
        return changed

    def make_permanent(
        self, record: ExperimentRecord, closing: Closing, *, version: int, actor: str
    ) -> ExperimentRecord:
        """Close the incident as fixed, and the experiment with it.

        Raises:
            ConflictError: it is not rolled out.
            MoveError: the incident cannot be closed from where it stands.
            PreconditionFailedError: somebody else changed it since.
        """
        with self._changing(record.id, version, actor, "made_permanent") as (session, changed):
            _check_status(changed, ExperimentStatus.ROLLED_OUT, "it was not brought to all orders")
            changed.status = ExperimentStatus.PERMANENT
            changed.resolution, changed.resolved_as_of = closing.resolution.model_dump_json(), closing.as_of
            incident = session.get_one(IncidentRecord, changed.incident_id, with_for_update=True)
            asked = Move(IncidentStatus.RESOLVED, ClosedAs.FIXED, reason=closing.reason, cause=incident.cause)
            author = incident_book.Author(actor, self._clock())
            incident_book.move(session, incident, asked, by=Actor.EXPERIMENT, author=author)
        return changed

    def stop(self, record: ExperimentRecord, reason: str, *, version: int, actor: str) -> ExperimentRecord:
        """End one that goes nowhere.

        Raises:
            ConflictError: it has ended already.
            PreconditionFailedError: somebody else changed it since.
        """
        with self._changing(record.id, version, actor, "stopped", reason=reason) as (_, changed):
            ended = (ExperimentStatus.PERMANENT, ExperimentStatus.STOPPED)
            _check_status(changed, [one for one in ExperimentStatus if one not in ended], "it has ended")
            changed.status = ExperimentStatus.STOPPED
        return changed

    def mark_remembered(self, experiment_id: str) -> None:
        """Its resolution is in the memory."""
        with self._session() as session:
            session.get_one(ExperimentRecord, experiment_id).remembered = True
            session.commit()

    @contextmanager
    def _changing(
        self,
        experiment_id: str,
        version: int | None,
        actor: str,
        action: str,
        *,
        one_by_one: bool = False,
        **detail: str,
    ) -> Iterator[tuple[Session, ExperimentRecord]]:
        """An experiment, locked at the version that somebody has seen; counted, told and committed at the end."""
        with self._session() as session:
            if one_by_one:
                _lock_experiments(session)
            record = _claim(session, experiment_id, version)
            yield session, record
            author = incident_book.Author(actor, self._clock())
            record.version, record.updated_at = record.version + 1, author.at
            session.add(record)
            session.add(_told(record, action, author, **detail))
            session.commit()


def _lock(session: Session, incident_id: str) -> None:
    """One after the other on an incident; writing first locks SQLite too."""
    same = update(IncidentRecord).where(col(IncidentRecord.id) == incident_id)
    session.exec(same.values(version=IncidentRecord.version))


def _lock_experiments(session: Session) -> None:
    """Two experiments that begin at the same time must not both think that they are alone."""
    every = select(ExperimentRecord.id).order_by(col(ExperimentRecord.id))
    session.exec(every.with_for_update()).all()


def _planned_by(session: Session, request: KeyedRequest | None, now: datetime) -> ExperimentRecord | None:
    before = answered(session, request, now=now)
    return None if before is None else session.get_one(ExperimentRecord, before.experiment_id)


def _grow(
    session: Session,
    record: ExperimentRecord,
    grown: Callable[[Assigned], Part],
    author: incident_book.Author,
) -> None:
    """Add rows; the first ones begin the experiment."""
    part = grown(_assigned(session, record))
    if part.rows:
        session.add(
            ExperimentRowsRecord(
                experiment_id=record.id,
                at=author.at,
                actor=author.name,
                rows=part.rows,
                document=part.document,
            )
        )
    if record.status is ExperimentStatus.PLANNED:
        _begin(session, record, author)


def _claim(session: Session, experiment_id: str, version: int | None) -> ExperimentRecord:
    claimed = update(ExperimentRecord).where(col(ExperimentRecord.id) == experiment_id)
    if version is not None:
        claimed = claimed.where(col(ExperimentRecord.version) == version)
    # Writing first locks SQLite: nobody changes it between our reading and our writing.
    found = session.exec(claimed.values(version=ExperimentRecord.version))
    record = session.get_one(ExperimentRecord, experiment_id)
    if found.rowcount != 1:
        raise PreconditionFailedError(
            f"{experiment_id} is at version {record.version} ({record.status.value}), not {version}: read it again"
        )
    return record


def _check_open(incident: IncidentRecord) -> None:
    if incident.status is IncidentStatus.RESOLVED:
        raise ConflictError(f"{incident.id} is resolved: open it again before something is tried on it")


def _check_status(
    record: ExperimentRecord, allowed: ExperimentStatus | Sequence[ExperimentStatus], otherwise: str
) -> None:
    names = [allowed] if isinstance(allowed, ExperimentStatus) else allowed
    if record.status not in names:
        stands = record.status.value.replace("_", " ")
        raise ConflictError(f"{record.id} is {stands}: {otherwise}; `follow-up` plans the next one")


def _begin(session: Session, record: ExperimentRecord, author: incident_book.Author) -> None:
    incident = session.get_one(IncidentRecord, record.incident_id, with_for_update=True)
    _check_open(incident)
    record.status = ExperimentStatus.RUNNING
    if incident.status in _WATCHED:
        asked = Move(IncidentStatus.MONITORING, reason=f"experiment {record.id} began")
        incident_book.move(session, incident, asked, by=Actor.PERSON, author=author)


def _assigned(session: Session, record: ExperimentRecord) -> Assigned:
    scope = ExperimentPlan.model_validate_json(record.plan).scope
    running = session.exec(
        select(ExperimentRecord)
        .where(
            col(ExperimentRecord.status) == ExperimentStatus.RUNNING, col(ExperimentRecord.id) != record.id
        )
        .order_by(col(ExperimentRecord.id))
    ).all()
    near = [one for one in running if ExperimentPlan.model_validate_json(one.plan).scope.overlaps(scope)]
    return Assigned(_parts(session, record.id), {one.id: _parts(session, one.id) for one in near})


def _parts(session: Session, experiment_id: str) -> tuple[str, ...]:
    query = (
        select(ExperimentRowsRecord.document)
        .where(col(ExperimentRowsRecord.experiment_id) == experiment_id)
        .order_by(col(ExperimentRowsRecord.id))
    )
    return tuple(session.exec(query).all())


def _told(record: ExperimentRecord, action: str, author: incident_book.Author, **detail: str) -> AuditRecord:
    told = {"incident": record.incident_id, "version": record.version, **detail}
    return AuditRecord(
        at=author.at,
        actor=author.name,
        action=f"experiment.{action}",
        subject=record.id,
        detail=json.dumps(told, sort_keys=True),
    )
