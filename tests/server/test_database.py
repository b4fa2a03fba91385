from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel

from server import models
from server.database import connect, is_current, migrate, open_database


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deep/down/cx.sqlite"


def test_open_makes_folder_and_tables(url: str) -> None:
    engine = open_database(url)
    assert is_current(engine)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    engine.dispose()


def test_fresh_database_is_not_current(url: str) -> None:
    engine = connect(url)
    assert not is_current(engine)
    engine.dispose()


def test_migrating_twice_changes_nothing(url: str) -> None:
    engine = open_database(url)
    migrate(engine)
    assert is_current(engine)
    engine.dispose()


def test_migrations_make_exactly_the_models(url: str) -> None:
    assert models.RunRecord.__tablename__ in SQLModel.metadata.tables
    engine = open_database(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_migrations_can_be_taken_back(url: str) -> None:
    from importlib.resources import files

    from alembic import command
    from alembic.config import Config

    engine = open_database(url)
    config = Config()
    config.set_main_option("script_location", str(files("server") / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with engine.connect() as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
        assert set(names) <= {"alembic_version", "sqlite_sequence"}
    engine.dispose()


def test_incidents_from_before_the_lifecycle_keep_their_place(url: str) -> None:
    from importlib.resources import files

    from alembic import command
    from alembic.config import Config

    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(files("server") / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO incident VALUES ('I1', 'investigating', 'high', 'on_time', 'cx', :at, '{}', 'f', "
                ":at, :at, :at)"
            ),
            {"at": "2026-11-05 12:00:00.000000"},
        )
    migrate(engine)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT status, version, effect_metric FROM incident")).one()
        told = connection.execute(text("SELECT actor, kind, to_status FROM incident_change")).one()
    assert tuple(kept) == ("investigating", 1, "on_time")
    assert tuple(told) == ("system", "opened", "investigating")
    engine.dispose()


def test_an_older_false_alarm_had_no_cause(url: str) -> None:
    """Only people close as that, and so say that nothing was wrong; of others nothing is made up."""
    from importlib.resources import files

    from alembic import command
    from alembic.config import Config

    engine = connect(url)
    config = Config()
    config.set_main_option("script_location", str(files("server") / "migrations"))
    columns = (
        "id, status, closed_as, severity, metric, kind, onset, document, fingerprint, as_of, created_at, "
        "updated_at, version, effect_metric, effect_per_day"
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for id_, closed_as in (("I1", "false_alarm"), ("I2", "data_fault"), ("I3", None)):
            connection.execute(
                text(
                    f"INSERT INTO incident ({columns}) VALUES (:id, 'resolved', :closed_as, 'high', 'on_time', "  # noqa: S608  # constants
                    "'cx', :at, '{}', 'f', :at, :at, :at, 1, 'on_time', 0)"
                ),
                {"id": id_, "closed_as": closed_as, "at": "2026-11-05 12:00:00.000000"},
            )
    migrate(engine)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT cause FROM incident ORDER BY id")).scalars().all()
    assert kept == ["none", None, None]
    engine.dispose()
