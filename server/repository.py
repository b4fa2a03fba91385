"""All queries of the system of record, in one place.

Every method opens a short session of its own and commits before it returns.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Engine, func, tuple_
from sqlmodel import Session, col, select, update
from sqlmodel.sql.expression import SelectOfScalar

from agents.report import InvestigationReport
from server import incident_book
from server.clock import Clock, system_clock
from server.errors import PreconditionFailedError, UnprocessableError
from server.idempotency import KeyedRequest, answered, remember
from server.models import (
    UNFINISHED,
    AuditRecord,
    DetectionRecord,
    IncidentChangeRecord,
    IncidentRecord,
    ReportRecord,
    RunEventRecord,
    RunRecord,
    RunStatus,
)
from tools.cause_found import CauseFound
from tools.incident_lifecycle import Actor, ClosedAs, IncidentStatus, Move
from tools.incidents import DetectionReport, Incident, Kind, Severity

_UNREAL: Final = (ClosedAs.FALSE_ALARM, ClosedAs.MERGED)
Key = tuple[str, str, str, int]
"""(run, node, branch, ordinal): what makes an event unique."""


class Served(NamedTuple):
    """The data that are served, as of a time."""

    fingerprint: str
    as_of: datetime
    rules: str = ""
    """Names the settings of the analysis where they are not the usual ones."""


class IncidentFilter(NamedTuple):
    """Which incidents are wanted; an empty choice is all of them."""

    status: Sequence[IncidentStatus] = ()
    severity: Sequence[Severity] = ()
    kind: Sequence[Kind] = ()
    open: bool | None = None


ANY: Final = IncidentFilter()


class Page(NamedTuple):
    """A page of incidents."""

    items: tuple[IncidentRecord, ...]
    after: tuple[datetime, str] | None
    """Where the next page begins; none at the end."""


class Past(NamedTuple):
    """A resolved incident and what was known of it."""

    record: IncidentRecord
    report: ReportRecord | None
    """Of the last investigation that finished before it was closed."""


class Repository:
    """The system of record."""

    def __init__(self, engine: Engine, *, clock: Clock = system_clock) -> None:
        self._engine = engine
        self._clock = clock

    def _session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)

    # --- incidents

    def store_detection(self, report: DetectionReport, *, version: str = "") -> None:
        """Keep a detection, and let it change the incidents: `tools.incident_tracking` says how."""
        now = self._clock()
        with self._session() as session:
            session.merge(
                DetectionRecord(
                    fingerprint=report.fingerprint,
                    as_of=report.as_of,
                    version=version,
                    document=report.model_dump_json(by_alias=True),
                    created_at=now,
                )
            )
            # Writing first locks SQLite: nobody moves an incident between our reading and our writing.
            session.flush()
            incident_book.record_detection(session, report, at=now)
            session.commit()

    def detection(self, served: Served, *, version: str) -> DetectionReport | None:
        """What this version of the product found in these data."""
        with self._session() as session:
            record = session.get(DetectionRecord, (served.fingerprint, served.as_of, version))
        return None if record is None else DetectionReport.model_validate_json(record.document)

    def history(self) -> tuple[Incident, ...]:
        """The incidents that were real, as they were last seen, oldest first.

        What a false alarm covered is ordinary and may teach the baseline; a merged incident is told by the whole.
        """
        query = select(IncidentRecord).order_by(col(IncidentRecord.onset), col(IncidentRecord.id))
        with self._session() as session:
            records = [one for one in session.exec(query) if one.closed_as not in _UNREAL]
        return tuple(Incident.model_validate_json(record.document) for record in records)

    def incident(self, incident_id: str) -> IncidentRecord | None:
        """One incident."""
        with self._session() as session:
            return session.get(IncidentRecord, incident_id)

    def incidents(
        self, *, limit: int, after: tuple[datetime, str] | None = None, where: IncidentFilter = ANY
    ) -> Page:
        """A page of incidents, newest onset first."""
        order = tuple_(col(IncidentRecord.onset), col(IncidentRecord.id))
        query = select(IncidentRecord).order_by(
            col(IncidentRecord.onset).desc(), col(IncidentRecord.id).desc()
        )
        if after is not None:
            query = query.where(order < tuple_(*after))
        with self._session() as session:
            found = session.exec(_filtered(query, where).limit(limit + 1)).all()
        items = tuple(found[:limit])
        more = len(found) > limit
        return Page(items=items, after=(items[-1].onset, items[-1].id) if more else None)

    def move_incident(self, incident_id: str, asked: Move, *, version: int, actor: str) -> IncidentRecord:
        """Move an incident for a person who has seen this version of it.

        Raises:
            MoveError: the rules refuse the move.
            PreconditionFailedError: somebody else changed the incident since.
            UnprocessableError: `merged_into` names no incident that could take it in.
        """
        with self._session() as session:
            record = _claim(session, incident_id, version)
            if asked.merged_into is not None:
                _check_target(session.get(IncidentRecord, asked.merged_into), asked.merged_into)
            author = incident_book.Author(actor, self._clock())
            incident_book.move(session, record, asked, by=Actor.PERSON, author=author)
            session.commit()
        return record

    def state_cause(
        self, incident_id: str, cause: CauseFound, *, version: int, actor: str, reason: str = ""
    ) -> IncidentRecord:
        """Keep the cause that a person found of a resolved incident, who has seen this version of it.

        Raises:
            MoveError: the incident is open, or was closed as something that has another cause.
            PreconditionFailedError: somebody else changed the incident since.
        """
        with self._session() as session:
            record = _claim(session, incident_id, version)
            author = incident_book.Author(actor, self._clock())
            incident_book.explain(session, record, cause, reason=reason, author=author)
            session.commit()
        return record

    def resolved(self) -> tuple[Past, ...]:
        """All resolved incidents, each with its last report from before the close; oldest onset first."""
        query = (
            select(IncidentRecord)
            .where(col(IncidentRecord.status) == IncidentStatus.RESOLVED)
            .order_by(col(IncidentRecord.onset), col(IncidentRecord.id))
        )
        with self._session() as session:
            return tuple(Past(one, _last_report(session, one)) for one in session.exec(query).all())

    def incident_history(self, incident_id: str) -> tuple[IncidentChangeRecord, ...]:
        """What happened to an incident, oldest first."""
        query = (
            select(IncidentChangeRecord)
            .where(col(IncidentChangeRecord.incident_id) == incident_id)
            .order_by(col(IncidentChangeRecord.version))
        )
        with self._session() as session:
            return tuple(session.exec(query).all())

    # --- runs

    def start_once(self, incident: IncidentRecord, *, request: KeyedRequest | None = None) -> RunRecord:
        """Queue an investigation of an incident, or find the one that this request has started before.

        Runs are numbered within their incident, so that their ids are the same wherever they are repeated.

        Raises:
            UnprocessableError: the key of the request was used for another one.
        """
        now = self._clock()
        with self._session() as session:
            before = answered(session, request, now=now)
            if before is not None:
                return session.get_one(RunRecord, before.run_id)
            number = session.exec(_count_runs(incident.id)).one() + 1
            run = _run_record(f"{incident.id}-{number}", incident, now=now)
            session.add(run)
            session.flush()
            remember(session, request, now=now, run_id=run.id)
            session.commit()
        return run

    def run(self, run_id: str) -> RunRecord | None:
        """One run."""
        with self._session() as session:
            return session.get(RunRecord, run_id)

    def runs(self, incident_id: str) -> tuple[RunRecord, ...]:
        """The runs of an incident, newest first."""
        query = (
            select(RunRecord)
            .where(col(RunRecord.incident_id) == incident_id)
            .order_by(col(RunRecord.created_at).desc(), col(RunRecord.id).desc())
        )
        with self._session() as session:
            return tuple(session.exec(query).all())

    def unfinished_runs(self) -> tuple[RunRecord, ...]:
        """Runs that were queued or under way, oldest first."""
        query = (
            select(RunRecord)
            .where(col(RunRecord.status).in_(UNFINISHED))
            .order_by(col(RunRecord.created_at), col(RunRecord.id))
        )
        with self._session() as session:
            return tuple(session.exec(query).all())

    def start_run(self, run_id: str) -> None:
        """Mark a run as under way, once more."""
        with self._session() as session:
            run = session.get_one(RunRecord, run_id)
            run.status, run.attempts = RunStatus.RUNNING, run.attempts + 1
            incident = session.get_one(IncidentRecord, run.incident_id)
            if incident.status is IncidentStatus.NEW:
                asked = Move(IncidentStatus.INVESTIGATING, reason=f"run {run_id} began")
                author = incident_book.Author(incident_book.SYSTEM, self._clock())
                incident_book.move(session, incident, asked, by=Actor.SYSTEM, author=author)
            session.commit()

    def finish_run(self, run_id: str, report: InvestigationReport) -> None:
        """Keep the report and close the run, in one transaction."""
        now = self._clock()
        with self._session() as session:
            run = session.get_one(RunRecord, run_id)
            run.status, run.finished_at, run.error = RunStatus.FINISHED, now, None
            document = report.model_dump_json(by_alias=True)
            session.merge(
                ReportRecord(run_id=run_id, incident_id=run.incident_id, document=document, created_at=now)
            )
            session.commit()

    def fail_run(self, run_id: str, error: str) -> None:
        """Close a run that could not be finished."""
        with self._session() as session:
            run = session.get_one(RunRecord, run_id)
            run.status, run.finished_at, run.error = RunStatus.FAILED, self._clock(), error
            session.commit()

    def report(self, run_id: str) -> ReportRecord | None:
        """What a run found."""
        with self._session() as session:
            return session.get(ReportRecord, run_id)

    def latest_report(self, incident_id: str) -> ReportRecord | None:
        """What the last finished investigation of an incident found."""
        query = (
            select(ReportRecord)
            .where(col(ReportRecord.incident_id) == incident_id)
            .order_by(col(ReportRecord.created_at).desc(), col(ReportRecord.run_id).desc())
            .limit(1)
        )
        with self._session() as session:
            return session.exec(query).first()

    # --- events

    def add_event(self, record: RunEventRecord, placed: Iterable[tuple[Key, int]]) -> None:
        """Append an event and give the events that it releases their places, in one transaction."""
        with self._session() as session:
            session.add(record)
            session.flush()
            for (run_id, node, branch, ordinal), seq in placed:
                session.exec(
                    update(RunEventRecord)
                    .where(
                        col(RunEventRecord.run_id) == run_id,
                        col(RunEventRecord.node) == node,
                        col(RunEventRecord.branch) == branch,
                        col(RunEventRecord.ordinal) == ordinal,
                    )
                    .values(seq=seq)
                )
            session.commit()

    def arrivals(self, run_id: str) -> Sequence[RunEventRecord]:
        """All events of a run in order of arrival, released or not."""
        query = (
            select(RunEventRecord)
            .where(col(RunEventRecord.run_id) == run_id)
            .order_by(col(RunEventRecord.id))
        )
        with self._session() as session:
            return session.exec(query).all()

    def events(self, run_id: str, *, after: int = 0, limit: int = 500) -> Sequence[RunEventRecord]:
        """The released events of a run that come after a place, in order."""
        query = (
            select(RunEventRecord)
            .where(col(RunEventRecord.run_id) == run_id, col(RunEventRecord.seq) > after)
            .order_by(col(RunEventRecord.seq))
            .limit(limit)
        )
        with self._session() as session:
            return session.exec(query).all()

    def is_closed(self, run_id: str, *, after: int) -> bool:
        """Whether a run's log has ended at or before this place."""
        query = select(func.count()).where(
            col(RunEventRecord.run_id) == run_id,
            col(RunEventRecord.terminal).is_(True),
            col(RunEventRecord.seq) <= after,
        )
        with self._session() as session:
            return session.exec(query).one() > 0

    # --- audit

    def audit(self, *, actor: str, action: str, subject: str, detail: str = "{}") -> None:
        """Write down who did what."""
        with self._session() as session:
            session.add(
                AuditRecord(at=self._clock(), actor=actor, action=action, subject=subject, detail=detail)
            )
            session.commit()


def _claim(session: Session, incident_id: str, version: int) -> IncidentRecord:
    """The incident, locked at the version that somebody has seen.

    Raises:
        PreconditionFailedError: it is at another one.
    """
    claimed = session.exec(
        update(IncidentRecord)
        .where(col(IncidentRecord.id) == incident_id, col(IncidentRecord.version) == version)
        .values(version=version)
    )
    record = session.get_one(IncidentRecord, incident_id)
    if claimed.rowcount != 1:
        raise PreconditionFailedError(
            f"{incident_id} is at version {record.version} ({record.status.value}), not {version}: "
            "read it again"
        )
    return record


def _last_report(session: Session, incident: IncidentRecord) -> ReportRecord | None:
    query = (
        select(ReportRecord)
        .where(
            col(ReportRecord.incident_id) == incident.id,
            col(ReportRecord.created_at) <= incident.closed_at,
        )
        .order_by(col(ReportRecord.created_at).desc(), col(ReportRecord.run_id).desc())
        .limit(1)
    )
    return session.exec(query).first()


def _filtered(query: SelectOfScalar[IncidentRecord], where: IncidentFilter) -> SelectOfScalar[IncidentRecord]:
    wanted = ((IncidentRecord.status, where.status), (IncidentRecord.severity, where.severity))
    for column, values in (*wanted, (IncidentRecord.kind, where.kind)):
        if values:
            query = query.where(col(column).in_(values))
    if where.open is None:
        return query
    resolved = col(IncidentRecord.status) == IncidentStatus.RESOLVED
    return query.where(~resolved if where.open else resolved)


def _check_target(target: IncidentRecord | None, id_: str) -> None:
    if target is None:
        raise UnprocessableError(f"merged_into: there is no incident {id_!r}")
    if target.merged_into is not None:
        raise UnprocessableError(
            f"merged_into: {id_} was itself merged into {target.merged_into}; name that one"
        )


def _run_record(run_id: str, incident: IncidentRecord, *, now: datetime) -> RunRecord:
    return RunRecord(
        id=run_id,
        incident_id=incident.id,
        incident=incident.document,
        fingerprint=incident.fingerprint,
        as_of=incident.as_of,
        created_at=now,
    )


def _count_runs(incident_id: str) -> SelectOfScalar[int]:
    return select(func.count()).select_from(RunRecord).where(col(RunRecord.incident_id) == incident_id)
