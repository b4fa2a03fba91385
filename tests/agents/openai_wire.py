"""An OpenAI-compatible endpoint on the wire, for tests: respx taught to see the transport that openai 3 uses."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import httpcore2
import httpx
import respx
from respx.mocks import HTTPCoreMocker

BASE_URL = "http://llm.test/v1"
NAME = "httpcore2"
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}

Reply = Sequence[str] | httpx.Response | Exception
"""Server-sent chunks of one answer, or any other response, or a transport error."""


class HTTPCore2Mocker(HTTPCoreMocker):
    """respx patches `httpcore`; the client speaks through `httpcore2`, which is built alike."""

    name = NAME
    targets: ClassVar[list[str]] = [
        target.replace("httpcore.", "httpcore2.") for target in HTTPCoreMocker.targets
    ]

    @classmethod
    def from_sync_httpx_response(
        cls, httpx_response: httpx.Response, target: object, **kwargs: object
    ) -> httpcore2.Response:
        """Hand a mocked response to the client in the type that it expects."""
        return httpcore2.Response(
            status=httpx_response.status_code,
            headers=httpx_response.headers.raw,
            content=httpx_response.stream,
            extensions=httpx_response.extensions,
        )


def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _frame([choice])


def _frame(choices: list[dict[str, Any]], **extra: object) -> str:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fake",
        "choices": choices,
        **extra,
    }
    return f"data: {json.dumps(body)}\n\n"


def _ending(reason: str) -> list[str]:
    return [_chunk({}, reason), _frame([], usage=USAGE), "data: [DONE]\n\n"]


def text(content: str) -> list[str]:
    """An answer in words, streamed in small pieces."""
    parts = [content[start : start + 11] for start in range(0, len(content), 11)]
    return [
        _chunk({"role": "assistant", "content": ""}),
        *(_chunk({"content": part}) for part in parts),
        *_ending("stop"),
    ]


def tool_call(name: str, arguments: dict[str, Any] | str, *, id: str = "call_x") -> list[str]:
    """An answer that calls a tool, its arguments streamed as deltas; a string is sent as it is."""
    body = arguments if isinstance(arguments, str) else json.dumps(arguments)
    head = {"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
    deltas = [body[start : start + 7] for start in range(0, len(body), 7)]
    return [
        _chunk({"role": "assistant", "content": None, "tool_calls": [head]}),
        *(_chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}) for part in deltas),
        *_ending("tool_calls"),
    ]


def too_many_requests() -> httpx.Response:
    """A rate limit that may be tried again at once."""
    return httpx.Response(429, json={"error": {"message": "slow down"}}, headers={"retry-after-ms": "1"})


def stream(chunks: Sequence[str]) -> httpx.Response:
    """Chunks as an event stream."""
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text="".join(chunks))


class Endpoint:
    """Answers chat completions by a function of the request's body; remembers the bodies."""

    def __init__(self, answer: Callable[[dict[str, Any]], Reply]) -> None:
        self._answer = answer
        self.bodies: list[dict[str, Any]] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body: dict[str, Any] = json.loads(request.content)
        self.bodies.append(body)
        reply = self._answer(body)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else stream(reply)


def scripted(*replies: Reply) -> Callable[[dict[str, Any]], Reply]:
    """Replies in turn, the last one for ever."""
    queue = list(replies)
    return lambda body: queue.pop(0) if len(queue) > 1 else queue[0]


@contextmanager
def endpoint(answer: Callable[[dict[str, Any]], Reply]) -> Iterator[Endpoint]:
    """An endpoint at `BASE_URL`; every other request of the client fails."""
    served = Endpoint(answer)
    with respx.mock(using=NAME, assert_all_called=False) as router:
        router.post(f"{BASE_URL}/chat/completions").mock(side_effect=served.handle)
        yield served
