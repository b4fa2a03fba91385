"""Everything that a sentence may cite: placeholder paths and the words that code puts in their place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final

from agents import render
from tools.evidence import Evidence
from tools.experiment import ExperimentPlan
from tools.feed_metrics import FEED_METRICS
from tools.findings import Finding
from tools.incidents import Incident
from tools.recommendations import Effect, Recommendation

MAX_DEPTH: Final = 3
MAX_LIST: Final = 10
_MEASURED: Final = frozenset(
    {"value", "estimate", "low", "high", "baseline", "current", "expected", "margin", "delta"}
)
"""Fields whose unit is not in their name: it is that of the thing measured, named beside them."""


@dataclass(frozen=True)
class MetricWords:
    """How a metric is spoken of."""

    title: str
    unit: str


def of_incident(incident: Incident, metric: MetricWords, zone: tzinfo) -> dict[str, str]:
    """`incident.slice`, `incident.onset`, `incident.delta` and so on."""
    facts = {
        "metric": metric.title,
        "slice": render.slice_words(incident.slice),
        "onset": render.time(incident.onset, zone),
        "start": render.time(incident.window.start, zone),
        "end": render.time(incident.window.end, zone),
        "baseline": render.number(incident.baseline, metric.unit),
        "current": render.number(incident.current, metric.unit),
        "delta": delta(incident.delta, metric.unit),
        "z": render.number(incident.z, "z"),
        "q_value": render.number(incident.q_value, "probability"),
        "severity": incident.severity.value,
        "affected_orders": render.number(incident.affected_orders, "orders"),
    }
    return {f"incident.{name}": text for name, text in facts.items()}


def of_finding(finding: Finding, name: str, claim: str) -> dict[str, str]:
    """`finding.<hypothesis>.p_primary` and so on; `name` and `claim` are the hypothesis's own words."""
    facts = {
        "name": name,
        "claim": claim,
        "verdict": finding.verdict.value.replace("_", " "),
        "p_primary": render.number(finding.p_primary, "probability"),
        "p_contributes": render.number(finding.p_contributes, "probability"),
        "impact": render.number(finding.impact, "orders"),
        "share_explained": render.number(finding.share_explained, "share"),
    }
    return {f"finding.{finding.hypothesis.value}.{field}": text for field, text in facts.items()}


def of_evidence(evidence: Evidence, zone: tzinfo) -> dict[str, str]:
    """`E3.<field>` for every field of a result that can be said in a phrase, nested ones by dotted path."""
    return {f"{evidence.id}.{path}": text for path, text in _walk(evidence.result, "", zone, MAX_DEPTH, None)}


def of_recommendation(rank: int, recommendation: Recommendation) -> dict[str, str]:
    """`recommendation.1.effects.cx_score` and so on, effects with their interval."""
    facts = {
        "scope": render.slice_words(recommendation.scope),
        "confidence": render.number(recommendation.confidence, "probability"),
        "owner": render.harmless(recommendation.owner),
        "action": render.words(recommendation.action),
    }
    facts |= {f"parameters.{name}": _parameter(name, v) for name, v in recommendation.parameters.items()}
    for group, effects in (
        ("effects", recommendation.effects),
        ("efficiency_cost", recommendation.efficiency_cost),
    ):
        for metric, value in effects.items():
            told = effect(value, relative=group == "efficiency_cost")
            facts |= {f"{group}.{metric}{tail}": text for tail, text in told.items()}
    return {f"recommendation.{rank}.{name}": text for name, text in facts.items()}


def _parameter(name: str, value: object) -> str:
    text = render.leaf(name, value, UTC)
    return render.harmless(str(value)) if text is None else text


def delta(value: float, unit: str) -> str:
    """A change of something measured in `unit`; of a rate, in percentage points.

    Example:
        >>> delta(-0.14, "share"), delta(12.4, "score")
        ('-14.0 pp', '+12.4 points')
    """
    return (
        render.number(value * 100, "pp", signed=True)
        if unit == "share"
        else render.number(value, unit, signed=True)
    )


def effect(value: Effect, *, relative: bool = False) -> dict[str, str]:
    """An effect in words: with its interval (no tail), and its parts.

    Args:
        value: the effect.
        relative: a share is one of what there is, not a change of a rate.

    Example:
        >>> effect(Effect(estimate=0.031, low=0.02, high=0.05, unit="share"))[""]
        '+3.1 pp (+2.0 to +5.0 pp)'
    """

    def say(number: float) -> str:
        return render.number(number, value.unit, signed=True) if relative else delta(number, value.unit)

    estimate, low, high = say(value.estimate), say(value.low), say(value.high)
    shared = low.split(" ", 1)[1] if " " in low else ""
    brief = low.removesuffix(f" {shared}") if shared and high.endswith(f" {shared}") else low
    whole = estimate if low == high else f"{estimate} ({brief} to {high})"
    return {"": whole, ".estimate": estimate, ".low": low, ".high": high}


def of_plan(plan: ExperimentPlan) -> dict[str, str]:
    """`plan.days`, `plan.sample_orders` and so on."""
    facts = {
        "action": render.words(plan.action),
        "unit": render.words(plan.unit),
        "scope": render.slice_words(plan.scope),
        "days": render.number(plan.days, "days"),
        "mde_pp": render.number(plan.mde_pp, "pp"),
        "alpha": render.number(plan.alpha, "share"),
        "power": render.number(plan.power, "share"),
        "sample_orders": render.number(plan.sample_orders, "orders"),
        "units_needed": render.number(plan.units_needed, ""),
        "units_per_day": render.number(plan.units_per_day, "per_day"),
    }
    return {f"plan.{name}": text for name, text in facts.items()}


def _walk(value: object, path: str, zone: tzinfo, depth: int, unit: str | None) -> Iterator[tuple[str, str]]:
    name = path.rsplit(".", 1)[-1]
    text = render.leaf(name, value, zone, unit=unit if name in _MEASURED else None) if path else None
    if text is not None:
        yield path, text
    elif depth and isinstance(value, Mapping):
        yield from _walk_children(value, path, zone, depth)
    elif depth and isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value[:MAX_LIST], start=1):
            yield from _walk(item, f"{path}.{index}", zone, depth - 1, None)


def _walk_children(
    value: Mapping[str, Any], path: str, zone: tzinfo, depth: int
) -> Iterator[tuple[str, str]]:
    unit = _declared_unit(value)
    for name, child in value.items():
        if name.isidentifier() and name.isascii():
            yield from _walk(child, f"{path}.{name}".lstrip("."), zone, depth - 1, unit)


def _declared_unit(value: Mapping[str, Any]) -> str | None:
    """The unit named beside a measured value: as such, or by the metric that was measured."""
    if isinstance(declared := value.get("unit"), str):
        return declared
    if isinstance(metric := value.get("metric"), str):
        return metric_words(metric).unit
    return None


def metric_words(metric: str) -> MetricWords:
    """The title and unit of a metric, composites included.

    Example:
        >>> metric_words("cx_score")
        MetricWords(title='CX Score', unit='score')
    """
    from tools.metrics import METRICS

    if metric in METRICS:
        return MetricWords(METRICS[metric].title, METRICS[metric].unit)
    return _COMPOSITES.get(metric, MetricWords(render.words(metric), FEED_METRICS.get(metric, "")))


_COMPOSITES: Final = {
    "cx_score": MetricWords("CX Score", "score"),
    "cx_index": MetricWords("CX index", "share"),
}
