"""Experiments of incidents: planned by code, read by code, made permanent only when their incident is fixed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import pandas as pd

from agents.report import InvestigationReport
from data.errors import DataError
from knowledge.memory import Resolution as Remembered
from server.assignments import StoredAssignments, to_csv, together
from server.clock import Clock
from server.errors import ConflictError, NotFixedError, NotFoundError, UnprocessableError
from server.experiment_store import Assigned, Closing, ExperimentStore, Part
from server.experiment_types import Adjustment, Designed, RolledOut
from server.idempotency import KeyedRequest
from server.models import ExperimentRecord, ExperimentStatus, IncidentRecord
from server.remembering import effect_words, remembered
from server.repository import Repository, Served
from tools.assignment_file import AssignmentError, checked, fresh
from tools.errors import ToolFailure
from tools.experiment import ExperimentPlan
from tools.incident_lifecycle import MoveError
from tools.incidents import Incident
from tools.monitor_report import MonitorReport
from tools.ports import Assignments
from tools.recommendations import Recommendation
from tools.resolution import MeasuredEffect, Resolution, measured

SHIPS: Final = "stop_and_ship"
"""The only decision on which an action is brought to all orders."""


class Analyst(Protocol):
    """What experiments need from the rooms beneath the service; all of it may take seconds."""

    def identify(self) -> Served:
        """Which data are served, as of when."""

    def read_experiment(
        self, plan: ExperimentPlan, assignments: Assignments, *, as_of: datetime | None
    ) -> MonitorReport:
        """The reading of a running experiment, as of a time; by default the newest."""

    def design(
        self, incident: Incident, recommendation: Recommendation, asked: Adjustment, *, as_of: datetime
    ) -> Designed:
        """Another plan, sized on the data as known at a time."""

    def judge(self, incident: Incident, done: RolledOut, *, as_of: datetime | None) -> Resolution:
        """Whether the incident is fixed, as of a time; by default the newest."""

    def remember(self, resolution: Remembered) -> None:
        """Keep how an incident ended; the same one twice is kept once."""


class Experiments:
    """Everything that may happen to an experiment."""

    def __init__(
        self, store: ExperimentStore, repository: Repository, analyst: Analyst, *, clock: Clock
    ) -> None:
        self.store = store
        self._repository = repository
        self._analyst = analyst
        self._clock = clock

    # --- planning

    def plan(
        self,
        incident: IncidentRecord,
        report: InvestigationReport,
        asked: Adjustment,
        *,
        actor: str,
        rows: pd.DataFrame | None = None,
        request: KeyedRequest | None = None,
    ) -> ExperimentRecord:
        """Plan an experiment: the one of the report, or an adjusted one; with rows it begins at once.

        Where the rows are refused, nothing is planned. The same request again answers with the same experiment.

        Raises:
            NotFoundError: the report plans none.
            ConflictError: the incident is resolved, or its orders are in another running experiment.
            UnprocessableError: what was asked for cannot be planned, the rows cannot be used, or the request's key was
                used for another one.
        """
        before = self.store.planned_by(request)
        if before is not None:
            return before
        if report.experiment_plan is None:
            raise NotFoundError(f"the last investigation of {incident.id} led to no experiment plan")
        offered = Designed(_tried(report, report.experiment_plan), report.experiment_plan)
        designed = self._design(incident, offered, asked, as_of=report.as_of)
        grown = None if rows is None else partial(_grown, rows=rows)
        with _refusals():
            return self.store.plan(
                incident, designed, as_of=report.as_of, actor=actor, grown=grown, request=request
            )

    def adjust(
        self,
        incident: IncidentRecord,
        record: ExperimentRecord,
        asked: Adjustment,
        *,
        version: int,
        actor: str,
    ) -> ExperimentRecord:
        """Plan anew what has not begun.

        Raises:
            ConflictError: it has begun; its plan is fixed.
            UnprocessableError: what was asked for cannot be planned.
        """
        designed = self._design(incident, _designed(record), asked, as_of=record.planned_as_of)
        return self.store.adjust(record, designed, version=version, actor=actor)

    def follow_up(
        self, incident: IncidentRecord, record: ExperimentRecord, asked: Adjustment, *, actor: str
    ) -> ExperimentRecord:
        """Plan the experiment that goes on from this one; it stands beside it until rows are assigned to it.

        Raises:
            ConflictError: this one has not begun, or the incident is resolved.
            UnprocessableError: what was asked for cannot be planned.
        """
        if record.status is ExperimentStatus.PLANNED:
            raise ConflictError(f"{record.id} has not begun: adjust its plan")
        designed = self._design(incident, _designed(record), asked, as_of=record.planned_as_of)
        return self.store.plan(incident, designed, as_of=record.planned_as_of, actor=actor, follows=record.id)

    def _design(
        self, incident: IncidentRecord, standing: Designed, asked: Adjustment, *, as_of: datetime
    ) -> Designed:
        if asked == Adjustment():
            return standing
        with _refusals():
            try:
                return self._analyst.design(_document(incident), standing.recommendation, asked, as_of=as_of)
            except ValueError as error:
                raise UnprocessableError(str(error)) from error

    # --- running

    def assign(self, record: ExperimentRecord, rows: pd.DataFrame, *, actor: str) -> ExperimentRecord:
        """Add rows to the assignment; the first ones begin the experiment.

        Raises:
            UnprocessableError: the rows cannot be used.
            ConflictError: they are also in another running experiment, or this one has ended.
        """
        with _refusals():
            return self.store.assign(record, partial(_grown, record, rows=rows), actor=actor)

    def reading(self, record: ExperimentRecord, *, as_of: datetime | None = None) -> MonitorReport:
        """Health, progress and decision, from the data and the stored assignment.

        Raises:
            ConflictError: nothing is assigned yet.
            UnprocessableError: it cannot be read as of this time, or the time lies ahead of the data.
        """
        if record.status is ExperimentStatus.PLANNED:
            raise ConflictError(f"{record.id} has not begun: send its assignment")
        known = self.store.assigned(record)
        port = StoredAssignments(known.parts, tuple(known.others.values()))
        with _refusals():
            self._check_known(as_of)
            return self._analyst.read_experiment(plan_of(record), port, as_of=as_of)

    def _check_known(self, as_of: datetime | None) -> None:
        newest = self._analyst.identify().as_of
        if as_of is not None and as_of > newest:
            raise UnprocessableError(
                f"as_of {as_of:%Y-%m-%d %H:%M} UTC lies ahead of the data, which are known up to "
                f"{newest:%Y-%m-%d %H:%M} UTC"
            )

    def stop(self, record: ExperimentRecord, reason: str, *, version: int, actor: str) -> ExperimentRecord:
        """End one that goes nowhere.

        Raises:
            ConflictError: it has ended already.
        """
        return self.store.stop(record, reason, version=version, actor=actor)

    # --- ending

    def roll_out(
        self, record: ExperimentRecord, since: datetime, *, version: int, actor: str
    ) -> ExperimentRecord:
        """State since when the action is in force for all orders.

        Raises:
            ConflictError: the reading of that time does not say to ship.
            UnprocessableError: the time lies ahead, or the experiment cannot be read as of it.
        """
        if since > self._clock():
            raise UnprocessableError("in_force_since lies ahead: say so once the action is in force")
        newest = self._served_as_of()
        reading = self.reading(record, as_of=min(since, newest))
        if reading.decision.action != SHIPS:
            raise ConflictError(
                f"as of {reading.as_of:%Y-%m-%d %H:%M} UTC the decision is "
                f"{reading.decision.action.replace('_', ' ')}: {reading.decision.reason}. {reading.decision.next_step}"
            )
        return self.store.roll_out(record, reading, since=since, version=version, actor=actor)

    def resolution(
        self, incident: IncidentRecord, record: ExperimentRecord, *, as_of: datetime | None = None
    ) -> Resolution:
        """Whether the incident is fixed, condition by condition; what was judged, once it was closed.

        Raises:
            ConflictError: nothing is assigned yet.
            UnprocessableError: too little is known of the slice, or the time lies ahead of the data.
        """
        if record.resolution is not None:
            return Resolution.model_validate_json(record.resolution)
        with _refusals():
            self._check_known(as_of)
        done = RolledOut(record.in_force_since, self._effect(record, as_of))
        with _refusals():
            return self._analyst.judge(_document(incident), done, as_of=as_of)

    def make_permanent(
        self, incident: IncidentRecord, record: ExperimentRecord, *, version: int, actor: str
    ) -> ExperimentRecord:
        """Close the incident as fixed, and remember how; a second call does nothing more.

        Raises:
            NotFixedError: a condition fails; tells each of them.
            ConflictError: the incident cannot be closed from where it stands.
        """
        if record.status is not ExperimentStatus.PERMANENT:
            as_of = self._served_as_of()
            found = self.resolution(incident, record, as_of=as_of)
            if found.closed_as is None:
                raise _not_fixed(incident, found)
            closing = Closing(found, as_of, _reason(record, found))
            try:
                record = self.store.make_permanent(record, closing, version=version, actor=actor)
            except MoveError as error:
                raise ConflictError(str(error)) from error
        return self._remember(record)

    def resume(self) -> int:
        """Remember what an earlier process closed and had no time to remember; returns how many."""
        left = self.store.unremembered()
        for record in left:
            self._remember(record)
        return len(left)

    def _remember(self, record: ExperimentRecord) -> ExperimentRecord:
        incident = self._repository.incident(record.incident_id)
        if incident is None:
            raise LookupError(f"incident {record.incident_id} is gone")
        self._analyst.remember(remembered(incident, record))
        self.store.mark_remembered(record.id)
        return record

    def _served_as_of(self) -> datetime:
        with _refusals():
            return self._analyst.identify().as_of

    def _effect(self, record: ExperimentRecord, as_of: datetime | None) -> MeasuredEffect | None:
        """As measured when it was rolled out; until then, as read now, if it can be read."""
        if record.reading is not None:
            return measured(MonitorReport.model_validate_json(record.reading))
        try:
            return measured(self.reading(record, as_of=as_of))
        except UnprocessableError:
            return None


def plan_of(record: ExperimentRecord) -> ExperimentPlan:
    """Its plan."""
    return ExperimentPlan.model_validate_json(record.plan)


def _designed(record: ExperimentRecord) -> Designed:
    return Designed(Recommendation.model_validate_json(record.recommendation), plan_of(record))


def _document(incident: IncidentRecord) -> Incident:
    return Incident.model_validate_json(incident.document)


def _tried(report: InvestigationReport, plan: ExperimentPlan) -> Recommendation:
    """The recommendation that the report's plan is about."""
    own = [one for one in report.recommendations if one.action == plan.action]
    same = [one for one in own if one.scope == plan.scope]
    return (same or own or list(report.recommendations))[0]


def _grown(record: ExperimentRecord, known: Assigned, *, rows: pd.DataFrame) -> Part:
    """What of these rows is new, once all of it together can be used."""
    plan = plan_of(record)
    so_far = together(known.parts)
    new = fresh(so_far, rows, plan.unit)
    whole = pd.concat([so_far, together([to_csv(new)])], ignore_index=True)
    checked(whole, plan.unit)
    _check_alone(whole, unit_plan=plan, others=known.others)
    return Part(to_csv(new), len(new))


def _check_alone(
    rows: pd.DataFrame, *, unit_plan: ExperimentPlan, others: Mapping[str, tuple[str, ...]]
) -> None:
    """Orders under two experiments tell nothing about either."""
    for name, parts in others.items():
        try:
            checked(rows, unit_plan.unit, others=[together(parts)])
        except AssignmentError as error:
            raise ConflictError(f"overlap with the running experiment {name}: {error}") from error


def _not_fixed(incident: IncidentRecord, found: Resolution) -> NotFixedError:
    failing = [one for one in found.conditions if not one.met]
    told = "; ".join(one.text for one in failing)
    return NotFixedError(
        f"{incident.id} is not fixed: {told}. {found.next_step}",
        fields=tuple((one.name, one.text) for one in failing),
    )


def _reason(record: ExperimentRecord, found: Resolution) -> str:
    reading = MonitorReport.model_validate_json(record.reading) if record.reading else None
    effect = effect_words(None if reading is None else measured(reading))
    return f"experiment {record.id}: {effect}; {found.days_inside} days in a row inside the baseline band"


@contextmanager
def _refusals() -> Iterator[None]:
    """What the tools and the data cannot answer, as answers."""
    try:
        yield
    except (ToolFailure, DataError) as error:
        raise UnprocessableError(str(error)) from error
