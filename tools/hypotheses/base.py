"""What a hypothesis is: data that says how it is tested, not code that tests it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tools.findings import HypothesisId

Specialist = Literal["supply", "merchant", "policy", "inventory", "eta_model", "context"]
"""Who tests it; `context` is tested by triage itself, in code."""

Argument = str | int | float | bool
"""`$slice`, `$start`, `$end` and `$metric` stand for the incident's own."""


@dataclass(frozen=True)
class Call:
    """One tool call of a fixed battery."""

    tool: str
    args: Mapping[str, Argument] = field(default_factory=dict)


@dataclass(frozen=True)
class Hypothesis:
    """A cause that can be tested.

    Example:
        >>> from tools.hypotheses import HYPOTHESES
        >>> HYPOTHESES[HypothesisId.BATCHING_POLICY].specialist
        'policy'
    """

    id: HypothesisId
    title: str
    claim: str
    """What it says, in a manager's words."""
    supports: tuple[str, ...]
    """What would speak for it."""
    refutes: tuple[str, ...]
    """What would speak against it."""
    specialist: Specialist
    needs: tuple[str, ...]
    """Tables or `table.column`s without which it is not testable."""
    moves: tuple[str, ...]
    """Ids of the metrics that it can move; `ALL_METRICS` for any."""
    battery: tuple[Call, ...]
    driver: str
    """The measured quantity that it moves first, as `mechanism_shift` names it; empty where it has none."""
    upstream: tuple[HypothesisId, ...]
    """Causes that move this driver as their consequence: then this hypothesis is at most a mediator."""
    expected_lag: str
    """How soon after the cause the outcome moves."""
    one_more_datum: str
    """The further datum that would settle it."""


ALL_METRICS: tuple[str, ...] = (
    "on_time",
    "eta_error",
    "item_accuracy",
    "cancellation",
    "refund",
    "support_contact",
    "rating",
    "fulfilment",
    "cx_score",
    "cx_index",
)

DELIVERY_METRICS: tuple[str, ...] = tuple(name for name in ALL_METRICS if name != "item_accuracy")
"""What slower or less punctual delivery can move."""

INCIDENT_SPAN: Mapping[str, Argument] = {"slice": "$slice", "start": "$start", "end": "$end"}
INCIDENT: Mapping[str, Argument] = {**INCIDENT_SPAN, "metric": "$metric"}
