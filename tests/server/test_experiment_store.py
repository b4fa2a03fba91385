"""Experiments in the system of record, on SQLite and on PostgreSQL."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect, text
from sqlmodel import Session, select

from server.database import migrate, open_database
from server.errors import ConflictError, PreconditionFailedError, UnprocessableError
from server.experiment_store import Assigned, ExperimentStore, Part
from server.experiment_types import Designed
from server.idempotency import KeyedRequest
from server.models import AuditRecord, ExperimentRecord, ExperimentStatus, IncidentRecord
from server.repository import Repository
from server.settings import Settings
from tests.postgres import server_or_skip
from tests.server.fakes import NOW, clock, make_detection, make_incident, make_plan, make_report


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server_or_skip() as url:
        yield url.replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Engine]:
    url = settings.database_url if request.param == "sqlite" else request.getfixturevalue("postgres")
    engine = open_database(url)
    Repository(engine, clock=clock).store_detection(make_detection(make_incident()))
    yield engine
    if request.param == "postgres":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def _take_back(engine: Engine, revision: str) -> None:
    from importlib.resources import files

    config = Config()
    config.set_main_option("script_location", str(files("server") / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


@pytest.fixture
def store(engine: Engine) -> ExperimentStore:
    return ExperimentStore(engine, clock=clock)


def planned(
    engine: Engine,
    store: ExperimentStore,
    *,
    grown: Callable[[ExperimentRecord, Assigned], Part] | None = None,
    request: KeyedRequest | None = None,
) -> ExperimentRecord:
    incident = Repository(engine, clock=clock).incident("I1")
    assert isinstance(incident, IncidentRecord)
    designed = Designed(make_report(make_incident()).recommendations[0], make_plan())
    return store.plan(incident, designed, as_of=NOW, actor="ann", grown=grown, request=request)


def on_plan(_: ExperimentRecord, known: Assigned) -> Part:
    return row(known)


def row(known: Assigned) -> Part:
    assert known.parts == ()
    return Part("region,window_start,arm\nSF,2026-11-06,control\n", 1)


def test_a_plan_begins_with_its_first_rows(engine: Engine, store: ExperimentStore) -> None:
    record = planned(engine, store)
    assert (record.id, record.status, store.rows(record.id)) == ("I1-X1", ExperimentStatus.PLANNED, 0)
    began = store.assign(record, row, actor="bob")
    assert (began.status, began.version, store.rows(began.id)) == (ExperimentStatus.RUNNING, 2, 1)
    assert store.get("I1", "I1-X1") == began
    assert store.get("I2", "I1-X1") is None
    assert store.page("I1", limit=5).items == (began,)


def test_what_is_refused_leaves_no_trace(engine: Engine, store: ExperimentStore) -> None:
    record = planned(engine, store)

    def refuse(known: Assigned) -> Part:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        store.assign(record, refuse, actor="bob")
    assert store.get("I1", record.id) == record
    with pytest.raises(PreconditionFailedError, match=r"at version 1 \(planned\), not 7"):
        store.stop(record, "r", version=7, actor="bob")


def test_an_ended_one_is_left_alone(engine: Engine, store: ExperimentStore) -> None:
    record = planned(engine, store)
    stopped = store.stop(record, "not worth it", version=1, actor="ann")
    with pytest.raises(ConflictError, match="I1-X1 is stopped: it has ended"):
        store.stop(stopped, "r", version=2, actor="ann")
    with pytest.raises(ConflictError, match="I1-X1 is stopped: nothing more is assigned"):
        store.assign(stopped, row, actor="ann")


def test_every_change_is_in_the_audit_log(engine: Engine, store: ExperimentStore) -> None:
    record = planned(engine, store)
    store.assign(record, row, actor="bob")
    store.stop(record, "not worth it", version=2, actor="ann")
    with Session(engine) as session:
        told = session.exec(select(AuditRecord).where(AuditRecord.subject == "I1-X1")).all()
    assert [(one.actor, one.action) for one in told] == [
        ("ann", "experiment.planned"),
        ("bob", "experiment.assigned"),
        ("ann", "experiment.stopped"),
    ]
    assert json.loads(told[-1].detail)["reason"] == "not worth it"


def test_a_plan_that_comes_with_rows_begins_or_is_not_kept(engine: Engine, store: ExperimentStore) -> None:
    def refuse(_: ExperimentRecord, known: Assigned) -> Part:
        raise ConflictError("no")

    with pytest.raises(ConflictError):
        planned(engine, store, grown=refuse)
    assert store.page("I1", limit=5).items == ()
    began = planned(engine, store, grown=on_plan)
    assert (began.id, began.status, began.version) == ("I1-X1", ExperimentStatus.RUNNING, 2)
    assert store.rows("I1-X1") == 1
    with Session(engine) as session:
        told = session.exec(select(AuditRecord).where(AuditRecord.subject == "I1-X1")).all()
    assert [one.action for one in told] == ["experiment.planned", "experiment.assigned"]


def test_the_same_request_plans_once(engine: Engine, store: ExperimentStore) -> None:
    asked = KeyedRequest("k", "a")
    assert store.planned_by(asked) is None
    first, again = planned(engine, store, request=asked), planned(engine, store, request=asked)
    assert first == again == store.planned_by(asked)
    assert len(store.page("I1", limit=5).items) == 1
    with pytest.raises(UnprocessableError, match="'k' was used for another request"):
        planned(engine, store, request=KeyedRequest("k", "b"))


def test_plans_made_at_once_get_numbers_of_their_own(engine: Engine, store: ExperimentStore) -> None:
    together, made = threading.Barrier(4), list[str]()

    def plan() -> None:
        together.wait()
        made.append(planned(engine, store).id)

    threads = [threading.Thread(target=plan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["I1-X1", "I1-X2", "I1-X3", "I1-X4"]


def test_two_that_begin_at_once_see_each_other(engine: Engine, store: ExperimentStore) -> None:
    """Whichever comes second knows of the first: none of them thinks that it is alone."""
    first, second = planned(engine, store), planned(engine, store)
    seen: dict[str, list[str]] = {}
    together = threading.Barrier(2)

    def begin(record: ExperimentRecord) -> None:
        def grown(known: Assigned) -> Part:
            seen[record.id] = list(known.others)
            return row(known)

        together.wait()
        store.assign(record, grown, actor="ann")

    threads = [threading.Thread(target=begin, args=(record,)) for record in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(others) for others in seen.values()) == [0, 1]


def test_pages_cover_everything_once(engine: Engine, store: ExperimentStore) -> None:
    later = ExperimentStore(engine, clock=lambda: NOW + timedelta(days=1))
    ids = [planned(engine, each).id for each in (store, later, store)]
    page = store.page("I1", limit=2)
    rest = store.page("I1", limit=2, after=page.after)
    assert [one.id for one in (*page.items, *rest.items)] == [ids[1], ids[2], ids[0]]
    assert rest.after is None


def test_migrations_make_and_unmake_the_tables(engine: Engine) -> None:
    _take_back(engine, "0003")
    assert not {"experiment", "experiment_rows"} & set(inspect(engine).get_table_names())
    migrate(engine)
    assert {"experiment", "experiment_rows"} <= set(inspect(engine).get_table_names())
