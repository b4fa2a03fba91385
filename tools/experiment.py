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
    unit_sd: float | None = None
    """Guardrails: standard deviation between units; None where the arms cannot be compared on it."""
    radius: float | None = None
    """Guardrails: half-width of the always-valid bound of the difference when the plan has run its days."""


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
    units_needed: int
    sample_orders: int


class Look(_Model):
    """A day on which the primary metric is read."""

    day: int
    """Complete days since the stage with `planned_share` began; the last look ends the experiment."""
    information: float
    """Share of `units_planned` that has been read by then."""
    z_bound: float
    """Decided where the estimate is at least this many standard errors from zero."""
    p_bound: float
    """The same as a two-sided p-value."""
    alpha_spent: float
    """Error probability used up by then."""


class VarianceReduction(_Model):
    """How much of the spread between units something known beforehand takes away."""

    covariate: str
    removed_share: float
    """Of the variance between units in the scope's own history, chance included."""
    used: bool
    """Whether the size counts on it."""


class DecisionRow(_Model):
    """What is decided when the primary metric is read."""

    primary: Literal["better", "promising", "flat", "worse"]
    guardrails: Literal["kept", "open", "crossed"]
    decision: Literal["ship", "extend", "stop", "roll_back"]
    next_step: str


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
    burn_in_s: float
    """Seconds from the start of a window whose orders are left out; 0 for other units."""
    planned_share: float
    """Share of the units that get the action while the primary metric is being decided."""
    primary: str
    """Id of the metric that decides."""
    metrics: tuple[PlanMetric, ...]
    mde: float
    """Smallest effect on the primary metric that is worth seeing, share."""
    mde_pp: float
    alpha: float
    """Two-sided, of the primary metric over all looks."""
    power: float
    unit_sd_pp: float
    """Standard deviation between units (between orders for customers)."""
    icc: float
    """Correlation of two orders of one unit; 0 for customers, who are taken as one order each."""
    design_effect: float
    """How many times more orders the units cost than independent orders would."""
    variance_reduction: tuple[VarianceReduction, ...]
    sample_inflation: float
    """What reading more than once costs in units; included in `units_needed`."""
    units_needed: int
    units_per_day: float
    units_planned: int
    """Units in `days`."""
    sample_orders: int
    days_least: int
    """Days that the units needed take, a whole week at least."""
    days: int
    """Recommended: whole weeks, two at least, unless the reader chose otherwise."""
    mde_in_days_pp: float
    """Effect that is seen with `power` after `days`."""
    looks: tuple[Look, ...]
    guardrail_alpha: float
    """One-sided level of one guardrail over the whole run; all together stop wrongly at most at `alpha`."""
    srm_p_bound: float
    """A split less likely than this stops the reading."""
    missing_share_limit: float
    """Orders without an arm or an outcome above which reading stops."""
    holdback_share: float
    holdback_days: int
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
    decision_matrix: tuple[DecisionRow, ...]
    holdback: str
    evidence: tuple[str, ...]
    markdown: str
