from datetime import timedelta

import pytest

from server.database import open_database
from server.errors import UnprocessableError
from server.idempotency import KeyedRequest
from server.models import IncidentRecord
from server.repository import Repository
from server.settings import Settings
from tests.server.fakes import NOW, make_detection, make_incident
from tools.incident_lifecycle import IncidentStatus


def incident(repository: Repository, id: str = "I1") -> IncidentRecord:
    record = repository.incident(id)
    assert record is not None
    return record


def test_detecting_again_keeps_id_status_and_birth(repository: Repository, run_id: str) -> None:
    repository.start_run(run_id)
    later = Repository(repository._engine, clock=lambda: NOW + timedelta(days=1))
    grown = make_incident().model_copy(update={"affected_orders": 9999})
    later.store_detection(make_detection(grown))
    record = incident(repository)
    assert record.status is IncidentStatus.INVESTIGATING
    assert (record.created_at, record.updated_at) == (NOW, NOW + timedelta(days=1))
    assert '"affected_orders":9999' in record.document


def test_pages_cover_everything_once(settings: Settings) -> None:
    repository = Repository(open_database(settings.database_url))
    made = [make_incident(f"I{number}", days=number // 2) for number in range(7)]
    repository.store_detection(make_detection(*made))
    seen: list[str] = []
    after = None
    while True:
        page = repository.incidents(limit=3, after=after)
        seen += [record.id for record in page.items]
        if page.after is None:
            break
        after = page.after
    assert seen == ["I1", "I0", "I3", "I2", "I5", "I4", "I6"]


def test_runs_are_numbered_within_their_incident(repository: Repository, run_id: str) -> None:
    second = repository.start_once(incident(repository))
    assert (run_id, second.id) == ("I1-1", "I1-2")
    assert {run.id for run in repository.runs("I1")} == {run_id, second.id}


def test_an_idempotency_key_starts_one_run(repository: Repository) -> None:
    first = repository.start_once(incident(repository), request=KeyedRequest("k", "a"))
    again = repository.start_once(incident(repository), request=KeyedRequest("k", "a"))
    assert first.id == again.id
    with pytest.raises(UnprocessableError, match="'k' was used for another request"):
        repository.start_once(incident(repository), request=KeyedRequest("k", "b"))


@pytest.mark.parametrize(("age", "same"), [(timedelta(hours=23), True), (timedelta(hours=25), False)])
def test_an_idempotency_key_lives_a_day(repository: Repository, age: timedelta, same: bool) -> None:
    first = repository.start_once(incident(repository), request=KeyedRequest("k", "a"))
    later = Repository(repository._engine, clock=lambda: NOW + age)
    again = later.start_once(incident(repository), request=KeyedRequest("k", "a"))
    assert (first.id == again.id) is same
