import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import NamedTuple

import pytest
from ag_ui import core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from agents.events import Emitter, ListSink, RunEvent
from server.database import connect, open_database
from server.event_log import EventLog, without_times
from server.repository import Repository
from tests.server.fakes import SPECIALISTS, clock, make_detection, make_incident, tell


def payloads(repository: Repository, run_id: str) -> list[str]:
    return [record.payload for record in repository.events(run_id)]


def test_events_are_numbered_from_one(repository: Repository, log: EventLog, run_id: str) -> None:
    tell(log, run_id)
    records = repository.events(run_id)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert json.loads(records[0].payload)["type"] == "RUN_STARTED"
    assert records[-1].terminal
    assert repository.is_closed(run_id, after=len(records))
    assert not repository.is_closed(run_id, after=len(records) - 1)


def test_a_fan_out_does_not_depend_on_who_is_first(
    repository: Repository, log: EventLog, run_id: str
) -> None:
    tell(log, run_id, order=("supply", "merchant"))
    other = _fresh_run(repository, log, order=("merchant", "supply"))
    first = json.dumps(without_times(payloads(repository, run_id)))
    assert first == json.dumps(without_times(payloads(repository, other))).replace(other, run_id)


def test_telling_again_changes_nothing(repository: Repository, log: EventLog, run_id: str) -> None:
    tell(log, run_id)
    before = payloads(repository, run_id)
    tell(log, run_id)
    tell(EventLog(repository, clock=clock), run_id)
    assert payloads(repository, run_id) == before


def test_nothing_follows_the_end(repository: Repository, log: EventLog, run_id: str) -> None:
    tell(log, run_id)
    before = payloads(repository, run_id)
    Emitter(log, clock, run=run_id, node="late").text("one more thing")
    assert payloads(repository, run_id) == before


def test_an_event_without_a_time_gets_one(repository: Repository, log: EventLog, run_id: str) -> None:
    log.emit(RunEvent(run_id, "n", "", 1, core.StepStartedEvent(step_name="s")))
    assert json.loads(payloads(repository, run_id)[0])["timestamp"] == round(clock().timestamp() * 1000)


def test_a_failed_write_is_tried_again(
    repository: Repository, log: EventLog, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = RunEvent(run_id, "n", "", 1, core.StepStartedEvent(step_name="s"))

    def refuse(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(repository, "add_event", refuse)
        with pytest.raises(OperationalError):
            log.emit(event)
    assert payloads(repository, run_id) == []
    log.emit(event)
    assert len(payloads(repository, run_id)) == 1


def test_forgetting_a_run_keeps_its_log(repository: Repository, log: EventLog, run_id: str) -> None:
    log.emit(RunEvent(run_id, "n", "", 1, core.StepStartedEvent(step_name="s")))
    log.forget(run_id)
    log.emit(RunEvent(run_id, "n", "", 2, core.StepFinishedEvent(step_name="s")))
    assert [record.seq for record in repository.events(run_id)] == [1, 2]


def _fresh_run(repository: Repository, log: EventLog, *, order: tuple[str, ...]) -> str:
    incident = repository.incident("I1")
    assert incident is not None
    run = repository.start_once(incident)
    tell(log, run.id, order=order)
    return run.id


# --- any interleaving of the branches, any number of crashes

RUN = "I1-1"


class Script(NamedTuple):
    """The events of a run."""

    before: Sequence[RunEvent]
    branches: dict[str, Sequence[RunEvent]]
    after: Sequence[RunEvent]


def _script(lengths: dict[str, int]) -> Script:
    """The events before, in (by branch) and after a fan-out."""
    siblings = tuple(sorted(lengths))
    before, after = ListSink(), ListSink()
    branches: dict[str, Sequence[RunEvent]] = {}
    opening = Emitter(before, clock, run=RUN, node="start")
    opening.run_started("I1")
    with Emitter(before, clock, run=RUN, node="triage").step("triage"):
        pass
    for branch, length in lengths.items():
        sink = ListSink()
        emitter = Emitter(sink, clock, run=RUN, node="investigate", branch=branch, siblings=siblings)
        with emitter.subagent(branch, "looks"):
            for number in range(length):
                emitter.activity("cx.evidence", f"{branch}:{number}", {"n": number})
        branches[branch] = sink.events
    Emitter(after, clock, run=RUN, node="end").run_finished("I1", {})
    return Script(before.events, branches, after.events)


def _play(
    emit: Callable[[RunEvent], None],
    script: Script,
    *,
    draw: Callable[[int], int],
    done: set[str],
    budget: int | None,
) -> bool:
    """Emit as a graph would: node by node, the branches interleaved by `draw`; stop after `budget` events.

    `done` holds the nodes and branches that a checkpoint keeps from running again.
    """
    before, branches, after = script
    left = budget

    def one(event: RunEvent) -> bool:
        nonlocal left
        if left == 0:
            return False
        emit(event)
        left = None if left is None else left - 1
        return True

    if "before" not in done:
        if not all(one(event) for event in before):
            return False
        done.add("before")
    queues = {name: list(events) for name, events in branches.items() if name not in done}
    while queues:
        name = sorted(queues)[draw(len(queues))]
        if not one(queues[name].pop(0)):
            return False
        if not queues[name]:
            del queues[name]
            done.add(name)
    return all(one(event) for event in after)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lengths=st.dictionaries(st.sampled_from([*SPECIALISTS, "policy"]), st.integers(0, 4), min_size=1),
    crashes=st.lists(st.integers(0, 25), max_size=4),
    data=st.data(),
)
def test_any_race_and_any_crash_give_the_same_log(
    lengths: dict[str, int], crashes: list[int], data: st.DataObject
) -> None:
    script = _script(lengths)

    def draw(size: int) -> int:
        return data.draw(st.integers(0, size - 1))

    with TemporaryDirectory() as folder:
        for name in ("calm", "rough"):
            shutil.copy(_empty_database(), Path(folder) / f"{name}.sqlite")
        undisturbed = _run(Path(folder) / "calm.sqlite", script, draw=lambda _: 0, budgets=[None])
        disturbed = _run(Path(folder) / "rough.sqlite", script, draw=draw, budgets=[*crashes, None])
    assert without_times(disturbed) == without_times(undisturbed)


@cache
def _empty_database() -> Path:
    """A database with all tables and no rows, made once."""
    path = Path(mkdtemp()) / "empty.sqlite"
    engine = open_database(f"sqlite:///{path}")
    Repository(engine, clock=clock).store_detection(make_detection(make_incident()))
    engine.dispose()
    return path


def _run(
    path: Path,
    script: Script,
    *,
    draw: Callable[[int], int],
    budgets: list[int | None],
) -> list[str]:
    done: set[str] = set()
    seen: list[str] = []
    for budget in budgets:
        engine = connect(f"sqlite:///{path}")
        repository = Repository(engine, clock=clock)
        if repository.run(RUN) is None:
            incident = repository.incident("I1")
            assert incident is not None
            repository.start_once(incident)
        log = EventLog(repository, clock=clock)
        finished = _play(log.emit, script, draw=draw, done=done, budget=budget)
        now = payloads(repository, RUN)
        assert now[: len(seen)] == seen, "what was read once never changes"
        seen = now
        engine.dispose()
        if finished:
            break
    return seen


def test_sse_reader_never_sees_what_is_not_on_disk(
    repository: Repository, log: EventLog, run_id: str
) -> None:
    """What is released is visible to a second connection at once."""
    engine = open_database(str(repository._engine.url))
    other = Repository(engine)
    for number in range(1, 4):
        log.emit(
            replace(
                RunEvent(run_id, "n", "", number, core.StepStartedEvent(step_name=str(number))), last=False
            )
        )
        assert len(other.events(run_id)) == number
    engine.dispose()
