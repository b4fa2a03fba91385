"""The experiment that would show whether a recommendation works, sized from the scope's own data.

The unit follows the way one order's treatment reaches another: couriers are shared, so dispatch is switched
for a whole region and window; a store's kitchen is shared, so stores are grouped; a displayed promise reaches
one customer. The smallest effect worth seeing is half of the one expected.

References:
    Bojinov, I., Simchi-Levi, D., Zhao, J. (2023). Design and analysis of switchback experiments.
    Management Science 69(7).
"""

import math
from typing import Final, NamedTuple

import pandas as pd

from data.slices import Slice
from tools.actions import ACTIONS, Action
from tools.efficiency import PER_HOUR, POOL, of_pool
from tools.errors import ToolFailure
from tools.experiment import ExperimentPlan, PlanMetric, SizeOption, Unit
from tools.incidents import Incident
from tools.interventions import history, orders_between, rows_in
from tools.metrics import METRICS, Metric
from tools.plan_text import Wording, markdown, prose
from tools.power import ALPHA, POWER, switchback_mde, switchback_units
from tools.recommendations import Recommendation
from tools.registry import ToolContext
from tools.variation import Variation, carry_over_s, of_orders, of_stores, of_windows
from tools.wording import fill, scope_words

LEAST_DAYS: Final = 14
"""Two whole weeks, so that every hour of the week is seen under both arms."""
FEASIBLE_DAYS: Final = 28
"""Longer than this and other changes get in the way."""
SMALLEST_MDE: Final = 0.005
SHARE_OF_EXPECTED: Final = 0.5
"""The experiment sees an effect this much smaller than the expected one."""
HARM: Final = 0.1
"""A guardrail may get worse by this share of its value."""
LEAST_HARM: Final = 0.002

_UNITS: Final[dict[str, tuple[Unit, str]]] = {
    "supply": (
        "switchback",
        (
            "Couriers are shared: orders under the old setting would wait for couriers that the new one keeps "
            "busy, so whole regions are switched for whole windows."
        ),
    ),
    "store": (
        "store_cluster",
        "Orders of one store share its kitchen and shelves, so whole stores are assigned, and stay assigned.",
    ),
    "display": (
        "customer",
        (
            "What one customer is shown does not reach another's order, so customers are assigned one by one "
            "and for good; couriers are used as before."
        ),
    ),
}


class _Sized(NamedTuple):
    variation: Variation
    units: int
    days: int
    mde: float


def experiment_plan(
    context: ToolContext, incident: Incident, recommendation: Recommendation
) -> ExperimentPlan:
    """The plan of trying a recommendation out.

    Raises:
        ToolFailure: nothing is changed, no effect on a share was estimated, or history is too short.
    """
    action = ACTIONS[recommendation.action]
    if action.channel == "none":
        raise ToolFailure("nothing is changed, so there is nothing to try out")
    unit, reason = _UNITS[action.channel]
    primary = _primary(incident, recommendation)
    rows = _history(context, incident, recommendation.scope)
    current = _rate(_now(context, incident, recommendation.scope), primary)
    expected = recommendation.effects[primary.id].estimate
    mde = max(SHARE_OF_EXPECTED * abs(expected), SMALLEST_MDE)
    rate = min(max(current + expected / 2, 0.001), 0.999)
    sized = _size(unit, rows, primary, recommendation.scope, rate=rate, mde=mde)
    metrics = tuple(
        _with_margin(m, unit, rows, recommendation.scope, sized.days)
        for m in _metrics(context, incident, recommendation, primary, mde)
    )
    draft = _draft(recommendation, action, unit, reason, sized, metrics)
    options = (
        ()
        if sized.days <= FEASIBLE_DAYS
        else _options(context, incident, recommendation, sized, primary, rate)
    )
    words = Wording(
        window_hours=sized.variation.window_hours,
        primary=primary.title,
        days=sized.days,
        carry_over_s=carry_over_s(rows),
    )
    told = draft.model_copy(update={"options": options} | prose(draft, words))
    return told.model_copy(update={"markdown": markdown(told, recommendation)})


def _primary(incident: Incident, recommendation: Recommendation) -> Metric:
    """The incident's own metric, or the share that adds most to the CX Score."""
    shares = [METRICS[name] for name in recommendation.effects if name in METRICS]
    shares = [metric for metric in shares if metric.kind == "rate"]
    if not shares:
        raise ToolFailure("no effect on a share of orders was estimated: there is nothing to size a test for")
    for metric in shares:
        if metric.id == incident.metric:
            return metric
    return max(shares, key=lambda m: (m.weight * abs(recommendation.effects[m.id].estimate), m.id))


def _history(context: ToolContext, incident: Incident, scope: Slice) -> pd.DataFrame:
    facts = context.dataset.facts()
    before = history(facts, incident.window, context.settings.baseline_days)
    rows = facts[rows_in(facts, scope) & before]
    if rows.empty:
        raise ToolFailure(f"no traffic in {scope} before the incident: an experiment cannot be sized")
    return rows


def _now(context: ToolContext, incident: Incident, scope: Slice) -> pd.DataFrame:
    facts = context.dataset.facts()
    return facts[rows_in(facts, scope) & orders_between(facts, incident.window)]


def _rate(rows: pd.DataFrame, metric: Metric) -> float:
    old = rows[f"mature_{metric.maturity}"].to_numpy(bool)
    trials = float(metric.trials(rows)[old].sum())
    return float(rows[metric.numerator].to_numpy()[old].sum()) / trials if trials else math.nan


def _size(unit: Unit, rows: pd.DataFrame, metric: Metric, scope: Slice, *, rate: float, mde: float) -> _Sized:
    variation = _variation(unit, rows, metric, scope, rate=rate)
    units = switchback_units(variation.sd, mde)
    days = max(math.ceil(units / variation.units_per_day), LEAST_DAYS)
    return _Sized(variation, units, days, mde)


def _variation(unit: Unit, rows: pd.DataFrame, metric: Metric, scope: Slice, *, rate: float) -> Variation:
    if unit == "switchback":
        return of_windows(rows, metric, scope, rate=rate)
    if unit == "store_cluster":
        return of_stores(rows, metric, days=LEAST_DAYS, rate=rate)
    return of_orders(rows, metric, rate=rate)


def _options(
    context: ToolContext,
    incident: Incident,
    recommendation: Recommendation,
    sized: _Sized,
    metric: Metric,
    rate: float,
) -> tuple[SizeOption, ...]:
    """Wider, longer, or coarser: each with its numbers."""
    found = [SizeOption(change="run it as long as it takes", mde_pp=100 * sized.mde, days=sized.days)]
    unit, _ = _UNITS[ACTIONS[recommendation.action].channel]
    for wider in _wider(recommendation.scope):
        rows = _history(context, incident, wider)
        other = _size(unit, rows, metric, wider, rate=rate, mde=sized.mde)
        if other.days < sized.days:
            change = f"widen the scope to {scope_words(wider)}"
            found.append(SizeOption(change=change, mde_pp=100 * other.mde, days=other.days))
    available = sized.variation.units_per_day * FEASIBLE_DAYS
    coarser = switchback_mde(sized.variation.sd, available)
    found.append(
        SizeOption(change="accept to see only larger effects", mde_pp=100 * coarser, days=FEASIBLE_DAYS)
    )
    return tuple(found)


def _wider(scope: Slice) -> tuple[Slice, ...]:
    """The scope without its hours, and without each of its dimensions."""
    wider = [] if scope.hour is None else [Slice(values=scope.values)]
    for name, _ in scope.values:
        rest = tuple(pair for pair in scope.values if pair[0] != name)
        wider.append(Slice(values=rest, hour=scope.hour))
    return tuple(wider)


def _metrics(
    context: ToolContext,
    incident: Incident,
    recommendation: Recommendation,
    primary: Metric,
    mde: float,
) -> tuple[PlanMetric, ...]:
    now = _now(context, incident, recommendation.scope)
    effects = recommendation.effects
    measured = [METRICS[name] for name in METRICS if name in effects]
    first = _plan_metric(primary, "primary", now, expected=effects[primary.id].estimate)
    helped = [m for m in measured if m.id != primary.id and _helps(m, effects[m.id].estimate)]
    watched = [m for m in measured if m.id != primary.id and m not in helped and m.kind == "rate"]
    secondary = [_plan_metric(m, "secondary", now, expected=effects[m.id].estimate) for m in helped]
    guarded = [_plan_metric(m, "guardrail", now, expected=effects[m.id].estimate) for m in watched]
    spill = PlanMetric(
        metric=f"{primary.id}_elsewhere",
        role="guardrail",
        direction=_good(primary),
        baseline=_elsewhere(context, incident, recommendation.scope, primary),
        margin=mde / 2,
    )
    return (first, *secondary, *guarded, *_efficiency_metrics(context, incident, recommendation, now), spill)


def _helps(metric: Metric, change: float) -> bool:
    return change > 0 if metric.better == "higher" else change < 0


def _good(metric: Metric) -> str:
    return "increase" if metric.better == "higher" else "decrease"


def _plan_metric(metric: Metric, role: str, now: pd.DataFrame, *, expected: float) -> PlanMetric:
    value = _rate(now, metric)
    known = None if math.isnan(value) else value
    harm = None if known is None else max(HARM * min(known, abs(1 - known)), LEAST_HARM)
    return PlanMetric.model_validate(
        {
            "metric": metric.id,
            "role": role,
            "direction": _good(metric),
            "baseline": known,
            "margin": harm if role == "guardrail" else None,
            "expected": expected,
            "unit": metric.unit,
        }
    )


def _efficiency_metrics(
    context: ToolContext, incident: Incident, recommendation: Recommendation, now: pd.DataFrame
) -> tuple[PlanMetric, ...]:
    """Courier efficiency and order volume: never left out, even where today's value is unknown."""
    today = of_pool(context.dataset, recommendation.scope, incident.window)
    change = recommendation.efficiency_cost.get(POOL)
    name, value = today or (PER_HOUR, None)
    per_day = len(now) / max(int(now["day"].nunique()), 1)
    return (
        PlanMetric(
            metric=f"{name}_of_region",
            role="guardrail",
            direction="increase",
            baseline=value,
            margin=None if value is None else (1 - context.settings.efficiency_floor) * value,
            expected=None if value is None or change is None else change.estimate / 100 * value,
            unit=name,
        ),
        PlanMetric(
            metric="orders_per_day",
            role="guardrail",
            direction="increase",
            baseline=per_day,
            margin=HARM * per_day,
            unit="orders_per_day",
        ),
    )


def _with_margin(metric: PlanMetric, unit: Unit, rows: pd.DataFrame, scope: Slice, days: int) -> PlanMetric:
    """A guardrail on a share gets no narrower a margin than the experiment can see."""
    if metric.role != "guardrail" or metric.metric not in METRICS or metric.baseline is None:
        return metric
    rate = min(max(metric.baseline, 0.001), 0.999)
    try:
        variation = _variation(unit, rows, METRICS[metric.metric], scope, rate=rate)
    except ToolFailure:
        return metric
    seen = switchback_mde(variation.sd, variation.units_per_day * days)
    return metric.model_copy(update={"margin": max(metric.margin or 0.0, seen)})


def _elsewhere(context: ToolContext, incident: Incident, scope: Slice, metric: Metric) -> float | None:
    """The metric of the same regions outside the scope, where spill-over would show."""
    facts = context.dataset.facts()
    region = scope.get("region")
    near = rows_in(facts, Slice.parse({"region": region}) if region is not None else Slice())
    rows = facts[near & ~rows_in(facts, scope) & orders_between(facts, incident.window)]
    value = _rate(rows, metric)
    return None if math.isnan(value) else value


def _draft(
    recommendation: Recommendation,
    action: Action,
    unit: Unit,
    reason: str,
    sized: _Sized,
    metrics: tuple[PlanMetric, ...],
) -> ExperimentPlan:
    title = fill(recommendation.title, scope=recommendation.scope, parameters=recommendation.parameters)
    return ExperimentPlan(
        action=action.id,
        title=title,
        hypothesis="",
        mechanism=action.mechanism,
        scope=recommendation.scope,
        eligibility="",
        unit=unit,
        unit_reason=reason,
        window_hours=sized.variation.window_hours,
        metrics=metrics,
        mde_pp=100 * sized.mde,
        alpha=ALPHA,
        power=POWER,
        unit_sd_pp=100 * sized.variation.sd,
        units_needed=sized.units,
        units_per_day=sized.variation.units_per_day,
        sample_orders=math.ceil(sized.units * sized.variation.orders_per_unit),
        days=sized.days,
        variance_source=sized.variation.source,
        feasible=sized.days <= FEASIBLE_DAYS,
        options=(),
        analysis=(),
        rollout=(),
        checks=(),
        monitoring=(),
        rollback=(),
        decision_rules=(),
        holdback="",
        evidence=recommendation.evidence,
        markdown="",
    )
