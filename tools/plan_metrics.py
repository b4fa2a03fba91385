"""The metrics of an experiment plan: what decides, what is hoped for besides, and what must not get worse.

A guardrail's margin is set before the start: a tenth of the metric's value, no less than the experiment can
see; only the floor on courier efficiency stands as it is. The radius says how near the always-valid bound comes
to the estimate by the end.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import pandas as pd

from tools.efficiency import PER_HOUR, POOL, of_pool
from tools.errors import ToolFailure
from tools.experiment import PlanMetric
from tools.experiment_ground import Ground, rate_of, usable
from tools.metrics import METRICS, Metric
from tools.pool_spread import Spread, of_efficiency, of_volume
from tools.power import ALPHA, switchback_mde
from tools.recommendations import Effect, Recommendation
from tools.sequential import confidence_radius
from tools.variation import window_hours

HARM: Final = 0.1
"""A guardrail may get worse by this share of its value."""
LEAST_HARM: Final = 0.002
CLEARED: Final = 0.95
"""Chance that a guardrail which is not harmed is cleared at the last reading; every one of them must be."""


class PlanMetrics(NamedTuple):
    """All metrics of a plan, the primary one first."""

    metrics: tuple[PlanMetric, ...]
    guardrail_alpha: float
    """One-sided level of one guardrail; shared out, so that all of them together keep `power.ALPHA`."""


class _Guard(NamedTuple):
    metric: PlanMetric
    spread: Spread | None
    fixed: bool = False
    """The margin is somebody's rule, not ours to widen."""


def plan_metrics(
    ground: Ground, recommendation: Recommendation, primary: Metric, *, mde: float, days: int
) -> PlanMetrics:
    """The metrics, their guardrails with margins and what can be seen of them in so many days."""
    effects = recommendation.effects
    measured = [METRICS[name] for name in METRICS if name in effects and name != primary.id]
    helped = [metric for metric in measured if _helps(metric, effects[metric.id].estimate)]
    watched = [metric for metric in measured if metric not in helped and metric.kind == "rate"]
    first = _measured(ground, primary, "primary", effects)
    secondary = [_measured(ground, metric, "secondary", effects) for metric in helped]
    guards = [
        *(_share_guard(ground, metric, effects) for metric in watched),
        _efficiency(ground, recommendation),
        _volume(ground),
        *_spill_over(ground, primary, margin=mde / 2),
    ]
    alpha = ALPHA / len(guards)
    read = (_with_bounds(guard, alpha=alpha, days=days) for guard in guards)
    return PlanMetrics((first, *secondary, *read), alpha)


def _helps(metric: Metric, change: float) -> bool:
    return change > 0 if metric.better == "higher" else change < 0


def _good(metric: Metric) -> str:
    return "increase" if metric.better == "higher" else "decrease"


def _known(rows: pd.DataFrame, metric: Metric) -> float | None:
    value = rate_of(rows, metric)
    return None if math.isnan(value) else value


def _measured(ground: Ground, metric: Metric, role: str, effects: Mapping[str, Effect]) -> PlanMetric:
    value = _known(ground.now, metric)
    harm = None if value is None else max(HARM * min(value, abs(1 - value)), LEAST_HARM)
    return PlanMetric.model_validate(
        {
            "metric": metric.id,
            "role": role,
            "direction": _good(metric),
            "baseline": value,
            "margin": harm if role == "guardrail" else None,
            "expected": effects[metric.id].estimate,
            "unit": metric.unit,
        }
    )


def _share_guard(ground: Ground, metric: Metric, effects: Mapping[str, Effect]) -> _Guard:
    plain = _measured(ground, metric, "guardrail", effects)
    if plain.baseline is None:
        return _Guard(plain, None)
    try:
        spread = ground.spread(metric, rate=usable(plain.baseline))
    except ToolFailure:
        # Counted too seldom for a spread; its margin stands by itself.
        return _Guard(plain, None)
    return _Guard(plain, Spread(spread.sd, spread.units_per_day))


def _efficiency(ground: Ground, recommendation: Recommendation) -> _Guard:
    """Of the region's couriers, who serve other orders too; never left out, even where it is not known."""
    context, incident, scope = ground.context, ground.incident, ground.scope
    today = of_pool(context.dataset, scope, incident.window)
    change = recommendation.efficiency_cost.get(POOL)
    name, value = today or (PER_HOUR, None)
    metric = PlanMetric(
        metric=f"{name}_of_region",
        role="guardrail",
        direction="increase",
        baseline=value,
        margin=None if value is None else (1 - context.settings.efficiency_floor) * value,
        expected=None if value is None or change is None else change.estimate / 100 * value,
        unit=name,
    )
    if today is None or ground.unit != "switchback":
        return _Guard(metric, None)
    length = window_hours(ground.before, scope)
    spread = of_efficiency(context.dataset, ground.pool(), scope, name=name, length=length)
    return _Guard(metric, spread, fixed=True)


def _volume(ground: Ground) -> _Guard:
    now = ground.now
    per_day = len(now) / max(int(now["day"].nunique()), 1)
    metric = PlanMetric(
        metric="orders_per_day",
        role="guardrail",
        direction="increase",
        baseline=per_day,
        margin=HARM * per_day,
        unit="orders_per_day",
    )
    if ground.unit != "switchback":
        return _Guard(metric, None)
    length = window_hours(ground.before, ground.scope)
    return _Guard(metric, of_volume(ground.before, ground.scope, length=length))


def _spill_over(ground: Ground, primary: Metric, *, margin: float) -> Iterator[_Guard]:
    """The primary metric where the action does not reach: the rest of the region, and other regions."""
    for name, of_region in (("elsewhere", True), ("other_regions", False)):
        before = ground.rest(of_region=of_region)
        if before.empty:
            continue
        value = _known(ground.rest_now(of_region=of_region), primary)
        metric = PlanMetric.model_validate(
            {
                "metric": f"{primary.id}_{name}",
                "role": "guardrail",
                "direction": _good(primary),
                "baseline": value,
                "margin": margin,
            }
        )
        yield _Guard(metric, _beside(ground, before, primary, value, of_region=of_region))


def _beside(
    ground: Ground, rows: pd.DataFrame, primary: Metric, value: float | None, *, of_region: bool
) -> Spread | None:
    """Between the scope's own windows: other regions have no arm of their own, so they count together."""
    if ground.unit != "switchback" or value is None:
        return None
    together = rows if of_region else rows.drop(columns="region")
    try:
        spread = ground.spread_of(together, primary, rate=usable(value))
    except ToolFailure:
        return None
    return Spread(spread.sd, spread.units_per_day)


def _with_bounds(guard: _Guard, *, alpha: float, days: int) -> PlanMetric:
    """The margin is no narrower than what the last reading can see; the radius is that of its day."""
    metric, spread = guard.metric, guard.spread
    if spread is None:
        return metric
    units = spread.units_per_day * days
    margin = metric.margin
    if not guard.fixed and margin is not None:
        margin = max(margin, switchback_mde(spread.sd, units, alpha=2 * alpha, power=CLEARED))
    # Of a difference of two arms: twice the spread of one unit over all units.
    radius = confidence_radius(units, 2 * spread.sd, alpha=alpha, best_at=units, sides=1)
    return metric.model_copy(update={"margin": margin, "unit_sd": spread.sd, "radius": radius})
