"""Incidents: what was found, why it happened, what to do, how to test it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import JSONResponse

from server.api import cursor as cursors
from server.api import etags, problems
from server.api.auth import Principal, RequireScope
from server.api.deps import IdempotencyKey, IncidentDep, ServicesDep
from server.api.reports import latest_report
from server.api.schemas import (
    CauseStatement,
    IncidentChange,
    IncidentHistory,
    IncidentPage,
    IncidentPublic,
    PlanPublic,
    Recommendations,
    RootCause,
    RunAccepted,
    RunPublic,
    StatusChange,
)
from server.errors import ConflictError, NotFoundError, UnprocessableError
from server.idempotency import KeyedRequest
from server.models import IncidentRecord
from server.repository import ANY, IncidentFilter
from server.services import Services
from tools.incident_lifecycle import IllegalMoveError, IncidentStatus, Move, MoveError
from tools.incidents import Kind, Severity

router = APIRouter(prefix="/incidents", tags=["incidents"])
READ = Depends(RequireScope("incidents:read"))
MARKDOWN = "text/markdown"


def _filter(
    status: Annotated[list[IncidentStatus] | None, Query()] = None,
    severity: Annotated[list[Severity] | None, Query()] = None,
    kind: Annotated[list[Kind] | None, Query()] = None,
    open: Annotated[bool | None, Query(description="false: resolved ones only.")] = None,
) -> IncidentFilter:
    return IncidentFilter(tuple(status or ()), tuple(severity or ()), tuple(kind or ()), open)


@router.get("", dependencies=[READ])
def list_incidents(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    where: Annotated[IncidentFilter, Depends(_filter)] = ANY,
) -> IncidentPage:
    """Incidents, newest onset first; filters may be given more than once."""
    after = cursors.decode(cursor) if cursor else None
    page = services.repository.incidents(limit=limit, after=after, where=where)
    return IncidentPage(
        items=tuple(_public(record, services) for record in page.items),
        next_cursor=cursors.encode(page.after) if page.after else None,
        detection=services.detection.stage,
        detail=services.detection.detail,
    )


@router.get("/{incident_id}", dependencies=[READ])
def get_incident(incident: IncidentDep, services: ServicesDep, response: Response) -> IncidentPublic:
    """One incident; its `ETag` is what `If-Match` of a change must say."""
    response.headers["ETag"] = etags.encode(incident.version)
    return _public(incident, services)


@router.get("/{incident_id}/history", dependencies=[READ])
def get_history(incident: IncidentDep, services: ServicesDep) -> IncidentHistory:
    """What happened to an incident: who, when, from where to where, why."""
    records = services.repository.incident_history(incident.id)
    return IncidentHistory(
        incident_id=incident.id, changes=tuple(IncidentChange.of(record) for record in records)
    )


@router.post("/{incident_id}/status", responses=problems.documented(409, 412, 428))
def change_status(
    principal: Annotated[Principal, Depends(RequireScope("incidents:write"))],
    incident: IncidentDep,
    services: ServicesDep,
    body: StatusChange,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> IncidentPublic:
    """Move an incident on, resolve it or open it again; `If-Match` says which version was seen."""
    asked = Move(body.status, body.closed_as, body.merged_into, body.reason, body.cause)
    version = etags.decode(if_match, newest=incident.version)
    with _refusals():
        record = services.repository.move_incident(incident.id, asked, version=version, actor=principal.name)
    response.headers["ETag"] = etags.encode(record.version)
    return _public(record, services)


@router.put("/{incident_id}/cause", responses=problems.documented(409, 412, 428))
def state_cause(
    principal: Annotated[Principal, Depends(RequireScope("incidents:write"))],
    incident: IncidentDep,
    services: ServicesDep,
    body: CauseStatement,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> IncidentPublic:
    """State the cause that was found of a resolved incident; `If-Match` says which version was seen."""
    version = etags.decode(if_match, newest=incident.version)
    with _refusals():
        record = services.repository.state_cause(
            incident.id, body.cause, version=version, actor=principal.name, reason=body.reason
        )
    response.headers["ETag"] = etags.encode(record.version)
    return _public(record, services)


@router.get("/{incident_id}/rca", dependencies=[READ])
def get_root_cause(incident: IncidentDep, services: ServicesDep) -> RootCause:
    """Why it happened, with the evidence."""
    run_id, report = latest_report(incident, services)
    return RootCause.of(run_id, report)


@router.get("/{incident_id}/recommendations", dependencies=[READ])
def get_recommendations(incident: IncidentDep, services: ServicesDep) -> Recommendations:
    """What to do about it, best first."""
    run_id, report = latest_report(incident, services)
    cited = {name for item in report.recommendations for name in item.evidence}
    evidence = {name: item for name, item in report.evidence.items() if name in cited}
    return Recommendations(run_id=run_id, recommendations=report.recommendations, evidence=evidence)


@router.get(
    "/{incident_id}/experiment-plan",
    dependencies=[READ],
    response_model=PlanPublic,
    responses={200: {"content": {MARKDOWN: {"schema": {"type": "string"}}}}},
)
def get_experiment_plan(
    incident: IncidentDep,
    services: ServicesDep,
    accept: Annotated[str, Header()] = "application/json",
    format: Annotated[str | None, Query(pattern="^(json|markdown)$")] = None,
) -> Response:
    """The plan as JSON, or as Markdown with `Accept: text/markdown` or `?format=markdown`."""
    run_id, report = latest_report(incident, services)
    plan = report.experiment_plan
    if plan is None:
        raise NotFoundError(f"the last investigation of {incident.id} led to no experiment plan")
    if format == "markdown" or (format is None and MARKDOWN in accept):
        return Response(plan.markdown, media_type=MARKDOWN)
    body = PlanPublic(run_id=run_id, experiment_plan=plan)
    return JSONResponse(body.model_dump(mode="json", by_alias=True))


@router.post("/{incident_id}/investigations", status_code=202)
async def start_investigation(
    principal: Annotated[Principal, Depends(RequireScope("investigations:start"))],
    incident: IncidentDep,
    services: ServicesDep,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> RunAccepted:
    """Start an investigation; the same `Idempotency-Key` again answers with the same run."""
    request = KeyedRequest.of(idempotency_key, "POST investigations", incident.id)
    run = services.repository.start_once(incident, request=request)
    services.repository.audit(actor=principal.name, action="investigation.start", subject=run.id)
    services.investigations.start(run.id)
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    return RunAccepted(run=RunPublic.of(run))


@contextmanager
def _refusals() -> Iterator[None]:
    """Refusals of the rules as answers."""
    try:
        yield
    except IllegalMoveError as error:
        raise ConflictError(str(error)) from error
    except MoveError as error:
        raise UnprocessableError(str(error)) from error


def _public(record: IncidentRecord, services: Services) -> IncidentPublic:
    return IncidentPublic.of(record, services.repository.runs(record.id))
