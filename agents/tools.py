"""Tools for agents: LangChain adapters over the registered specs, which add no power to them.

An agent can do what its bound tools do, and nothing else. A tool that cannot answer tells the model why
(`status="error"`); any other exception is a bug and propagates.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.tools import StructuredTool

from agents.text import compact_json
from data.errors import NotTestableError
from tools.errors import ToolFailure
from tools.evidence import Evidence, observe
from tools.registry import Access, ToolContext, ToolSpec

MAX_ITEMS: Final = 20
"""Longer lists are cut in what a model reads; the evidence keeps them whole."""


def bind(
    specs: Iterable[ToolSpec], context: ToolContext, *, next_id: Callable[[], str], lock: threading.Lock
) -> tuple[StructuredTool, ...]:
    """Make LangChain tools whose artifact is the evidence.

    Args:
        specs: what to offer.
        context: what the tools may use.
        next_id: gives the id of the next evidence.
        lock: held while a tool computes; results are only repeatable one at a time.

    Raises:
        ValueError: a spec writes; investigators may only look.
    """
    return tuple(_adapt(spec, context, next_id, lock) for spec in specs)


def _adapt(
    spec: ToolSpec, context: ToolContext, next_id: Callable[[], str], lock: threading.Lock
) -> StructuredTool:
    if spec.access is not Access.READ:
        raise ValueError(f"tool {spec.name!r} is {spec.access}; investigators get read tools only")

    def call(**arguments: Any) -> tuple[str, Evidence]:  # noqa: ANN401
        with lock:
            evidence = observe(spec, context, arguments, id=next_id())
        return content(evidence), evidence

    return StructuredTool.from_function(
        func=call,
        name=spec.name,
        description=spec.description,
        args_schema=spec.arguments,
        response_format="content_and_artifact",
    )


async def run(tools: Sequence[StructuredTool], call: ToolCall) -> ToolMessage:
    """Answer a model's tool call: with the result, or with why there is none."""
    known = {tool.name: tool for tool in tools}
    if call["name"] not in known:
        return failed(call, f"no tool is called {call['name']!r}; yours are: {', '.join(sorted(known))}")
    function = known[call["name"]].func
    if function is None:
        raise TypeError(f"tool {call['name']!r} has no function")
    try:
        text, evidence = await asyncio.to_thread(function, **call["args"])
    except (ToolFailure, NotTestableError) as failure:
        return failed(call, str(failure))
    return ToolMessage(text, tool_call_id=call["id"], name=call["name"], artifact=evidence)


def failed(call: ToolCall, reason: str) -> ToolMessage:
    """The answer to a call that could not be answered."""
    return ToolMessage(reason, tool_call_id=call["id"], name=call["name"], status="error")


def content(evidence: Evidence) -> str:
    """What a model reads of evidence: its id and its result, long lists cut."""
    return compact_json({"evidence": evidence.id, "result": prune(evidence.result)})


def prune(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """A JSON value with every list cut to `MAX_ITEMS`.

    Example:
        >>> len(prune({"points": list(range(50))})["points"])
        20
    """
    if isinstance(value, Mapping):
        return {name: prune(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [prune(item) for item in value[:MAX_ITEMS]]
    return value
