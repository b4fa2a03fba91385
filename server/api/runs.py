"""Runs: where an investigation stands, and its events."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from server.api.auth import RequireScope
from server.api.deps import RunDep, ServicesDep
from server.api.schemas import EventPage, RunPublic
from server.errors import UnprocessableError
from server.sse import event_stream, frames

router = APIRouter(prefix="/runs", tags=["runs"])
READ = Depends(RequireScope("runs:read"))
MAX_EVENTS = 1000


@router.get("/{run_id}", dependencies=[READ])
def get_run(run: RunDep) -> RunPublic:
    """Where a run stands."""
    return RunPublic.of(run)


@router.get(
    "/{run_id}/events",
    dependencies=[READ],
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
        204: {"description": "The run is finished and its log was read to the end."},
    },
)
async def stream_events(
    run: RunDep,
    services: ServicesDep,
    after: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """A run's AG-UI events as they come; `Last-Event-ID` or `?after=` continues after a place."""
    place = max(after, _place(last_event_id))
    if services.repository.is_closed(run.id, after=place):
        return Response(status_code=204)
    services.streams.check()
    content = frames(
        services.repository,
        run.id,
        after=place,
        stop=services.stop,
        max_s=services.settings.sse_max_s,
        cap=services.streams,
    )
    return event_stream(content, run_id=run.id, stop=services.stop, ping_s=services.settings.sse_ping_s)


@router.get("/{run_id}/events.json", dependencies=[READ])
def list_events(
    run: RunDep,
    services: ServicesDep,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = 500,
) -> EventPage:
    """A run's events after a place, for polling where a proxy holds streams back."""
    records = services.repository.events(run.id, after=after, limit=limit)
    last = (records[-1].seq or after) if records else after
    return EventPage(
        events=tuple(json.loads(record.payload) for record in records),
        last=last,
        finished=services.repository.is_closed(run.id, after=last),
    )


def _place(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not last_event_id.isascii() or not last_event_id.isdigit():
        raise UnprocessableError(f"Last-Event-ID {last_event_id!r} is not a number")
    return int(last_event_id)
