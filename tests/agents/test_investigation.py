import asyncio
import json
from collections.abc import Iterable

import pytest
from ag_ui import core
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import TypeAdapter

from agents import powers
from agents.context import Context
from agents.events import ListSink, RunEvent, Sequencer
from agents.graph import build_graph
from agents.investigation import UnknownIncidentError, investigate
from agents.nodes.report import NOTHING_FOUND
from agents.report import InvestigationReport
from agents.specialists import INVESTIGATORS
from agents.writing import SECTIONS, parse
from data.errors import DataError
from tests.agents.conftest import Demo, NewContext
from tools.findings import IncidentVerdict

EVENT: TypeAdapter[core.Event] = TypeAdapter(core.Event)


def ordered(events: Iterable[RunEvent]) -> list[dict[str, object]]:
    sequencer = Sequencer()
    return [each.as_json() for event in events for each in sequencer.push(event)]


def assert_well_formed(events: list[dict[str, object]]) -> None:
    """What strict AG-UI clients demand: scopes opened once and closed, a terminal event last."""
    opened: set[str] = set()
    seen: set[str] = set()
    for event in events:
        EVENT.validate_python(event)
        assert None not in event.values()
        kind = str(event["type"])
        name = str(event.get("stepName") or event.get("toolCallId") or event.get("messageId") or "")
        name = name or str(event.get("subagentRunId", ""))
        scope = f"{kind.rsplit('_', 1)[0]} {name}"
        if kind.endswith(("STARTED", "START")):
            assert scope not in seen, f"{scope} is opened twice"
            opened.add(scope)
            seen.add(scope)
        elif kind in (
            "STEP_FINISHED",
            "TOOL_CALL_END",
            "TEXT_MESSAGE_END",
            "SUBAGENT_FINISHED",
            "RUN_FINISHED",
        ):
            assert scope in opened, f"{scope} is closed without being open"
            opened.remove(scope)
    assert opened == set()
    assert [e["type"] for e in (events[0], events[-1])] == ["RUN_STARTED", "RUN_FINISHED"]


async def test_investigate_finds_batching_in_words_a_manager_understands(new_context: NewContext) -> None:
    sink = ListSink()
    report = await investigate(new_context(sink=sink), run_id="r")
    assert report.verdict is IncidentVerdict.CONFIRMED
    assert report.findings[0].hypothesis.value == "batching_policy"
    assert report.limitations == ()
    text = report.narrative
    assert "Batching policy is the primary cause (confidence 94 %" in text
    assert "is a consequence of it, not a cause" in text
    assert "Set batching threshold back from 4 to 2 for category grocery, region SF, 18:00 to 20:00." in text
    assert [s.title for s in parse(text).sections] == list(SECTIONS)
    assert "{{" not in report.model_dump_json()
    assert report.grounding.removed == 0
    assert report.grounding.supported == report.grounding.claims >= 15
    assert list(report.evidence) == [f"E{n}" for n in range(1, len(report.evidence) + 1)]
    assert {i for f in report.findings for i in f.evidence} <= set(report.evidence)
    assert [entry.at for entry in report.timeline] == sorted(entry.at for entry in report.timeline)
    assert any("batching threshold from 2 to 4" in entry.what for entry in report.timeline)
    assert any("Batched moved; the outcome moved the same day" in entry.what for entry in report.timeline)
    assert report.recommendations[0].action == "reduce_batching_threshold"
    assert report.experiment_plan is not None
    assert report.experiment_plan.markdown
    assert [(entry.name, entry.passed) for entry in report.challenge] == [
        ("placebo dates", True),
        ("placebo slices", True),
        ("leave one out", True),
        ("best rival", True),
    ]
    tried = report.challenge[0].evidence
    assert report.evidence[tried].tool == "challenge"
    assert tried in report.findings[0].evidence
    assert [e.arguments["module"] for e in report.evidence.values() if e.tool == "mechanism_paths"] == [
        "policy"
    ]
    assert "By which way the damage came is left open" in text
    assert "The challenge tried to break it and could not" in text
    assert InvestigationReport.model_validate_json(report.model_dump_json()) == report


async def test_investigate_tells_a_well_formed_story(new_context: NewContext) -> None:
    sink = ListSink()
    report = await investigate(new_context(sink=sink), run_id="r")
    events = ordered(sink.events)
    assert_well_formed(events)
    names = {str(e["name"]) for e in events if e["type"] == "SUBAGENT_STARTED"}
    assert names == set(INVESTIGATORS) - {
        "inventory"
    }  # item accuracy aside, stock cannot move on-time delivery
    kinds = [str(e["activityType"]) for e in events if e["type"] == "ACTIVITY_SNAPSHOT"]
    assert kinds.count("cx.evidence") == len(report.evidence)
    assert kinds.count("cx.hypothesis") == len(report.findings) + len(report.ruled_out)
    assert {"cx.recommendation", "cx.experiment_plan"} <= set(kinds)
    assert kinds.count("cx.challenge") == len(report.challenge)
    told = "".join(str(e["delta"]) for e in events if e["type"] == "TEXT_MESSAGE_CONTENT")
    assert told == report.narrative
    assert max(len(json.dumps(e)) for e in events) < 64_000


async def test_investigate_twice_gives_the_same_bytes(new_context: NewContext) -> None:
    first, second = ListSink(), ListSink()
    reports = [await investigate(new_context(sink=sink), run_id="r") for sink in (first, second)]
    assert reports[0].model_dump_json() == reports[1].model_dump_json()
    assert ordered(first.events) == ordered(second.events)


class Killed(BaseException):
    """The process is gone."""


class FatalSink(ListSink):
    """Dies after some events; what it kept is what was persisted."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.lives = lives

    def emit(self, event: RunEvent) -> None:
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        super().emit(event)


@pytest.mark.parametrize("lives", [0, 1, 9, 30, 60, 90, 120, 150, 170, 185])
def test_investigate_resumes_where_it_was_killed(new_context: NewContext, lives: int) -> None:
    undisturbed = ListSink()
    expected = asyncio.run(investigate(new_context(sink=undisturbed), run_id="r"))
    saver, dying = InMemorySaver(), FatalSink(lives)
    with pytest.raises(Killed):
        asyncio.run(investigate(new_context(sink=dying), run_id="r", checkpointer=saver))
    dying.lives = 10_000
    report = asyncio.run(investigate(new_context(sink=dying), run_id="r", checkpointer=saver))
    assert report == expected
    assert ordered(dying.events) == ordered(undisturbed.events)


async def test_investigate_a_finished_run_again_changes_nothing(new_context: NewContext) -> None:
    saver, sink = InMemorySaver(), ListSink()
    report = await investigate(new_context(sink=sink), run_id="r", checkpointer=saver)
    told = sink.events
    assert await investigate(new_context(sink=sink), run_id="r", checkpointer=saver) == report
    assert sink.events == told


async def test_investigate_names_the_known_incidents(new_context: NewContext, detected: Demo) -> None:
    sink = ListSink()
    with pytest.raises(UnknownIncidentError, match=detected.incident.id) as caught:
        await investigate(new_context(sink=sink), run_id="r", incident_id="inc-nothing")
    assert caught.value.known == (detected.incident.id,)
    last = sink.events[-1].as_json()
    assert (last["type"], last["code"]) == ("RUN_ERROR", "unknown_incident")


async def test_investigate_a_named_incident(new_context: NewContext, detected: Demo) -> None:
    report = await investigate(new_context(), run_id="r", incident_id=detected.incident.id)
    assert report.incident == detected.incident


async def test_investigate_without_an_incident_says_that_nothing_is_wrong(
    new_context: NewContext, detected: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = detected.found.model_copy(update={"incidents": ()})
    monkeypatch.setattr(powers, "detect", lambda context, grain: nothing)
    sink = ListSink()
    report = await investigate(new_context(sink=sink), run_id="r")
    assert report.incident is None
    assert report.verdict is IncidentVerdict.NO_DEGRADATION
    assert report.narrative == NOTHING_FOUND
    assert_well_formed(ordered(sink.events))


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("no orders"), "data", "no orders"),
        (ZeroDivisionError("secret"), "internal", "ZeroDivisionError"),
    ],
)
async def test_investigate_ends_the_log_in_an_error(
    new_context: NewContext, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, said: str
) -> None:
    def fail(context: Context, grain: str) -> None:
        raise error

    monkeypatch.setattr(powers, "detect", fail)
    sink = ListSink()
    with pytest.raises(type(error)):
        await investigate(new_context(sink=sink), run_id="r")
    last = sink.events[-1].as_json()
    assert (last["type"], last["code"]) == ("RUN_ERROR", code)
    assert said in str(last["message"])
    assert "secret" not in str(last["message"])


def test_build_graph_has_the_nodes_of_the_house() -> None:
    assert set(build_graph().nodes) == {
        "__start__",
        "triage",
        "investigator",
        "join",
        "challenger",
        "tracer",
        "strategist",
        "planner",
        "writer",
        "report",
    }
