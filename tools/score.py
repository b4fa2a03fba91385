"""CX Score and CX index of a set of rates.

The score is what people see: each component clipped between its floor and its target. The index uses the same
weights on the plain rates; it is linear, so that its changes add up over components exactly, which is what
detection, decomposition and impact need.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tools.metrics import WEIGHTED, Metric


class Component(NamedTuple):
    """One metric's part of the score."""

    metric: str
    rate: float
    weight: float
    """After renormalising over the components that are present."""
    score: float
    """0-100, clipped between floor and target."""
    score_points: float
    """What it adds to the CX Score."""
    index_points: float
    """What it adds to the CX index."""


@dataclass(frozen=True)
class Score:
    """CX Score and CX index with their parts."""

    score: float
    index: float
    components: tuple[Component, ...]
    left_out: tuple[str, ...]
    """Weighted metrics without a value."""


def cx(rates: Mapping[str, float | None]) -> Score | None:
    """CX Score and CX index of these rates (shares, 0-1); None where no weighted metric has a value.

    Example:
        >>> result = cx({"on_time": 0.79, "cancellation": 0.08})
        >>> round(result.score, 2), result.left_out
        (50.0, ('item_accuracy', 'refund', 'support_contact', 'rating'))
    """
    values = {m.id: rates.get(m.id) for m in WEIGHTED}
    total = sum(m.weight for m in WEIGHTED if values[m.id] is not None)
    if not total:
        return None
    parts = tuple(
        _component(m, rate, m.weight / total) for m in WEIGHTED if (rate := values[m.id]) is not None
    )
    return Score(
        score=sum(part.score_points for part in parts),
        index=sum(part.index_points for part in parts),
        components=parts,
        left_out=tuple(name for name, rate in values.items() if rate is None),
    )


def _component(metric: Metric, rate: float, weight: float) -> Component:
    score = component_score(metric, rate)
    good = rate if metric.better == "higher" else 1.0 - rate
    return Component(metric.id, rate, weight, score, weight * score, 100.0 * weight * good)


def component_score(metric: Metric, rate: float) -> float:
    """0-100: where the rate stands between the metric's floor and target.

    Example:
        >>> from tools.metrics import METRICS
        >>> round(component_score(METRICS["on_time"], 0.79), 6), component_score(METRICS["refund"], 0.3)
        (50.0, 0.0)
    """
    if metric.floor is None or metric.target is None:
        raise ValueError(f"{metric.id} has no floor and target: it is not part of the CX Score")
    share = (rate - metric.floor) / (metric.target - metric.floor)
    return 100.0 * min(max(share, 0.0), 1.0)


def contributions(baseline: Score, current: Score) -> dict[str, float]:
    """Points that each component adds to the change of the CX index; they sum to it exactly.

    Raises:
        ValueError: the two scores have different components, so that no difference adds up.
    """
    before = {part.metric: part.index_points for part in baseline.components}
    after = {part.metric: part.index_points for part in current.components}
    if before.keys() != after.keys():
        raise ValueError(f"scores of different components: {sorted(before)} and {sorted(after)}")
    return {name: after[name] - before[name] for name in after}
