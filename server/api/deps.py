"""What routes are given."""

from typing import Annotated

from fastapi import Depends, Header, Request

from server.errors import NotFoundError
from server.models import IncidentRecord, RunRecord
from server.services import Services


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


def _incident(incident_id: str, services: ServicesDep) -> IncidentRecord:
    record = services.repository.incident(incident_id)
    if record is None:
        raise NotFoundError(f"there is no incident {incident_id!r}; `GET /api/v1/incidents` lists all")
    return record


def _run(run_id: str, services: ServicesDep) -> RunRecord:
    record = services.repository.run(run_id)
    if record is None:
        raise NotFoundError(f"there is no run {run_id!r}")
    return record


IncidentDep = Annotated[IncidentRecord, Depends(_incident)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
RunDep = Annotated[RunRecord, Depends(_run)]
