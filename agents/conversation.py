"""One agent at work: the model asks, the bound tools answer, within a budget.

A model that fails (after the client's own retries) is replaced by the offline reasoner for the rest of the
conversation; what was degraded is said in `limitations`.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx2
import openai
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.tools import StructuredTool

from agents import tools as adapters
from agents.context import Budget
from agents.events import Emitter
from agents.reasoner import OfflineReasoner
from agents.text import compact_json
from tools.evidence import Evidence

MODEL_FAILURES: Final = (openai.OpenAIError, httpx2.HTTPError, OSError, ValueError, TypeError, LookupError)
"""What a provider may do to us: refuse, time out, or answer what is not its own format."""


@dataclass
class Conversation:
    """What was said; it starts with what code already did."""

    name: str
    """The agent's, for messages to people."""
    messages: list[BaseMessage]
    evidence: list[Evidence] = field(default_factory=list)
    limitations: list[str] = field(default_factory=list)
    closing: str = ""
    """The model's last words."""
    failed: bool = False
    """Whether the model had to be replaced."""


def opening(system: str, task: object, done: Sequence[Evidence] = ()) -> list[BaseMessage]:
    """The start of a conversation: instructions, the task, and the calls that code made with their answers.

    Args:
        system: the system message.
        task: becomes JSON in the human message.
        done: evidence that is there already.
    """
    messages: list[BaseMessage] = [
        SystemMessage(system),
        HumanMessage(f"Your task, as data:\n```json\n{_fenced(task)}\n```"),
    ]
    if done:
        calls = [
            ToolCall(name=e.tool, args=e.arguments, id=f"battery_{n}") for n, e in enumerate(done, start=1)
        ]
        messages.append(AIMessage("", tool_calls=calls))
        messages += [
            ToolMessage(adapters.content(evidence), tool_call_id=call["id"], name=evidence.tool)
            for call, evidence in zip(calls, done, strict=True)
        ]
    return messages


def _fenced(task: object) -> str:
    return compact_json(task).replace("`", "\\u0060")


async def converse(
    model: BaseChatModel,
    conversation: Conversation,
    tools: Sequence[StructuredTool],
    *,
    budget: Budget,
    emitter: Emitter,
) -> None:
    """Let the model work until it has nothing left to ask or its budget is spent; extends `conversation`."""
    spent, calls = 0.0, 0
    for _ in range(budget.turns):
        started = time.monotonic()
        answer = await ask(model, conversation, tools, seconds=max(budget.seconds - spent, 0.001))
        spent += time.monotonic() - started
        if conversation.failed:
            model = OfflineReasoner()
        conversation.messages.append(answer)
        conversation.closing = answer.text
        wanted = len(answer.tool_calls) + len(answer.invalid_tool_calls)
        if not wanted:
            return
        if calls + wanted > budget.tool_calls:
            conversation.limitations.append(f"{conversation.name}: stopped after {calls} further tool calls")
            return
        calls += wanted
        await _answer(answer, conversation, tools, emitter)
    conversation.limitations.append(f"{conversation.name}: stopped after {budget.turns} turns")


async def ask(
    model: BaseChatModel, conversation: Conversation, tools: Sequence[StructuredTool], *, seconds: float
) -> AIMessage:
    """The model's next message; the offline reasoner's, with a limitation, where the model fails."""
    try:
        async with asyncio.timeout(seconds):
            return await _stream(model, conversation.messages, tools)
    except (*MODEL_FAILURES, TimeoutError) as failure:
        conversation.failed = True
        conversation.limitations.append(
            f"{conversation.name}: the model failed ({type(failure).__name__}); the offline reasoner went on"
        )
        return await _stream(OfflineReasoner(), conversation.messages, tools)


async def _stream(
    model: BaseChatModel, messages: list[BaseMessage], tools: Sequence[StructuredTool]
) -> AIMessage:
    bound = model.bind_tools(list(tools)) if tools else model
    whole: AIMessageChunk | None = None
    async for chunk in bound.astream(messages):
        if not isinstance(chunk, AIMessageChunk):
            raise TypeError(f"the model answered with a {type(chunk).__name__}")
        whole = chunk if whole is None else whole + chunk
    if whole is None or not (whole.text or whole.tool_calls or whole.invalid_tool_calls):
        raise ValueError("the model answered with nothing")
    return AIMessage(
        whole.text,
        tool_calls=_identified(whole.tool_calls, len(messages)),
        invalid_tool_calls=whole.invalid_tool_calls,
    )


def _identified(calls: list[ToolCall], seed: int) -> list[ToolCall]:
    return [
        ToolCall(name=c["name"], args=c["args"], id=c["id"] or f"call_{seed}_{n}")
        for n, c in enumerate(calls)
    ]


async def _answer(
    answer: AIMessage, conversation: Conversation, tools: Sequence[StructuredTool], emitter: Emitter
) -> None:
    for call in answer.tool_calls:
        told = emitter.tool_called(call["name"], call["args"])
        reply = await adapters.run(tools, call)
        emitter.tool_answered(told, reply.text)
        if isinstance(reply.artifact, Evidence):
            conversation.evidence.append(reply.artifact)
        conversation.messages.append(reply)
    for broken in answer.invalid_tool_calls:
        reason = json.dumps({"error": "the arguments are not valid JSON"})
        conversation.messages.append(
            ToolMessage(reason, tool_call_id=broken["id"] or "", name=broken["name"] or "", status="error")
        )
