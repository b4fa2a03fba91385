"""The words of an experiment plan: its rules as sentences, and the whole as Markdown.

Every number comes from the plan or from a named constant; nothing here decides anything.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from tools.experiment import ExperimentPlan, PlanMetric, RolloutStage
from tools.metrics import METRICS
from tools.power import SRM_P
from tools.recommendations import Effect, Recommendation
from tools.wording import amount, fill, plain, scope_words

SAFETY_SHARE: Final = 0.1
SAFETY_DAYS: Final = 3
HOLDBACK_SHARE: Final = 0.05
HOLDBACK_DAYS: Final = 14
BAND_DAYS: Final = 7
"""Days that the slice must be back in its baseline band."""
MISSING_SHARE: Final = 0.02
"""Orders without an arm or an outcome above which reading stops."""


class Wording(NamedTuple):
    """What the sentences need beside the plan."""

    window_hours: int | None
    primary: str
    days: int
    carry_over_s: float


def prose(plan: ExperimentPlan, words: Wording) -> dict[str, Any]:
    """The sentences of the plan, by field."""
    primary = plan.metrics[0]
    return {
        "hypothesis": _hypothesis(plan, words, primary),
        "eligibility": _eligibility(plan),
        "analysis": tuple(_analysis(plan, words)),
        "rollout": _rollout(plan),
        "checks": tuple(_checks(plan, words)),
        "monitoring": tuple(_monitoring(plan)),
        "rollback": tuple(_rollback(plan)),
        "decision_rules": tuple(_decisions(plan, words)),
        "holdback": (
            f"After the step to all orders keep {amount(HOLDBACK_SHARE, 'share')} of the {_units(plan)} on the old "
            f"setting for {HOLDBACK_DAYS} days, to see whether the effect lasts."
        ),
    }


def _units(plan: ExperimentPlan) -> str:
    return {"switchback": "windows", "store_cluster": "stores", "customer": "customers"}[plan.unit]


def _hypothesis(plan: ExperimentPlan, words: Wording, primary: PlanMetric) -> str:
    expected = amount(primary.expected or 0.0, "share", signed=True)
    return (
        f"{plan.title}: this changes {words.primary} by {expected} in the scope. {plan.mechanism} "
        f"The test is sized to see {plan.mde_pp:.1f} pp, half of what is expected or the smallest change worth having."
    )


def _eligibility(plan: ExperimentPlan) -> str:
    return (
        f"Orders placed in {scope_words(plan.scope)} while the experiment runs. {_units(plan).capitalize()} that "
        "belong to another running experiment on dispatch, stores or promises are left out before assignment."
    )


def _analysis(plan: ExperimentPlan, words: Wording) -> Iterator[str]:
    if plan.unit == "switchback":
        yield (
            "Estimate: difference of window means weighted by orders, with region and hour-of-day effects and standard "
            "errors clustered by window; never order by order, because orders of a window share its luck."
        )
        yield (
            "Confirmation: randomisation test over the assignments that could have been drawn; with few windows it "
            "decides."
        )
    elif plan.unit == "store_cluster":
        yield (
            "Estimate: difference of store means, each store less its own past, with standard errors clustered by store."
        )
    else:
        yield "Estimate: difference of shares between customers, standard errors clustered by customer."
    yield (
        f"The primary metric is read once, after {words.days} days, two-sided at {plan.alpha:.0%}; guardrails are read "
        "daily, one-sided, with bounds that hold at every look."
    )
    yield "Secondary metrics are reported with intervals and decide nothing."


def _rollout(plan: ExperimentPlan) -> tuple[RolloutStage, ...]:
    units = _units(plan)
    return (
        RolloutStage(
            exposure_share=SAFETY_SHARE,
            days=SAFETY_DAYS,
            gate=f"No guardrail crossed, {units} split as planned, no outcome missing; benefit is not read yet.",
        ),
        RolloutStage(
            exposure_share=0.5,
            days=plan.days,
            gate="The decision rules below say ship.",
        ),
        RolloutStage(
            exposure_share=1.0,
            days=HOLDBACK_DAYS,
            gate=(
                f"Back inside the baseline band for {BAND_DAYS} days, and the lower bound of the measured effect "
                "above zero: then the incident is resolved."
            ),
        ),
    )


def _checks(plan: ExperimentPlan, words: Wording) -> Iterator[str]:
    yield (
        f"Sample ratio: chi-square test on {_units(plan)} and on orders against the planned split, daily; p below "
        f"{SRM_P} stops the reading until the reason is found."
    )
    yield (
        "Logging: every order carries its arm, assigned before the order is placed; orders without an arm or an outcome "
        f"stay below {amount(MISSING_SHARE, 'share')}, equally in both arms."
    )
    yield "A/A: the analysis run on the days before the start, with the planned assignment, shows no effect."
    if plan.unit == "switchback" and words.window_hours is not None:
        burn = amount(min(words.carry_over_s, words.window_hours * 1800.0), "s")
        yield (
            f"Carry-over: arms are drawn at random for every window of {words.window_hours} h, never in turn; orders of "
            f"the first {burn} after a switch are left out."
        )


def _monitoring(plan: ExperimentPlan) -> Iterator[str]:
    yield "Daily: split of units and orders, orders without arm or outcome."
    for metric in plan.metrics:
        if metric.role == "guardrail":
            yield f"Daily: {_name(metric.metric)}; limit {_limit(metric)}."
    yield "Daily: whether another change was recorded in the scope; if so, note it and decide whether to restart."


def _rollback(plan: ExperimentPlan) -> Iterator[str]:
    yield "A guardrail's bound crosses its margin: back to the old setting at once, without discussion."
    yield f"Two {_units(plan)[:-1]} readings in a row beyond a guardrail's margin."
    yield f"Sample ratio p below {SRM_P}, or assignment logging fails for a day."
    yield "A new incident of high severity is raised in the scope or its region."


def _decisions(plan: ExperimentPlan, words: Wording) -> Iterator[str]:
    yield f"Ship: the interval of {words.primary} lies on the good side of zero and no guardrail is crossed."
    yield "Roll back: the interval lies on the bad side of zero, or a guardrail is crossed."
    yield (
        "Extend once, by as many days again: the interval holds zero and the estimate is on the good side and at least "
        "half of the smallest effect worth seeing."
    )
    yield "Stop without shipping: the interval holds zero in every other case; the cause was not this, or not enough."


_NAMES: Final = {"cx_score": "CX Score", "cx_index": "CX index"}


def _name(metric: str) -> str:
    """A metric in words; `on_time_elsewhere` is on-time delivery, elsewhere."""
    base = metric.removesuffix("_elsewhere").removesuffix("_of_region")
    title = METRICS[base].title if base in METRICS else _NAMES.get(base, plain(base))
    if metric.endswith("_elsewhere"):
        return f"{title}, rest of the region"
    return f"{title}, whole region" if metric.endswith("_of_region") else title


def _limit(metric: PlanMetric) -> str:
    if metric.margin is None:
        return "to be set before the start: today's value is not in the data"
    word = "fall" if metric.direction == "increase" else "rise"
    unit = metric.unit
    text = amount(metric.margin, unit, signed=unit == "share").lstrip("+")
    return f"a {word} of {text}"


def markdown(plan: ExperimentPlan, recommendation: Recommendation) -> str:
    """The plan as a page."""
    sections: tuple[tuple[str, Iterable[str]], ...] = (
        ("In short", _in_short(plan)),
        ("Hypothesis and mechanism", (plan.hypothesis,)),
        ("What is expected", _expected(recommendation)),
        ("Metrics", _metric_table(plan)),
        ("Unit of randomisation", _unit(plan)),
        ("Who takes part", (plan.eligibility,)),
        ("Size and duration", _size(plan)),
        ("If that is too long", _options(plan)),
        ("Analysis", _list(plan.analysis)),
        ("Checks before anything is read", _list(plan.checks)),
        ("Roll-out", _stages(plan)),
        ("Monitoring", _list(plan.monitoring, box=True)),
        ("Rollback", _list(plan.rollback)),
        ("Decision", _list(plan.decision_rules)),
        ("Holdback", (plan.holdback,)),
        ("Implementation and risks", _implementation(recommendation)),
    )
    lines = [f"# Experiment: {plan.title}", ""]
    for title, body in sections:
        lines += [f"## {title}", "", *body, ""]
    return "\n".join(lines).rstrip() + "\n"


def _in_short(plan: ExperimentPlan) -> Iterator[str]:
    yield (
        f"Try it in {scope_words(plan.scope)} for {plan.days} days on half of the {_units(plan)}; decide on "
        f"{_name(plan.metrics[0].metric)}, with a chance of {plan.power:.0%} to see a change of {plan.mde_pp:.1f} pp."
    )


def _effect(effect: Effect) -> str:
    low, high = (amount(n, effect.unit, signed=True) for n in (effect.low, effect.high))
    return f"{amount(effect.estimate, effect.unit, signed=True)} | {low} to {high}"


def _expected(recommendation: Recommendation) -> Iterator[str]:
    yield "Estimated on the orders of the incident, against doing nothing, with 95 % intervals."
    yield ""
    yield "| | effect | interval |"
    yield "| --- | --- | --- |"
    for name, effect in recommendation.effects.items():
        yield f"| {_name(name)} | {_effect(effect)} |"
    for name, effect in recommendation.efficiency_cost.items():
        yield f"| cost: {_name(name)} | {_effect(effect)} |"
    for silent in recommendation.not_testable:
        yield f"| {_name(silent.metric)} | not testable | {plain(silent.reason, most=160)} |"


def _metric_table(plan: ExperimentPlan) -> Iterator[str]:
    yield "| metric | role | should | today | limit |"
    yield "| --- | --- | --- | --- | --- |"
    for metric in plan.metrics:
        today = "not known" if metric.baseline is None else amount(metric.baseline, metric.unit)
        limit = _limit(metric) if metric.role == "guardrail" else ""
        yield f"| {_name(metric.metric)} | {metric.role} | {metric.direction} | {today} | {limit} |"


def _unit(plan: ExperimentPlan) -> Iterator[str]:
    length = "" if plan.window_hours is None else f", region by windows of {plan.window_hours} h"
    yield f"{plain(plan.unit).capitalize()}{length}. {plan.unit_reason}"


def _size(plan: ExperimentPlan) -> Iterator[str]:
    yield "| | |"
    yield "| --- | --- |"
    yield f"| smallest effect seen | {plan.mde_pp:.1f} pp |"
    yield f"| power, level | {plan.power:.0%}, {plan.alpha:.0%} two-sided |"
    yield f"| spread between {_units(plan)} | {plan.unit_sd_pp:.1f} pp |"
    yield f"| {_units(plan)} needed, both arms | {plan.units_needed:,} |"
    yield f"| {_units(plan)} a day | {plan.units_per_day:,.1f} |"
    yield f"| orders in those {_units(plan)} | {plan.sample_orders:,} |"
    yield f"| duration | {plan.days} days (at least two whole weeks) |"
    yield ""
    yield f"Spread measured on: {plan.variance_source}."


def _options(plan: ExperimentPlan) -> Iterator[str]:
    if not plan.options:
        yield "It is not: the duration above is enough."
        return
    yield "| way out | smallest effect seen | days |"
    yield "| --- | --- | --- |"
    for option in plan.options:
        yield f"| {option.change} | {option.mde_pp:.1f} pp | {option.days} |"


def _stages(plan: ExperimentPlan) -> Iterator[str]:
    yield "| share of units | days | to go on |"
    yield "| --- | --- | --- |"
    for stage in plan.rollout:
        yield f"| {stage.exposure_share:.0%} | {stage.days} | {stage.gate} |"


def _list(items: Iterable[str], *, box: bool = False) -> Iterator[str]:
    for item in items:
        yield f"- {'[ ] ' if box else ''}{item}"


def _implementation(recommendation: Recommendation) -> Iterator[str]:
    chosen = recommendation.parameters
    yield fill(recommendation.implementation, scope=recommendation.scope, parameters=chosen)
    yield ""
    yield (
        f"Owner: {recommendation.owner}. Undone: {recommendation.reversibility}. "
        f"Effort: {recommendation.complexity}."
    )
    yield ""
    for risk in recommendation.risks:
        yield f"- {fill(risk, scope=recommendation.scope, parameters=chosen)}"
