"""The experiment plan of a recommendation: its shape. The design itself is computed in `design`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from data.slices import Slice

Unit = Literal["switchback", "store_cluster", "customer"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PlanMetric(_Model):
    """A metric of the plan."""

    metric: str
    role: Literal["primary", "secondary", "guardrail"]
    direction: Literal["increase", "decrease"]
    """The good direction."""
    baseline: float | None
    """Today's value in the scope; None where the data do not tell."""
    margin: float | None
    """Guardrails: the largest acceptable harm, in the metric's unit."""
    expected: float | None = None
    """Estimated effect of the action; None where nothing was estimated."""
    unit: str = "share"


class RolloutStage(_Model):
    """A step of the roll-out and what must hold to go on."""

    exposure_share: float
    days: int
    gate: str


class SizeOption(_Model):
    """A way to a feasible experiment where the slice is too small."""

    change: str
    mde_pp: float
    days: int


class ExperimentPlan(_Model):
    """A complete plan; `markdown` is the same content for people."""

    action: str
    title: str
    """The action in words."""
    hypothesis: str
    mechanism: str
    scope: Slice
    eligibility: str
    unit: Unit
    unit_reason: str
    window_hours: int | None
    """Length of a switchback window; None for other units."""
    metrics: tuple[PlanMetric, ...]
    mde_pp: float
    alpha: float
    power: float
    unit_sd_pp: float
    """Standard deviation between units (between orders for customers)."""
    units_needed: int
    units_per_day: float
    sample_orders: int
    days: int
    variance_source: str
    feasible: bool
    """Whether it can be decided within `design.FEASIBLE_DAYS`."""
    options: tuple[SizeOption, ...]
    """Ways out where it cannot."""
    analysis: tuple[str, ...]
    rollout: tuple[RolloutStage, ...]
    checks: tuple[str, ...]
    monitoring: tuple[str, ...]
    rollback: tuple[str, ...]
    decision_rules: tuple[str, ...]
    holdback: str
    evidence: tuple[str, ...]
    markdown: str
