import asyncio
from collections.abc import AsyncIterator

import anyio
import pytest

from agents.events import Emitter
from server.errors import TooManyError
from server.event_log import EventLog
from server.repository import Repository
from server.sse import StreamCap, event_stream, frames
from tests.server.fakes import clock, tell


async def collect(content: AsyncIterator[dict[str, str]]) -> list[int]:
    return [int(frame["id"]) async for frame in content]


async def test_frames_replay_from_a_place(repository: Repository, log: EventLog, run_id: str) -> None:
    tell(log, run_id)
    total = len(repository.events(run_id))
    cap = StreamCap(1)
    every = await collect(frames(repository, run_id, after=0, stop=anyio.Event(), max_s=5, cap=cap))
    assert every == list(range(1, total + 1))
    tail = await collect(frames(repository, run_id, after=3, stop=anyio.Event(), max_s=5, cap=cap))
    assert tail == list(range(4, total + 1))
    cap.check()


async def test_frames_follow_a_run_that_goes_on(repository: Repository, log: EventLog, run_id: str) -> None:
    emitter = Emitter(log, clock, run=run_id, node="start")
    emitter.run_started("I1")
    content = frames(repository, run_id, after=0, stop=anyio.Event(), max_s=10, cap=StreamCap(1))
    assert (await anext(content))["id"] == "1"
    waiting = asyncio.ensure_future(anext(content))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    emitter.state({"phase": "started"})
    assert (await waiting)["id"] == "2"
    await content.aclose()  # type: ignore[attr-defined]  # an async generator


async def test_frames_end_when_the_service_stops(repository: Repository, run_id: str) -> None:
    stop = anyio.Event()
    task = asyncio.ensure_future(
        collect(frames(repository, run_id, after=0, stop=stop, max_s=60, cap=StreamCap(1)))
    )
    await asyncio.sleep(0.01)
    stop.set()
    assert await asyncio.wait_for(task, 2) == []


async def test_a_connection_has_an_end(repository: Repository, run_id: str) -> None:
    content = frames(repository, run_id, after=0, stop=anyio.Event(), max_s=0.01, cap=StreamCap(1))
    assert await asyncio.wait_for(collect(content), 2) == []


async def test_cap_counts_open_streams(repository: Repository, log: EventLog, run_id: str) -> None:
    tell(log, run_id)
    cap = StreamCap(1)
    content = frames(repository, run_id, after=0, stop=anyio.Event(), max_s=5, cap=cap)
    cap.check()
    await anext(content)
    with pytest.raises(TooManyError, match="1 event streams are open"):
        cap.check()
    await content.aclose()  # type: ignore[attr-defined]  # an async generator
    cap.check()


async def test_frames_on_the_wire_end_in_line_feeds(
    repository: Repository, log: EventLog, run_id: str
) -> None:
    tell(log, run_id)
    stop = anyio.Event()
    content = frames(repository, run_id, after=0, stop=stop, max_s=5, cap=StreamCap(1))
    response = event_stream(content, run_id=run_id, stop=stop, ping_s=15)
    sent: list[bytes] = []

    async def receive() -> dict[str, object]:
        await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message.get("body", b""))

    await response({"type": "http", "method": "GET"}, receive, send)
    wire = b"".join(sent)
    assert b"\r" not in wire
    assert wire.count(b"\n\n") == len(repository.events(run_id))
    assert wire.startswith(b'id: 1\ndata: {"type":"RUN_STARTED"')
    assert response.headers["X-Accel-Buffering"] == "no"
