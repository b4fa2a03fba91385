import asyncio
import json

import pytest

from data.errors import DataError
from server.event_log import EventLog
from server.investigations import Investigations
from server.models import RunStatus
from server.repository import Repository
from tests.server.fakes import FakeWorkbench
from tools.incident_lifecycle import IncidentStatus


def make(repository: Repository, log: EventLog, bench: FakeWorkbench) -> Investigations:
    return Investigations(repository=repository, log=log, investigator=bench, max_runs=1)


def status(repository: Repository, run_id: str) -> RunStatus:
    run = repository.run(run_id)
    assert run is not None
    return run.status


async def test_a_run_ends_with_its_report(repository: Repository, log: EventLog, run_id: str) -> None:
    runs = make(repository, log, FakeWorkbench())
    runs.start(run_id)
    await runs.idle()
    assert status(repository, run_id) is RunStatus.FINISHED
    assert repository.report(run_id) is not None
    incident = repository.incident("I1")
    assert incident is not None
    assert incident.status is IncidentStatus.INVESTIGATING


async def test_starting_twice_works_once(repository: Repository, log: EventLog, run_id: str) -> None:
    gate, bench = asyncio.Event(), FakeWorkbench()
    bench.gate = gate
    runs = make(repository, log, bench)
    runs.start(run_id)
    runs.start(run_id)
    gate.set()
    await runs.idle()
    assert bench.calls == [run_id]


async def test_close_leaves_a_run_to_the_next_process(
    repository: Repository, log: EventLog, run_id: str
) -> None:
    runs = make(repository, log, FakeWorkbench(gate=asyncio.Event()))
    runs.start(run_id)
    await asyncio.sleep(0.01)
    await runs.close()
    assert status(repository, run_id) is RunStatus.RUNNING

    later = make(repository, EventLog(repository), FakeWorkbench())
    assert later.resume() == 1
    await later.idle()
    run = repository.run(run_id)
    assert run is not None
    assert (run.status, run.attempts) == (RunStatus.FINISHED, 2)
    started = [r for r in repository.events(run_id) if "RUN_STARTED" in r.payload]
    assert len(started) == 1


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("orders: no rows"), "data", "orders: no rows"),
        (ZeroDivisionError("secret detail"), "internal", "internal error: ZeroDivisionError"),
    ],
)
async def test_a_failure_ends_the_log(
    repository: Repository, log: EventLog, run_id: str, error: Exception, code: str, message: str
) -> None:
    runs = make(repository, log, FakeWorkbench(error=error))
    runs.start(run_id)
    await runs.idle()
    run = repository.run(run_id)
    assert run is not None
    assert (run.status, run.error) == (RunStatus.FAILED, message)
    last = json.loads(repository.events(run_id)[-1].payload)
    assert (last["type"], last["code"], last["message"]) == ("RUN_ERROR", code, message)


async def test_further_runs_wait_for_a_place(repository: Repository, log: EventLog, run_id: str) -> None:
    incident = repository.incident("I1")
    assert incident is not None
    second = repository.start_once(incident)
    gate = asyncio.Event()
    bench = FakeWorkbench(gate=gate)
    runs = make(repository, log, bench)
    runs.start(run_id)
    runs.start(second.id)
    await asyncio.sleep(0.01)
    assert bench.calls == [run_id]
    assert status(repository, second.id) is RunStatus.QUEUED
    gate.set()
    await runs.idle()
    assert bench.calls == [run_id, second.id]
