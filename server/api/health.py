"""Whether the process lives, and whether it can work."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from server.api.deps import ServicesDep
from server.database import is_current

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """What the service can do now."""

    status: Literal["ready", "not_ready"]
    database: bool
    """It answers, and its schema is the newest."""
    detection: Literal["waiting", "running", "done", "failed"]
    """Looking for incidents in the data; past ones are served meanwhile."""
    detail: str


@router.get("/livez")
def alive() -> Alive:
    """Whether the process answers."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready}})
def ready(services: ServicesDep, request: Request, response: Response) -> Ready:
    """Whether the database answers with the newest schema; says how far detection is."""
    try:
        current = is_current(request.app.state.engine)
    except SQLAlchemyError:
        current = False
    response.status_code = 200 if current else 503
    state = services.detection
    return Ready(
        status="ready" if current else "not_ready",
        database=current,
        detection=state.stage,
        detail=state.detail,
    )
