"""The offline reasoner: a chat model without a language model.

It gets the same messages and the same bound tools as any other model and reads nothing else. From the system
message it takes the playbook's steps (or the writer's phrase book), from the human message the task, from the
conversation what was called and what came back; it answers with the next tool call or with the final text.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agents.phrases import parse_phrases, write
from knowledge.playbooks import Call, next_call, parse_steps

DONE = "The playbook has nothing further to ask."
_JSON_BLOCK = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


class OfflineReasoner(BaseChatModel):
    """Follows the playbook in its system message, step by step."""

    bound: tuple[str, ...] = ()
    """Names of the bound tools; it calls no other."""

    @property
    def _llm_type(self) -> str:
        return "offline-reasoner"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,  # noqa: ANN401  # the base class's signature
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """A reasoner that may call these tools."""
        names = tuple(convert_to_openai_tool(tool)["function"]["name"] for tool in tools)
        return self.model_copy(update={"bound": names})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=reply(messages, self.bound))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> AsyncIterator[ChatGenerationChunk]:
        answer = reply(messages, self.bound)
        for line in str(answer.content).splitlines(keepends=True):
            yield ChatGenerationChunk(message=AIMessageChunk(content=line))
        for index, call in enumerate(answer.tool_calls):
            chunk = tool_call_chunk(
                name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index
            )
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[chunk]))


def reply(messages: Sequence[BaseMessage], bound: Sequence[str]) -> AIMessage:
    """The next message of a conversation, from its messages and the names of the bound tools alone."""
    system = "\n".join(message.text for message in messages if isinstance(message, SystemMessage))
    task = _task(messages)
    book = parse_phrases(system)
    if book and "placeholders" in task:
        return AIMessage(write(book, task))
    steps = [step for step in parse_steps(system) if step.tool in bound]
    made = [
        Call(call["name"], call["args"])
        for m in messages
        if isinstance(m, AIMessage)
        for call in m.tool_calls
    ]
    call = next_call(steps, task.get("incident", {}), made, _results(messages))
    if call is None:
        return AIMessage(DONE)
    request = {"name": call.tool, "args": call.args, "id": f"call_{len(made) + 1}", "type": "tool_call"}
    return AIMessage("", tool_calls=[request])


def _task(messages: Sequence[BaseMessage]) -> dict[str, Any]:
    for message in messages:
        found = _JSON_BLOCK.search(message.text) if isinstance(message, HumanMessage) else None
        if found:
            task = json.loads(found.group(1))
            return task if isinstance(task, dict) else {}
    return {}


def _results(messages: Sequence[BaseMessage]) -> dict[str, list[dict[str, Any]]]:
    """Results so far by tool; answers that report an error are none."""
    names = {call["id"]: call["name"] for m in messages if isinstance(m, AIMessage) for call in m.tool_calls}
    results: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        if isinstance(message, ToolMessage) and message.status != "error":
            answer = json.loads(message.text)
            results.setdefault(names.get(message.tool_call_id, ""), []).append(answer["result"])
    return results
