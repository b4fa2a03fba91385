"""Bodies of requests and answers about experiments."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from data.slices import Slice
from server.experiment_types import Adjustment
from server.models import ExperimentRecord, ExperimentStatus
from tools.experiment import ExperimentPlan
from tools.monitor_report import MonitorReport
from tools.recommendations import Recommendation
from tools.resolution import Resolution


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time that came with a zone, in UTC."""
AssignmentRow = dict[str, str | int | float | None]


class _Body(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class _Asked(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")


class PlanAdjustment(_Asked):
    """What shall be different; the plan itself is made by code.

    Action, parameters and scope stay where they are left out; of effect and length one follows from the other, and
    both from the expected effect where neither is given.
    """

    action: str | None = None
    """Id of another action (docs/actions.md)."""
    parameters: dict[str, str | int | float] | None = None
    """Of the action, within its bounds."""
    scope: Slice | None = None
    """Orders that the action is to reach."""
    mde_pp: Annotated[float, Field(gt=0, lt=100)] | None = None
    """Smallest effect on the primary metric worth seeing, percentage points."""
    days: Annotated[int, Field(ge=1, le=365)] | None = None
    """Length; a week at least, so that every day of the week is seen."""

    def asked(self) -> Adjustment:
        """As the service takes it."""
        given = (
            None if self.parameters is None else {name: str(value) for name, value in self.parameters.items()}
        )
        mde = None if self.mde_pp is None else self.mde_pp / 100
        return Adjustment(self.action, given, self.scope, mde, self.days)


class ExperimentStart(_Asked):
    """An experiment on the plan of the last investigation."""

    adjust: PlanAdjustment | None = None
    """None: the plan as it is."""
    assignment: str | list[AssignmentRow] | None = None
    """CSV text, or rows; None: it is planned, and begins with `POST .../assignment`."""


class RollOut(_Asked):
    """The action reached all orders."""

    in_force_since: Moment


class Stop(_Asked):
    """The experiment ends."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class ExperimentPublic(_Body):
    """An experiment on an incident, and where it stands."""

    id: str
    incident_id: str
    follows: str | None
    """The experiment that it goes on from."""
    status: ExperimentStatus
    version: int
    """Counts its changes; also its ETag, for `If-Match`."""
    recommendation: Recommendation
    """What is tried, and the cause that it acts on."""
    plan: ExperimentPlan
    assigned_rows: int
    in_force_since: datetime | None
    """When the action reached all orders."""
    rolled_out_on: MonitorReport | None
    """The reading that allowed it."""
    resolution: Resolution | None
    """On what the incident was closed as fixed."""
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: ExperimentRecord, *, rows: int) -> "ExperimentPublic":
        """From its record and the length of its assignment."""
        reading, resolution = record.reading, record.resolution
        return cls(
            id=record.id,
            incident_id=record.incident_id,
            follows=record.follows,
            status=record.status,
            version=record.version,
            recommendation=Recommendation.model_validate_json(record.recommendation),
            plan=ExperimentPlan.model_validate_json(record.plan),
            assigned_rows=rows,
            in_force_since=record.in_force_since,
            rolled_out_on=None if reading is None else MonitorReport.model_validate_json(reading),
            resolution=None if resolution is None else Resolution.model_validate_json(resolution),
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


class ExperimentPage(_Body):
    """A page of an incident's experiments, newest first."""

    items: tuple[ExperimentPublic, ...]
    next_cursor: str | None
    """Pass it as `cursor` for the next page; none at the end."""
    may_change: bool
    """Whether the caller's key has the scope to change them."""
