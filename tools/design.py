"""The experiment that would show whether a recommendation works, sized from the scope's own data.

The unit follows the way one order's treatment reaches another: couriers are shared, so dispatch is switched
for a whole region and window; a store's kitchen is shared, so stores are grouped; a displayed promise reaches
one customer. The smallest effect worth seeing is half of the one expected, unless it is given.

References:
    Bojinov, I., Simchi-Levi, D., Zhao, J. (2023). Design and analysis of switchback experiments.
    Management Science 69(7).
    Guenther, W. (1981). Sample size formulas for normal theory t tests. The American Statistician 35(4).
"""

import math
from typing import Final, NamedTuple

from data.slices import Slice
from tools.actions import ACTIONS, Action
from tools.errors import ToolFailure
from tools.experiment import ExperimentPlan, Look, SizeOption, Unit, VarianceReduction
from tools.experiment_ground import Ground, ground, rate_of, usable
from tools.incidents import Incident
from tools.looks import LEAST_DAYS, RECOMMENDED_DAYS, WEEK, cost_of_looking, schedule
from tools.metrics import METRICS, Metric
from tools.plan_metrics import PlanMetrics, plan_metrics
from tools.plan_page import markdown
from tools.plan_text import HOLDBACK_DAYS, HOLDBACK_SHARE, MISSING_SHARE, prose
from tools.power import ALPHA, POWER, SRM_P, switchback_mde, switchback_units
from tools.recommendations import Recommendation
from tools.registry import ToolContext
from tools.variance_reduction import Clustering, clustering, of_orders, of_stores, of_windows
from tools.variation import Variation, burn_in_s
from tools.wording import fill, scope_words

FEASIBLE_DAYS: Final = 28
"""Longer than this and other changes get in the way."""
SMALLEST_MDE: Final = 0.005
SHARE_OF_EXPECTED: Final = 0.5
"""The experiment sees an effect this much smaller than the expected one."""
FOR_STUDENT: Final = 2
"""Units more than by normal quantiles, because the spread is estimated: half of 1.96 squared (Guenther 1981)."""
PLANNED_SHARE: Final = 0.5
"""Of the units, while the primary metric is being decided: the split that needs the fewest."""

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
    rate: float
    """That it was planned for, between today's and the hoped-for one."""
    mde: float
    units: int
    days_least: int
    days: int
    days_most: int
    """Within which it should be decided."""
    looks: tuple[Look, ...]
    inflation: float

    @property
    def feasible(self) -> bool:
        return self.days_least <= self.days_most

    @property
    def units_planned(self) -> int:
        return math.ceil(self.variation.units_per_day * self.days)

    @property
    def sample_orders(self) -> int:
        return math.ceil(self.units * self.variation.orders_per_unit)


def experiment_plan(
    context: ToolContext,
    incident: Incident,
    recommendation: Recommendation,
    *,
    mde: float | None = None,
    days: int | None = None,
) -> ExperimentPlan:
    """The plan of trying a recommendation out.

    Args:
        context: dataset and settings.
        incident: gives the orders that are compared.
        recommendation: the action, its scope and its estimated effects.
        mde: smallest effect worth seeing, share; by default half of the expected one, or what `days` can see.
        days: length; by default what the effect needs, in whole weeks, two at least.

    Raises:
        ToolFailure: nothing is changed, no effect on a share was estimated, or history is too short.
        ValueError: `mde` or `days` cannot be planned for.
    """
    check_asked(mde, days)
    action = ACTIONS[recommendation.action]
    if action.channel == "none":
        raise ToolFailure("nothing is changed, so there is nothing to try out")
    unit, _ = _UNITS[action.channel]
    primary = _primary(incident, recommendation)
    stands = ground(context, incident, recommendation.scope, unit)
    expected = recommendation.effects[primary.id].estimate
    worth = _worth_seeing(expected, mde, days)
    sized = _size(stands, primary, expected=expected, mde=worth, days=days)
    chosen = plan_metrics(stands, recommendation, primary, mde=sized.mde, days=sized.days)
    draft = _draft(stands, recommendation, action, sized, chosen)
    if not draft.feasible:
        ways_out = _options(stands, sized, primary, expected)
        draft = draft.model_copy(update={"options": ways_out})
    told = draft.model_copy(update=prose(draft, primary.title))
    return told.model_copy(update={"markdown": markdown(told, recommendation, incident)})


def check_asked(mde: float | None, days: int | None) -> None:
    """Raise `ValueError` for an effect (share) or a length that no experiment can be planned for."""
    if mde is not None and not 0 < mde < 1:
        raise ValueError(
            f"mde = {mde!r}, must lie between 0 and 1: an effect of zero needs infinitely many units"
        )
    if days is not None and days < LEAST_DAYS:
        raise ValueError(
            f"days = {days!r}, must be at least {LEAST_DAYS}: every day of the week is to be seen"
        )


def _worth_seeing(expected: float, mde: float | None, days: int | None) -> float | None:
    """None: whatever the given days can see."""
    if mde is not None or days is not None:
        return mde
    return max(SHARE_OF_EXPECTED * abs(expected), SMALLEST_MDE)


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


def _size(
    stands: Ground, metric: Metric, *, expected: float, mde: float | None, days: int | None = None
) -> _Sized:
    rate = _planned_rate(rate_of(stands.now, metric), expected)
    variation = stands.spread(metric, rate=rate)
    if mde is None:
        mde = _seen_in(variation, days or RECOMMENDED_DAYS)
    length = days or _whole_weeks(switchback_units(variation.sd, mde) / variation.units_per_day)
    while True:
        looks = schedule(length)
        cost = cost_of_looking(looks)
        units = switchback_units(variation.sd * math.sqrt(cost), mde) + FOR_STUDENT
        least = max(math.ceil(units / variation.units_per_day), LEAST_DAYS)
        if days is not None or least <= length:
            return _Sized(variation, rate, mde, units, least, length, days or FEASIBLE_DAYS, looks, cost)
        length = _whole_weeks(least)


def _planned_rate(today: float, expected: float) -> float:
    """Between the arms' rates; a hope beyond what is possible goes half of the way there."""
    return usable(min(max(today + expected / 2, today / 2), (1 + today) / 2))


def _seen_in(variation: Variation, days: int) -> float:
    """The effect that the whole units of so many days can see, read as often as planned."""
    units = max(math.floor(variation.units_per_day * days) - FOR_STUDENT, 1)
    cost = cost_of_looking(schedule(days))
    # A hair more, so that the same number of units comes back from it.
    return switchback_mde(variation.sd * math.sqrt(cost), units) * (1 + 1e-9)


def _whole_weeks(days: float) -> int:
    return max(WEEK * math.ceil(days / WEEK), RECOMMENDED_DAYS)


def _options(stands: Ground, sized: _Sized, metric: Metric, expected: float) -> tuple[SizeOption, ...]:
    """Longer, wider, or coarser: each with its numbers."""
    longer = _size(stands, metric, expected=expected, mde=sized.mde)
    found = [_option("run it as long as it takes", longer)]
    for scope in _wider(stands.scope):
        wider = ground(stands.context, stands.incident, scope, stands.unit)
        try:
            # What the action does to the other orders is not known, so today's rate is planned for.
            other = _size(wider, metric, expected=0.0, mde=sized.mde)
        except ToolFailure:
            # Too few units there as well: no way out.
            continue
        if other.days < longer.days:
            found.append(_option(f"widen the scope to {scope_words(scope)}", other))
    days = min(sized.days, FEASIBLE_DAYS)
    coarser = _size(stands, metric, expected=expected, mde=None, days=days)
    return (*found, _option("accept to see only larger effects", coarser))


def _option(change: str, sized: _Sized) -> SizeOption:
    return SizeOption(
        change=change,
        mde_pp=100 * sized.mde,
        days=sized.days,
        units_needed=sized.units,
        sample_orders=sized.sample_orders,
    )


def _wider(scope: Slice) -> tuple[Slice, ...]:
    """The scope without its hours, and without each of its dimensions."""
    wider = [] if scope.hour is None else [Slice(values=scope.values)]
    for name, _ in scope.values:
        rest = tuple(pair for pair in scope.values if pair[0] != name)
        wider.append(Slice(values=rest, hour=scope.hour))
    return tuple(wider)


def _burn_in(stands: Ground, sized: _Sized) -> float:
    length = sized.variation.window_hours
    return 0.0 if length is None else burn_in_s(stands.before, length)


def _clustering(stands: Ground, sized: _Sized, metric: Metric) -> Clustering:
    """Over the orders that the analysis keeps."""
    variation = sized.variation
    size = variation.orders_per_unit * metric.scale
    if variation.window_hours is not None:
        size *= 1 - _burn_in(stands, sized) / (3600 * variation.window_hours)
    comparisons = 2 if stands.unit == "store_cluster" else 1
    return clustering(variation.sd, rate=sized.rate, size=size, comparisons=comparisons)


def _reduction(stands: Ground, metric: Metric) -> tuple[VarianceReduction, ...]:
    if stands.unit == "switchback":
        return of_windows(stands.before, metric, stands.scope)
    if stands.unit == "store_cluster":
        return of_stores(stands.before, metric)
    return of_orders(stands.before, metric)


def _draft(
    stands: Ground, recommendation: Recommendation, action: Action, sized: _Sized, chosen: PlanMetrics
) -> ExperimentPlan:
    """The plan's numbers; the words come after."""
    unit, reason = _UNITS[action.channel]
    primary = METRICS[chosen.metrics[0].metric]
    alike = _clustering(stands, sized, primary)
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
        burn_in_s=_burn_in(stands, sized),
        planned_share=PLANNED_SHARE,
        primary=primary.id,
        metrics=chosen.metrics,
        mde=sized.mde,
        mde_pp=100 * sized.mde,
        alpha=ALPHA,
        power=POWER,
        unit_sd_pp=100 * sized.variation.sd,
        icc=alike.icc,
        design_effect=alike.design_effect,
        variance_reduction=_reduction(stands, primary),
        sample_inflation=sized.inflation,
        units_needed=sized.units,
        units_per_day=sized.variation.units_per_day,
        units_planned=sized.units_planned,
        sample_orders=sized.sample_orders,
        days_least=sized.days_least,
        days=sized.days,
        mde_in_days_pp=100 * _seen_in(sized.variation, sized.days),
        looks=sized.looks,
        guardrail_alpha=chosen.guardrail_alpha,
        srm_p_bound=SRM_P,
        missing_share_limit=MISSING_SHARE,
        holdback_share=HOLDBACK_SHARE,
        holdback_days=HOLDBACK_DAYS,
        variance_source=sized.variation.source,
        feasible=sized.feasible,
        options=(),
        analysis=(),
        rollout=(),
        checks=(),
        monitoring=(),
        rollback=(),
        decision_rules=(),
        decision_matrix=(),
        holdback="",
        evidence=recommendation.evidence,
        markdown="",
    )
