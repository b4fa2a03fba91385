"""What the last finished investigation of an incident found."""

from pydantic import ValidationError

from agents.report import InvestigationReport
from server.errors import NotFoundError
from server.models import IncidentRecord
from server.services import Services


def latest_report(incident: IncidentRecord, services: Services) -> tuple[str, InvestigationReport]:
    """The run and its report.

    Raises:
        NotFoundError: no investigation has finished, or its report is of an earlier version.
    """
    record = services.repository.latest_report(incident.id)
    if record is None:
        raise NotFoundError(
            f"{incident.id} has no finished investigation; "
            f"`POST /api/v1/incidents/{incident.id}/investigations` starts one"
        )
    try:
        return record.run_id, InvestigationReport.model_validate_json(record.document)
    except ValidationError as error:
        raise NotFoundError(
            f"the report of {incident.id} was written by an earlier version and cannot be read any more; "
            f"`POST /api/v1/incidents/{incident.id}/investigations` makes a new one"
        ) from error
