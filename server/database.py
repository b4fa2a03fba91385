"""Opening the system of record: engine, migrations, pragmas."""

import threading
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, make_url, text
from sqlmodel import create_engine

_MIGRATING = threading.Lock()


def open_database(url: str) -> Engine:
    """Create an engine, bring the schema to the newest revision, and return the engine.

    Args:
        url: SQLAlchemy URL. A SQLite file is created with its folder, and put in WAL mode.
    """
    engine = connect(url)
    migrate(engine)
    return engine


def connect(url: str) -> Engine:
    """An engine for this URL; the schema is left alone."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def migrate(engine: Engine) -> None:
    """Apply the migrations that are missing; a second call does nothing."""
    with _MIGRATING, as_file(files("server") / "migrations") as scripts, engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(scripts))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database answers and its schema is the newest."""
    with as_file(files("server") / "migrations") as scripts, engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        current = MigrationContext.configure(connection).get_current_revision()
        return current == ScriptDirectory(str(scripts)).get_current_head()


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  # DBAPI connection
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
