"""A service in a process of its own that can be killed at any event of a run, and started again."""

import contextlib
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from server.event_log import without_times

PRELOAD = [
    "chromadb",
    "knowledge.store",
    "server.app",
    "server.workbench",
    "sklearn.linear_model",
    "statsmodels.api",
    "tools.detection",
    "tools.diagnosis_tools",
    "uvicorn",
]
"""Imported once in the process that starts all services; each start is then quick, and still a new process."""
PATIENCE_S = 300.0
POLL_S = 0.002


@dataclass(frozen=True)
class Place:
    """Where a service keeps its state, and the data that it serves."""

    state: Path
    data: Path

    @property
    def database(self) -> Path:
        return self.state / "cx.sqlite"

    def copy(self, state: Path) -> "Place":
        shutil.copytree(self.state, state)
        return Place(state, self.data)


def serve(place: Place) -> None:
    """The body of the service's process."""
    import uvicorn

    from server.app import create_app
    from server.settings import Settings

    settings = Settings(_env_file=None, state_dir=place.state, data=place.data)
    uvicorn.run(create_app(settings), host="127.0.0.1", port=0, log_level="error")


@contextlib.contextmanager
def running(place: Place) -> Iterator[ForkServerProcess]:
    """A service; killed at the end without a warning."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=serve, args=(place,))
    process.start()
    try:
        yield process
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()


def ask(place: Place, query: str) -> list[tuple[object, ...]]:
    """Read the service's database from outside."""
    with contextlib.closing(
        sqlite3.connect(f"file:{place.database}?mode=ro", uri=True, timeout=30)
    ) as database:
        return database.execute(query).fetchall()


def count(place: Place, query: str) -> int:
    """The single number of a query; 0 before there are tables."""
    try:
        return int(str(ask(place, query)[0][0]))
    except sqlite3.OperationalError:
        return 0


def wait_until(place: Place, query: str, least: int, process: ForkServerProcess) -> None:
    """Wait until a query counts to `least`."""
    deadline = time.monotonic() + PATIENCE_S
    while count(place, query) < least:
        assert process.is_alive(), f"the service ended by itself, {process.exitcode}"
        assert time.monotonic() < deadline, f"{query} stayed below {least}"
        time.sleep(POLL_S)


ARRIVED = "SELECT count(*) FROM run_event"
FINISHED = "SELECT count(*) FROM run WHERE status = 'finished'"
STARTED = "SELECT sum(attempts) FROM run"
DETECTED = "SELECT count(*) FROM incident"


def prepare(place: Place) -> None:
    """Let a service find the incidents, and queue an investigation of the first one."""
    from server.database import open_database
    from server.repository import Repository

    place.state.mkdir(parents=True)
    with running(place) as process:
        wait_until(place, DETECTED, 1, process)
    engine = open_database(f"sqlite:///{place.database}")
    repository = Repository(engine)
    repository.start_once(repository.incidents(limit=1).items[0])
    engine.dispose()


def finish(place: Place) -> list[dict[str, object]]:
    """Let a service finish the run; returns the log without its times."""
    with running(place) as process:
        wait_until(place, FINISHED, 1, process)
    rows = ask(place, "SELECT payload FROM run_event WHERE seq IS NOT NULL ORDER BY seq")
    assert count(place, ARRIVED) == len(rows), "every event has its place"
    return without_times([str(row[0]) for row in rows])


def points(seed: int, *, total: int, number: int) -> list[int]:
    """Event counts at which to kill, ascending."""
    return sorted(random.Random(seed).sample(range(1, total), number))  # noqa: S311  # not for secrets


def kill_at(place: Place, events: Sequence[int], *, seed: int) -> None:
    """Start the service and kill it, once for each number of events that have arrived."""
    dice = random.Random(seed)  # noqa: S311  # not for secrets
    for start, least in enumerate(events, start=1):
        with running(place) as process:
            wait_until(place, STARTED, start, process)
            wait_until(place, ARRIVED, least, process)
            time.sleep(dice.uniform(0, 0.03))
