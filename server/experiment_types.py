"""What is asked about an experiment, and what is answered; light, for whoever does not compute."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from data.slices import Slice
from tools.experiment import ExperimentPlan
from tools.recommendations import Recommendation
from tools.resolution import MeasuredEffect


@dataclass(frozen=True)
class Adjustment:
    """What somebody wants of an experiment; action, parameters and scope stay where they are left out."""

    action: str | None = None
    parameters: dict[str, str] | None = None
    scope: Slice | None = None
    mde: float | None = None
    """Smallest effect worth seeing, share; left out, it follows from the length or from the expected effect."""
    days: int | None = None
    """Left out, it follows from the effect."""

    @property
    def tries_something_else(self) -> bool:
        """Whether another action, or the same one elsewhere, is to be tried."""
        return (self.action, self.parameters, self.scope) != (None, None, None)


class Designed(NamedTuple):
    """What is tried, and how."""

    recommendation: Recommendation
    plan: ExperimentPlan


class RolledOut(NamedTuple):
    """What is known of an action that was brought to all orders."""

    since: datetime | None
    """None where it was not."""
    effect: MeasuredEffect | None
