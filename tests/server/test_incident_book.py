import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from data.slices import Slice
from server.errors import PreconditionFailedError, UnprocessableError
from server.models import AuditRecord, IncidentRecord
from server.repository import IncidentFilter, Repository
from tests.server.fakes import NOW, make_detection, make_incident
from tools.cause_found import CauseFound
from tools.incident_lifecycle import ClosedAs, IllegalMoveError, IncidentStatus, IncompleteMoveError, Move
from tools.incidents import Incident, Kind, Severity

CALM = Move(IncidentStatus.RESOLVED, ClosedAs.RECOVERED, reason="calm again")


def incident(repository: Repository, id: str = "I1") -> IncidentRecord:
    record = repository.incident(id)
    assert record is not None
    return record


def told(repository: Repository, id: str = "I1") -> list[tuple[str, str, str]]:
    return [(c.actor, c.kind.value, c.to_status.value) for c in repository.incident_history(id)]


def audited(repository: Repository) -> Sequence[AuditRecord]:
    with Session(repository._engine) as session:
        return session.exec(select(AuditRecord)).all()


def at(repository: Repository, days: float) -> Repository:
    return Repository(repository._engine, clock=lambda: NOW + timedelta(days=days))


def elsewhere(id: str, **changed: object) -> Incident:
    return make_incident(id).model_copy(update={"slice": Slice.parse({"region": "NYC"}), **changed})


def later(days: int, *, ends: int | None = None, **changed: object) -> object:
    """A detection `days` later, of the incident as it lasted until `ends` days from now."""
    seen = make_incident()
    end = NOW + timedelta(days=days if ends is None else ends)
    window = seen.window.model_copy(update={"end": end})
    report = make_detection(seen.model_copy(update={"window": window, **changed}))
    return report.model_copy(update={"as_of": NOW + timedelta(days=days)})


def test_every_change_is_told_with_who_when_and_why(repository: Repository, run_id: str) -> None:
    repository.start_run(run_id)
    repository.move_incident("I1", Move(IncidentStatus.MONITORING), version=2, actor="ana")
    at(repository, 1).move_incident("I1", CALM, version=3, actor="ben")
    assert told(repository) == [
        ("system", "opened", "new"),
        ("system", "moved", "investigating"),
        ("ana", "moved", "monitoring"),
        ("ben", "closed", "resolved"),
    ]
    last = repository.incident_history("I1")[-1]
    assert (last.at, last.reason, last.from_status) == (
        NOW + timedelta(days=1),
        "calm again",
        IncidentStatus.MONITORING,
    )
    record = incident(repository)
    assert (record.closed_as, record.closed_at, record.closed_as_of, record.version) == (
        ClosedAs.RECOVERED,
        NOW + timedelta(days=1),
        NOW,
        4,
    )


def test_every_change_is_in_the_audit_log(repository: Repository) -> None:
    repository.move_incident("I1", CALM, version=1, actor="ana")
    entries = [(e.actor, e.action, e.subject) for e in audited(repository)]
    assert entries == [("system", "incident.opened", "I1"), ("ana", "incident.closed", "I1")]
    assert json.loads(audited(repository)[-1].detail) == {
        "closed_as": "recovered",
        "from_status": "new",
        "reason": "calm again",
        "severity": "high",
        "to_status": "resolved",
        "version": 2,
    }


def test_a_stale_version_changes_nothing(repository: Repository) -> None:
    repository.move_incident("I1", Move(IncidentStatus.MONITORING), version=1, actor="ana")
    with pytest.raises(PreconditionFailedError, match=r"version 2 \(monitoring\), not 1"):
        repository.move_incident("I1", CALM, version=1, actor="ben")
    assert incident(repository).status is IncidentStatus.MONITORING


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (Move(IncidentStatus.NEW), IllegalMoveError),
        (Move(IncidentStatus.RESOLVED, ClosedAs.FIXED, reason="rolled back"), IncompleteMoveError),
        (Move(IncidentStatus.RESOLVED, ClosedAs.MERGED, "nope", reason="a part"), UnprocessableError),
    ],
)
def test_a_refused_move_changes_nothing(repository: Repository, asked: Move, error: type[Exception]) -> None:
    with pytest.raises(error):
        repository.move_incident("I1", asked, version=1, actor="ana")
    assert incident(repository).version == 1
    assert told(repository) == [("system", "opened", "new")]


def test_merging_names_the_whole(repository: Repository) -> None:
    repository.store_detection(make_detection(make_incident(), elsewhere("I2")))
    repository.move_incident(
        "I1", Move(IncidentStatus.RESOLVED, ClosedAs.MERGED, "I2", reason="a part"), version=1, actor="ana"
    )
    assert incident(repository).merged_into == "I2"
    with pytest.raises(UnprocessableError, match="itself merged into I2"):
        repository.move_incident(
            "I2", Move(IncidentStatus.RESOLVED, ClosedAs.MERGED, "I1", reason="x"), version=1, actor="ana"
        )


def test_detection_closes_what_is_over_and_reopens_what_returns(repository: Repository) -> None:
    at(repository, 3).store_detection(later(3, ends=0))  # type: ignore[arg-type]  # a report
    record = incident(repository)
    assert (record.status, record.closed_as) == (IncidentStatus.RESOLVED, ClosedAs.RECOVERED)
    assert record.closed_as_of == NOW + timedelta(days=3)
    at(repository, 4).store_detection(later(4))  # type: ignore[arg-type]  # a report
    record = incident(repository)
    assert (record.status, record.closed_as, record.closed_at) == (IncidentStatus.NEW, None, None)
    assert told(repository) == [
        ("system", "opened", "new"),
        ("system", "closed", "resolved"),
        ("system", "reopened", "new"),
    ]


def test_growth_is_an_escalation_with_its_severity(repository: Repository) -> None:
    grown = later(1, delta=-0.4, severity=Severity.CRITICAL)
    at(repository, 1).store_detection(grown)  # type: ignore[arg-type]  # a report
    record = incident(repository)
    assert (record.severity, record.version, record.created_at) == ("critical", 2, NOW)
    assert [e.action for e in audited(repository)][-1] == "incident.escalated"


def test_a_detection_that_changes_nothing_counts_no_version(repository: Repository) -> None:
    at(repository, 1).store_detection(later(1))  # type: ignore[arg-type]  # a report
    record = incident(repository)
    assert (record.version, record.updated_at, record.as_of) == (
        1,
        NOW + timedelta(days=1),
        NOW + timedelta(days=1),
    )
    assert len(audited(repository)) == 1


def test_false_alarms_teach_the_baseline_again(repository: Repository) -> None:
    assert [one.id for one in repository.history()] == ["I1"]
    false = Move(IncidentStatus.RESOLVED, ClosedAs.FALSE_ALARM, reason="a test")
    repository.move_incident("I1", false, version=1, actor="ana")
    assert repository.history() == ()
    repository.store_detection(make_detection(make_incident()))
    assert incident(repository).closed_as is ClosedAs.FALSE_ALARM


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (IncidentFilter(), {"I1", "I2", "I3"}),
        (IncidentFilter(status=[IncidentStatus.NEW]), {"I1", "I2"}),
        (IncidentFilter(severity=[Severity.LOW, Severity.CRITICAL]), {"I2"}),
        (IncidentFilter(kind=[Kind.DATA_QUALITY]), {"I3"}),
        (IncidentFilter(open=True), {"I1", "I2"}),
        (IncidentFilter(open=False), {"I3"}),
        (IncidentFilter(status=[IncidentStatus.NEW], severity=[Severity.LOW], open=True), {"I2"}),
    ],
)
def test_incidents_are_filtered(repository: Repository, where: IncidentFilter, expected: set[str]) -> None:
    low = elsewhere("I2", severity=Severity.LOW)
    window = make_incident(days=9).window.model_copy(update={"end": NOW - timedelta(days=8)})
    ended = elsewhere("I3", kind=Kind.DATA_QUALITY, metric="order_volume", window=window)
    repository.store_detection(make_detection(make_incident(), low, ended))
    assert {one.id for one in repository.incidents(limit=10, where=where).items} == expected


def test_a_stated_cause_is_kept_told_and_audited(repository: Repository) -> None:
    repository.move_incident("I1", CALM, version=1, actor="ana")
    repository.state_cause("I1", CauseFound.INVENTORY, version=2, actor="ben", reason=" the cold store ")
    record = incident(repository)
    assert (record.cause, record.version, record.status) == (
        CauseFound.INVENTORY,
        3,
        IncidentStatus.RESOLVED,
    )
    assert told(repository)[-1] == ("ben", "explained", "resolved")
    assert repository.incident_history("I1")[-1].reason == "the cold store"
    assert json.loads(audited(repository)[-1].detail)["cause"] == "inventory"
    assert record.closed_at == NOW, "stating a cause is not another close"


def test_a_cause_comes_with_the_close(repository: Repository) -> None:
    closed = repository.move_incident("I1", CALM._replace(cause=CauseFound.NONE), version=1, actor="ana")
    assert closed.cause is CauseFound.NONE
    assert repository.incident_history("I1")[-1].cause is CauseFound.NONE


def test_a_cause_of_a_stale_version_or_an_open_incident_is_refused(repository: Repository) -> None:
    with pytest.raises(IllegalMoveError, match="resolve it first"):
        repository.state_cause("I1", CauseFound.NONE, version=1, actor="ana")
    repository.move_incident("I1", CALM, version=1, actor="ana")
    with pytest.raises(PreconditionFailedError, match="not 1"):
        repository.state_cause("I1", CauseFound.NONE, version=1, actor="ben")
    assert incident(repository).cause is None


def test_what_returns_has_no_cause_any_more(repository: Repository) -> None:
    at(repository, 3).store_detection(later(3, ends=0))  # type: ignore[arg-type]  # a report
    repository.state_cause("I1", CauseFound.OTHER, version=incident(repository).version, actor="ana")
    assert incident(repository).cause is CauseFound.OTHER
    at(repository, 4).store_detection(later(4))  # type: ignore[arg-type]  # a report
    record = incident(repository)
    assert (record.status, record.cause) == (IncidentStatus.NEW, None)


def test_a_closed_incident_that_is_reported_again_keeps_its_cause(repository: Repository) -> None:
    """Every detection reports the old days again."""
    repository.move_incident("I1", CALM._replace(cause=CauseFound.OTHER), version=1, actor="ana")
    repository.store_detection(make_detection(make_incident()))
    assert incident(repository).cause is CauseFound.OTHER
