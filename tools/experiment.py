"""The experiment plan of a recommendation: its shape. The design itself is computed in `design`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from data.slices import Slice


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PlanMetric(_Model):
    """A metric of the plan."""

    metric: str
    role: Literal["primary", "secondary", "guardrail"]
    direction: Literal["increase", "decrease"]
    baseline: float | None
    margin: float | None
    """Guardrails: the largest acceptable harm."""


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
    hypothesis: str
    mechanism: str
    scope: Slice
    unit: Literal["switchback", "store_cluster", "customer"]
    unit_reason: str
    metrics: tuple[PlanMetric, ...]
    mde_pp: float
    alpha: float
    power: float
    units_needed: int
    units_per_day: float
    sample_orders: int
    days: int
    variance_source: str
    options: tuple[SizeOption, ...]
    rollout: tuple[RolloutStage, ...]
    checks: tuple[str, ...]
    rollback: tuple[str, ...]
    decision_rules: tuple[str, ...]
    evidence: tuple[str, ...]
    markdown: str
