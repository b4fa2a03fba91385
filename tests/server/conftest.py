from pathlib import Path

import pytest

from server.database import open_database
from server.event_log import EventLog
from server.repository import Repository
from server.settings import Settings
from tests.server.fakes import clock, make_detection, make_incident


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, state_dir=tmp_path / "state", host="127.0.0.1", port=0)


@pytest.fixture
def repository(settings: Settings) -> Repository:
    repository = Repository(open_database(settings.database_url), clock=clock)
    repository.store_detection(make_detection(make_incident()))
    return repository


@pytest.fixture
def run_id(repository: Repository) -> str:
    incident = repository.incident("I1")
    assert incident is not None
    run = repository.start_once(incident)
    return run.id


@pytest.fixture
def log(repository: Repository) -> EventLog:
    return EventLog(repository, clock=clock)
