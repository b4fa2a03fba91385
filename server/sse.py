"""A run's log as server-sent events: replayed from any place, then followed live.

The AG-UI client splits frames at a blank line made of line feeds only: frames are dicts, and `sep` is a line
feed. Keep-alive is a comment, never an event. A stream reads the table by cursor, so a slow reader delays
nobody and a lost connection loses nothing; each connection ends after a while, and the client continues where
it was. Closing a stream never cancels the run.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from time import monotonic

import anyio
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from server.errors import TooManyError
from server.repository import Repository

POLL_S = 0.25
SEND_TIMEOUT_S = 30
SHUTDOWN_GRACE_S = 3


class StreamCap:
    """Counts open streams, so that one client cannot take them all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0

    def check(self) -> None:
        """Whether there is a place left.

        Raises:
            TooManyError: all are taken.
        """
        if self._open >= self._limit:
            raise TooManyError(f"{self._limit} event streams are open; close one, or poll `events.json`")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for as long as the stream is open."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


async def frames(
    repository: Repository, run_id: str, *, after: int, stop: anyio.Event, max_s: float, cap: StreamCap
) -> AsyncIterator[dict[str, str]]:
    """The events of a run after a place, until its log ends, `stop` is set, or `max_s` seconds are over."""
    deadline = monotonic() + max_s
    with cap.place():
        while not stop.is_set() and monotonic() < deadline:
            records = await asyncio.to_thread(repository.events, run_id, after=after)
            for record in records:
                after = record.seq or after
                yield {"id": str(after), "data": record.payload}
                if record.terminal:
                    return
            if not records:
                with anyio.move_on_after(POLL_S):
                    await stop.wait()


def event_stream(
    content: AsyncIterator[dict[str, str]], *, run_id: str, stop: anyio.Event, ping_s: int
) -> EventSourceResponse:
    """The response around `frames`."""
    return EventSourceResponse(
        content,
        sep="\n",
        ping=ping_s,
        ping_message_factory=lambda: ServerSentEvent(comment="keep-alive", sep="\n"),
        send_timeout=SEND_TIMEOUT_S,
        shutdown_event=stop,
        shutdown_grace_period=SHUTDOWN_GRACE_S,
        headers={"X-Run-Id": run_id, "Cache-Control": "no-store, no-transform"},
    )
