"""What reading a running experiment comes to: health, guardrails, the primary at its looks, and the decision."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tools.experiment import Unit

Action = Literal["continue", "ramp", "stop_and_ship", "roll_back", "extend", "stop_for_health"]
Stage = Literal["safety", "main", "holdback"]
GuardrailStatus = Literal["cleared", "open", "crossed"]
Status = Literal[
    "improved", "worsened", "not_shown", "not_read", "cleared", "open", "crossed", "not_testable"
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class HealthCheck(_Model):
    """One check that must hold before anything is read."""

    name: str
    passed: bool
    text: str
    """What was found, and where it failed what to do next."""
    p_value: float | None = None


class MetricReading(_Model):
    """A metric, treatment against control."""

    metric: str
    role: Literal["primary", "secondary", "guardrail"]
    direction: Literal["increase", "decrease"]
    """The good direction."""
    unit: str
    status: Status
    text: str
    """Where the status needs a word: when it is read, or why it cannot be."""
    effect: float | None = None
    """Treatment minus control, in the metric's unit (shares for rates)."""
    low: float | None = None
    high: float | None = None
    """Primary and secondary: 95 % interval at the last planned look. Guardrails: bounds that hold at every reading."""
    control: float | None = None
    expected: float | None = None
    """What the plan expected of the action."""
    margin: float | None = None
    """Guardrails: the largest acceptable harm."""
    target_share: float | None = None
    """Primary: effect as a share of the smallest effect worth seeing; 1 is reached."""
    as_of_day: int | None = None
    """Last day that went into it."""


class LookReading(_Model):
    """A planned look at the primary metric."""

    day: int
    information_share: float
    """Planned share of the information at this look."""
    z_bound: float
    z: float | None
    """Positive is the good direction; None where the look lies ahead."""
    p_value: float | None = None
    randomisation_p: float | None = None
    """Of the randomisation test, which must agree where units are few."""
    crossed: Literal["better", "worse"] | None = None
    text: str = ""
    """Why a look that has come cannot be read."""


class Lift(_Model):
    """What the treatment has brought so far, as read at the last look."""

    as_of_day: int
    cx_index: float | None
    """Points of the CX index of treated orders."""
    cx_index_low: float | None
    cx_index_high: float | None
    outcomes_saved: float
    """Treated orders whose primary outcome was good because of the treatment."""
    outcomes_saved_low: float
    outcomes_saved_high: float
    treated_trials: int


class Progress(_Model):
    """How far the experiment has come."""

    stage: Stage
    start: datetime
    day: int
    """Whole days read since the start of this stage."""
    days_planned: int
    days_left: int
    next_look_day: int | None
    units: int
    """Units of this stage with orders, both arms."""
    treated_units: int
    units_needed: int
    orders: int
    treated_orders: int
    exposure_share: float
    """Share of the scope's orders that were under the treatment."""
    planned_share: float


class Decision(_Model):
    """What to do now."""

    action: Action
    reason: str
    next_step: str


class MonitorReport(_Model):
    """The reading of a running experiment at a time."""

    title: str
    unit: Unit
    as_of: datetime
    decision: Decision
    progress: Progress
    health: tuple[HealthCheck, ...]
    metrics: tuple[MetricReading, ...]
    """The primary first, then guardrails, then the rest."""
    looks: tuple[LookReading, ...]
    lift: Lift | None
    """None until the primary was read."""
    warnings: tuple[str, ...]
    fingerprint: str
