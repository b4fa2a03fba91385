import json
import threading

import pytest
from langchain_core.messages import ToolCall
from langchain_core.tools import StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agents import powers
from agents import tools as adapters
from data.dataset import Dataset
from data.errors import NotTestableError
from tests.agents.conftest import Demo
from tools.errors import ToolFailure
from tools.evidence import Evidence
from tools.registry import Access, Arguments, Registry, Result, ToolContext


class Question(Arguments):
    """What to ask."""

    words: str


class Answer(Result):
    """What is answered."""

    n_words: int


def say(context: ToolContext, arguments: Question) -> Answer:
    """Count words."""
    if arguments.words == "unanswerable":
        raise ToolFailure("there is no answer")
    if arguments.words == "untestable":
        raise NotTestableError("ratings")
    if arguments.words == "broken":
        raise ZeroDivisionError
    return Answer(n_words=len(arguments.words.split()))


def call(name: str, **arguments: object) -> ToolCall:
    return ToolCall(name=name, args=arguments, id="c1")


def bound(dataset: Dataset, access: Access = Access.READ) -> tuple[StructuredTool, ...]:
    registry = Registry()
    registry.tool(access=access)(say)
    numbers = iter(f"x:{n}" for n in range(1, 9))
    return adapters.bind(
        registry.select(["say"]), ToolContext(dataset), next_id=numbers.__next__, lock=threading.Lock()
    )


async def test_run_answers_with_evidence(demo: Demo) -> None:
    tools = bound(demo.dataset)
    reply = await adapters.run(tools, call("say", words="two words"))
    assert json.loads(reply.text) == {"evidence": "x:1", "result": {"n_words": 2}}
    assert isinstance(reply.artifact, Evidence)
    assert reply.artifact.fingerprint == demo.dataset.fingerprint


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (call("say", words="unanswerable"), "there is no answer"),
        (call("say", words="untestable"), "no table ratings"),
        (call("say", word="x"), "words"),
        (call("say", words="x", extra=1), "extra"),
        (call("issue_refund", amount=9), "no tool is called 'issue_refund'; yours are: say"),
    ],
)
async def test_run_tells_the_model_why_there_is_no_answer(demo: Demo, wanted: ToolCall, said: str) -> None:
    reply = await adapters.run(bound(demo.dataset), wanted)
    assert reply.status == "error"
    assert said in reply.text


async def test_run_lets_bugs_through(demo: Demo) -> None:
    with pytest.raises(ZeroDivisionError):
        await adapters.run(bound(demo.dataset), call("say", words="broken"))


def test_bind_refuses_tools_that_write(demo: Demo) -> None:
    with pytest.raises(ValueError, match="read tools only"):
        bound(demo.dataset, Access.WRITE)


def test_bound_tools_show_the_schema_of_the_spec(demo: Demo) -> None:
    shown = convert_to_openai_tool(bound(demo.dataset)[0])["function"]
    assert shown["name"] == "say"
    assert shown["description"] == "Count words."
    assert shown["parameters"]["required"] == ["words"]


def test_every_tool_of_the_registry_can_be_shown_to_a_model(demo: Demo) -> None:
    registry = powers.registry()
    specs = [spec for spec in registry.select(registry.names()) if spec.access is Access.READ]
    tools = adapters.bind(specs, ToolContext(demo.dataset), next_id=lambda: "x:1", lock=threading.Lock())
    for tool in tools:
        assert json.dumps(convert_to_openai_tool(tool))


def test_prune_cuts_long_lists_at_any_depth() -> None:
    pruned = adapters.prune({"a": [{"b": list(range(99))}] * 99})
    assert len(pruned["a"]) == adapters.MAX_ITEMS
    assert len(pruned["a"][0]["b"]) == adapters.MAX_ITEMS
