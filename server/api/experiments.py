"""Experiments of an incident: planned, read while they run, made permanent, followed up."""

from typing import Annotated, NamedTuple

import pandas as pd
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from server import assignments
from server.api import cursor as cursors
from server.api import etags, problems
from server.api.auth import Principal, RequireScope
from server.api.deps import IdempotencyKey, IncidentDep, ServicesDep
from server.api.experiment_schemas import (
    AssignmentRow,
    ExperimentPage,
    ExperimentPublic,
    ExperimentStart,
    Moment,
    PlanAdjustment,
    RollOut,
    Stop,
)
from server.api.reports import latest_report
from server.errors import NotFoundError, UnprocessableError
from server.experiment_types import Adjustment
from server.idempotency import KeyedRequest
from server.models import ExperimentRecord
from server.services import Services
from tools.assignment_file import AssignmentError
from tools.monitor_report import MonitorReport
from tools.resolution import Resolution

router = APIRouter(prefix="/incidents/{incident_id}/experiments", tags=["experiments"])
WRITE = "experiments:write"
Reader = Annotated[Principal, Depends(RequireScope("experiments:read"))]
Writer = Annotated[Principal, Depends(RequireScope(WRITE))]
IfMatch = Annotated[str | None, Header()]
AsOf = Annotated[Moment | None, Query(description="With a zone; by default the newest time of the data.")]
CHANGES = problems.documented(409, 412, 428)
CSV, JSON = "text/csv", "application/json"
MAX_BYTES = 64 * 1024 * 1024
"""Of an assignment: about a million orders."""
_ROWS: TypeAdapter[list[AssignmentRow]] = TypeAdapter(list[AssignmentRow])
_ROWS_SCHEMA = {
    "type": "array",
    "items": {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}},
}


def _experiment(experiment_id: str, incident: IncidentDep, services: ServicesDep) -> ExperimentRecord:
    record = services.experiments.store.get(incident.id, experiment_id)
    if record is None:
        raise NotFoundError(
            f"{incident.id} has no experiment {experiment_id!r}; "
            f"`GET /api/v1/incidents/{incident.id}/experiments` lists all"
        )
    return record


ExperimentDep = Annotated[ExperimentRecord, Depends(_experiment)]


class _Sent(NamedTuple):
    kind: str
    body: bytes


async def _sent(request: Request) -> _Sent:
    return _Sent(
        request.headers.get("Content-Type", "").partition(";")[0].strip().lower(), await request.body()
    )


@router.get("")
def list_experiments(
    principal: Reader,
    incident: IncidentDep,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> ExperimentPage:
    """An incident's experiments, newest first."""
    after = cursors.decode(cursor) if cursor else None
    page = services.experiments.store.page(incident.id, limit=limit, after=after)
    return ExperimentPage(
        items=tuple(_public(record, services) for record in page.items),
        next_cursor=cursors.encode(page.after) if page.after else None,
        may_change=principal.may(WRITE),
    )


@router.post("", status_code=201, responses=problems.documented(409), max_body_size=MAX_BYTES)
def start_experiment(
    principal: Writer,
    incident: IncidentDep,
    services: ServicesDep,
    response: Response,
    body: ExperimentStart | None = None,
    idempotency_key: IdempotencyKey = None,
) -> ExperimentPublic:
    """Start an experiment on the plan of the last investigation, as it is or adjusted; without rows it is planned.

    Where the rows are refused, nothing is kept. The same `Idempotency-Key` again answers with the same experiment.
    """
    asked = body or ExperimentStart()
    rows = None if asked.assignment is None else _frame(asked.assignment)
    _, report = latest_report(incident, services)
    request = KeyedRequest.of(idempotency_key, "POST experiments", incident.id, asked.model_dump_json())
    record = services.experiments.plan(
        incident, report, _adjustment(asked.adjust), actor=principal.name, rows=rows, request=request
    )
    response.headers["Location"] = f"/api/v1/incidents/{incident.id}/experiments/{record.id}"
    return _tagged(record, services, response)


@router.get("/{experiment_id}")
def get_experiment(
    _: Reader, record: ExperimentDep, services: ServicesDep, response: Response
) -> ExperimentPublic:
    """One experiment; its `ETag` is what `If-Match` of a change must say."""
    return _tagged(record, services, response)


@router.put("/{experiment_id}/plan", responses=CHANGES)
def adjust_plan(
    principal: Writer,
    incident: IncidentDep,
    record: ExperimentDep,
    services: ServicesDep,
    body: PlanAdjustment,
    response: Response,
    if_match: IfMatch = None,
) -> ExperimentPublic:
    """Plan anew what has not begun; the plan of a running experiment is fixed, a follow-up may have another."""
    version = etags.decode(if_match, newest=record.version)
    changed = services.experiments.adjust(
        incident, record, body.asked(), version=version, actor=principal.name
    )
    return _tagged(changed, services, response)


@router.post(
    "/{experiment_id}/assignment",
    responses=problems.documented(409),
    max_body_size=MAX_BYTES,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {CSV: {"schema": {"type": "string"}}, JSON: {"schema": _ROWS_SCHEMA}},
        }
    },
)
def add_assignment(
    principal: Writer,
    record: ExperimentDep,
    services: ServicesDep,
    sent: Annotated[_Sent, Depends(_sent)],
    response: Response,
) -> ExperimentPublic:
    """Add rows to the assignment, as CSV or as JSON; the first ones begin the experiment, known ones change nothing."""
    changed = services.experiments.assign(record, _parsed(sent), actor=principal.name)
    return _tagged(changed, services, response)


@router.get("/{experiment_id}/reading", responses=problems.documented(409))
def get_reading(_: Reader, record: ExperimentDep, services: ServicesDep, as_of: AsOf = None) -> MonitorReport:
    """Health, guardrails, progress and the decision, computed from the data and the stored assignment."""
    return services.experiments.reading(record, as_of=as_of)


@router.get("/{experiment_id}/resolution", responses=problems.documented(409))
def get_resolution(
    _: Reader, incident: IncidentDep, record: ExperimentDep, services: ServicesDep, as_of: AsOf = None
) -> Resolution:
    """Whether the incident is fixed, condition by condition; changes nothing."""
    return services.experiments.resolution(incident, record, as_of=as_of)


@router.post("/{experiment_id}/roll-out", responses=CHANGES)
def roll_out(
    principal: Writer,
    record: ExperimentDep,
    services: ServicesDep,
    body: RollOut,
    response: Response,
    if_match: IfMatch = None,
) -> ExperimentPublic:
    """State since when the action is in force for all orders; refused unless the reading of that time says to ship."""
    version = etags.decode(if_match, newest=record.version)
    changed = services.experiments.roll_out(
        record, body.in_force_since, version=version, actor=principal.name
    )
    return _tagged(changed, services, response)


@router.post("/{experiment_id}/permanent", responses=CHANGES)
def make_permanent(
    principal: Writer,
    incident: IncidentDep,
    record: ExperimentDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> ExperimentPublic:
    """Close the incident as fixed, and remember how; 409 with each condition that fails (`not_fixed`)."""
    version = etags.decode(if_match, newest=record.version)
    changed = services.experiments.make_permanent(incident, record, version=version, actor=principal.name)
    return _tagged(changed, services, response)


@router.post("/{experiment_id}/follow-up", status_code=201, responses=problems.documented(409))
def follow_up(
    principal: Writer,
    incident: IncidentDep,
    record: ExperimentDep,
    services: ServicesDep,
    response: Response,
    body: PlanAdjustment | None = None,
) -> ExperimentPublic:
    """Plan the experiment that goes on from this one, with what shall be different."""
    planned = services.experiments.follow_up(incident, record, _adjustment(body), actor=principal.name)
    response.headers["Location"] = f"/api/v1/incidents/{incident.id}/experiments/{planned.id}"
    return _tagged(planned, services, response)


@router.post("/{experiment_id}/stop", responses=CHANGES)
def stop_experiment(
    principal: Writer,
    record: ExperimentDep,
    services: ServicesDep,
    body: Stop,
    response: Response,
    if_match: IfMatch = None,
) -> ExperimentPublic:
    """End an experiment that goes nowhere, such as one that was rolled back."""
    version = etags.decode(if_match, newest=record.version)
    stopped = services.experiments.stop(record, body.reason, version=version, actor=principal.name)
    return _tagged(stopped, services, response)


def _adjustment(body: PlanAdjustment | None) -> Adjustment:
    return Adjustment() if body is None else body.asked()


def _public(record: ExperimentRecord, services: Services) -> ExperimentPublic:
    return ExperimentPublic.of(record, rows=services.experiments.store.rows(record.id))


def _tagged(record: ExperimentRecord, services: Services, response: Response) -> ExperimentPublic:
    response.headers["ETag"] = etags.encode(record.version)
    return _public(record, services)


def _parsed(sent: _Sent) -> pd.DataFrame:
    if sent.kind not in (CSV, JSON):
        raise UnprocessableError(f"Content-Type {sent.kind!r}: send the assignment as {CSV} or {JSON}")
    try:
        text = sent.body.decode("utf-8")
        return _frame(text if sent.kind == CSV else _ROWS.validate_json(text))
    except UnicodeDecodeError as error:
        raise UnprocessableError("the assignment is no UTF-8 text") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise UnprocessableError(f"{where}: {first['msg']}; send a list of rows") from error


def _frame(given: str | list[AssignmentRow]) -> pd.DataFrame:
    try:
        return assignments.from_csv(given) if isinstance(given, str) else assignments.from_rows(given)
    except AssignmentError as error:
        raise UnprocessableError(str(error)) from error
