"""Findings: what adjudication says of each hypothesis, and of the incident as a whole."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]


class HypothesisId(StrEnum):
    """The causes that are tested; the ids never change."""

    COURIER_SUPPLY = "courier_supply"
    MERCHANT_PREP = "merchant_prep"
    BATCHING_POLICY = "batching_policy"
    POLICY_CHANGE = "policy_change"
    INVENTORY = "inventory"
    ETA_MODEL = "eta_model"
    DEMAND_SURGE = "demand_surge"
    MIX_SHIFT = "mix_shift"
    EXTERNAL_SHOCK = "external_shock"
    DATA_QUALITY = "data_quality"
    NORMAL_VARIANCE = "normal_variance"


class FindingVerdict(StrEnum):
    """Of one hypothesis. The thresholds stand in `tools.adjudication`."""

    CONFIRMED = "confirmed"
    LIKELY = "likely"
    INCONCLUSIVE = "inconclusive"
    RULED_OUT = "ruled_out"
    NOT_TESTABLE = "not_testable"


class IncidentVerdict(StrEnum):
    """Of the incident: the best finding's, or one of the two that no finding can have."""

    CONFIRMED = "confirmed"
    LIKELY = "likely"
    INCONCLUSIVE = "inconclusive"
    NO_DEGRADATION = "no_degradation"
    OUTSIDE_DATA = "outside_data"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Objection(_Model):
    """Something that speaks against a hypothesis."""

    evidence: str
    """Evidence id."""
    text: str
    """A sentence with `{{E1.field}}` placeholders; code renders the numbers."""


class Finding(_Model):
    """A tested hypothesis."""

    hypothesis: HypothesisId
    verdict: FindingVerdict
    role: Literal["primary", "contributor", "mediator"] | None
    mediator_of: HypothesisId | None = None
    p_primary: Probability
    """That it is the main cause; sums to one over all causes, `none` and `other`."""
    p_contributes: Probability
    """That it matters at all; each on its own."""
    impact: float
    """Share of the CX drop it explains x affected orders: the orders that it explains."""
    share_explained: float
    """Of the CX drop, by the linear driver decomposition; may be negative."""
    evidence: tuple[str, ...]
    """Evidence ids, strongest first."""
    against: tuple[Objection, ...]


class NotTestable(_Model):
    """A hypothesis that these data cannot speak to."""

    hypothesis: HypothesisId
    reason: str


class Adjudication(_Model):
    """The verdict over all hypotheses; computed by code from the battery's evidence alone."""

    verdict: IncidentVerdict
    findings: tuple[Finding, ...]
    """Tested and not ruled out; by p_primary x impact, mediators after what they mediate."""
    ruled_out: tuple[Finding, ...]
    not_testable: tuple[NotTestable, ...]
    p_none: Probability
    """That nothing but normal variance happened."""
    p_other: Probability
    """That the cause is one that was not tested."""
