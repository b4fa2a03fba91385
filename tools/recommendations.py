"""Recommendations: an action with simulated effects on customers and on efficiency."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data.slices import Slice


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Effect(_Model):
    """An estimated change with its 95 % interval."""

    estimate: float
    low: float
    high: float
    unit: str
    """`share`, `pp`, `score`, `s`, `orders_per_courier_hour`, `orders_per_trip`, `percent`, `usd_per_order`."""


class Guardrail(_Model):
    """A side effect that the data cannot speak to."""

    metric: str
    reason: str


class Models(_Model):
    """The answers behind the effect on the CX Score, and what became of the second."""

    g_computation: Effect
    """By comparing orders that were seen."""
    dispatch_simulator: Effect | None = None
    """By playing the same orders and couriers; None where the simulator was not used."""
    reason: str
    """How the simulator was checked and asked, or why it was not used."""


class Setting(_Model):
    """One setting of an action that no other setting beats for customers and for the pool's efficiency alike."""

    parameters: dict[str, Any]
    gain: Effect
    """Of the CX Score, by g-computation; of the incident's metric, more being better, where there is no score."""
    pool_efficiency: float
    """Relative change at the unfavourable limit, percent; 0 where it takes no courier time."""


class Recommendation(_Model):
    """One action, ranked."""

    action: str
    title: str
    """In a manager's words; `{{scope}}` and `{{parameters.NAME}}` stand for this recommendation's own."""
    parameters: dict[str, Any]
    scope: Slice
    effects: dict[str, Effect]
    """By metric; deltas against doing nothing, within the scope."""
    models: Models | None = None
    """Both answers behind `effects["cx_score"]`; None where there is none."""
    efficiency_cost: dict[str, Effect]
    front: tuple[Setting, ...] = ()
    """What can be had of customers for how much efficiency, the dearest first; empty where there is one setting."""
    not_testable: tuple[Guardrail, ...] = ()
    confidence: Annotated[float, Field(ge=0, le=1)]
    """p_primary of the cause it addresses x coverage of the estimate."""
    addresses: str
    """The hypothesis it acts on."""
    owner: str
    reversibility: Literal["instant", "hours", "days"]
    complexity: Literal["low", "medium", "high"]
    implementation: str
    risks: tuple[str, ...]
    evidence: tuple[str, ...]


class Dropped(_Model):
    """An action that was considered and not recommended."""

    action: str
    reason: str


class Recommendations(_Model):
    """What to do, best first, and what was considered besides."""

    recommendations: tuple[Recommendation, ...]
    dropped: tuple[Dropped, ...]
