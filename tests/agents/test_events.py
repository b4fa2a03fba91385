from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from ag_ui import core
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agents.events import Emitter, ListSink, RunEvent, Sequencer

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BRANCHES = ("a", "b", "c")
EVENT: TypeAdapter[core.Event] = TypeAdapter(core.Event)


def emitter(sink: ListSink, branch: str = "", siblings: tuple[str, ...] = ()) -> Emitter:
    return Emitter(sink, lambda: NOW, run="r", node="n", branch=branch, siblings=siblings)


def branch_events(branch: str, length: int) -> list[RunEvent]:
    return [
        RunEvent("r", "n", branch, n, core.StepStartedEvent(step_name=f"{branch}{n}"), BRANCHES, n == length)
        for n in range(1, length + 1)
    ]


def release(events: Sequence[RunEvent]) -> list[tuple[str, str, str, int]]:
    sequencer = Sequencer()
    return [each.key for event in events for each in sequencer.push(event)]


@given(st.lists(st.integers(1, 6), min_size=3, max_size=3), st.randoms(use_true_random=False))
def test_sequencer_order_does_not_depend_on_arrival(lengths: list[int], random: object) -> None:
    queues = {b: branch_events(b, n) for b, n in zip(BRANCHES, lengths, strict=True)}
    reference = sorted((e for q in queues.values() for e in q), key=lambda e: (e.ordinal, e.branch))
    arrival: list[RunEvent] = []
    while any(queues.values()):
        branch = random.choice([b for b, q in queues.items() if q])  # type: ignore[attr-defined]  # hypothesis's Random
        arrival.append(queues[branch].pop(0))
    assert release(arrival) == [e.key for e in reference]


@given(st.integers(0, 9), st.randoms(use_true_random=False))
def test_sequencer_after_a_crash_gives_the_same_order(cut: int, random: object) -> None:
    events = [e for n in range(3) for e in branch_events(BRANCHES[n], 3)]
    told_again = events[:cut] + events
    assert release(told_again) == release(events)


def test_sequencer_lets_the_next_node_pass_and_drains_what_waits() -> None:
    sequencer = Sequencer()
    waiting = branch_events("a", 2)[0]
    after = RunEvent("r", "z", "", 1, core.StepStartedEvent(step_name="z"))
    assert sequencer.push(waiting) == ()
    assert sequencer.push(after) == (waiting, after)
    assert sequencer.push(after) == ()


def test_emitter_closes_scopes_and_attributes_to_the_subagent() -> None:
    sink = ListSink()
    told = emitter(sink, "supply", ("supply",))
    with told.subagent("supply", "couriers"), told.step("supply: battery"):
        call = told.tool_called("supply_shift", {"b": 1, "a": 2})
        told.tool_answered(call, "x" * 20_000)
    kinds = [e.event.type.value for e in sink.events]
    assert kinds == [
        "SUBAGENT_STARTED",
        "STEP_STARTED",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_END",
        "TOOL_CALL_RESULT",
        "STEP_FINISHED",
        "SUBAGENT_FINISHED",
    ]
    bodies = [e.as_json() for e in sink.events]
    assert {body["subagentRunId"] for body in bodies} == {"r:supply"}
    assert bodies[3]["delta"] == '{"a":2,"b":1}'
    assert len(bodies[5]["content"]) == 16_000
    assert [e.ordinal for e in sink.events] == list(range(1, 9))
    assert [e.last for e in sink.events] == [False] * 7 + [True]


def test_emitter_events_are_valid_and_hold_no_nulls() -> None:
    sink = ListSink()
    told = emitter(sink)
    told.run_started("thread")
    told.state({"phase": "started"})
    told.activity("cx.evidence", "E1", {"id": "E1"})
    told.text("One. " * 200)
    told.run_finished("thread", {"verdict": "confirmed"})
    for event in sink.events:
        body = event.as_json()
        assert None not in body.values()
        assert body["timestamp"] == int(NOW.timestamp() * 1000)
        EVENT.validate_python(body)
    assert sink.events[0].as_json()["protocolVersion"] == "1.0"


def test_emitter_ids_are_a_function_of_the_place() -> None:
    first, second = ListSink(), ListSink()
    for sink in (first, second):
        told = emitter(sink)
        told.tool_called("t", {})
        told.text("hello")
    assert [e.as_json() for e in first.events] == [e.as_json() for e in second.events]
    assert first.events[0].as_json()["toolCallId"] == "r:n:1"


def test_emitter_reports_the_failure_of_a_subagent() -> None:
    sink = ListSink()
    told = emitter(sink, "supply", ("supply",))
    with pytest.raises(ZeroDivisionError), told.subagent("supply", "couriers"), told.step("s"):
        raise ZeroDivisionError
    assert [e.event.type.value for e in sink.events][-2:] == ["STEP_FINISHED", "SUBAGENT_ERROR"]
    assert sink.events[-1].as_json()["message"] == "ZeroDivisionError"
    assert sink.events[-1].last


def test_emitter_leaves_scopes_open_when_it_is_interrupted() -> None:
    sink = ListSink()
    told = emitter(sink, "supply", ("supply",))
    with pytest.raises(KeyboardInterrupt), told.subagent("supply", "couriers"), told.step("s"):
        raise KeyboardInterrupt
    assert [e.event.type.value for e in sink.events] == ["SUBAGENT_STARTED", "STEP_STARTED"]


def test_list_sink_keeps_a_key_once() -> None:
    sink = ListSink()
    event = branch_events("a", 1)[0]
    sink.emit(event)
    sink.emit(event)
    assert sink.events == (event,)
