"""An experiment plan as a Markdown page for people; the same content as its JSON."""

import math
from collections.abc import Iterable, Iterator
from datetime import timedelta

from tools.experiment import ExperimentPlan
from tools.incidents import Incident
from tools.looks import RECOMMENDED_DAYS
from tools.plan_text import limit, name_of, units
from tools.recommendations import Effect, Recommendation
from tools.wording import amount, fill, models_words, plain, scope_words


def markdown(plan: ExperimentPlan, recommendation: Recommendation, incident: Incident) -> str:
    """The plan as a page."""
    sections: tuple[tuple[str, Iterable[str]], ...] = (
        ("In short", _in_short(plan, recommendation)),
        ("Hypothesis and mechanism", (plan.hypothesis,)),
        ("What is expected", _expected(recommendation, incident)),
        ("Metrics", _metric_table(plan)),
        ("Unit of randomisation", _unit(plan)),
        ("Who takes part", (plan.eligibility,)),
        ("Size and duration", _size(plan)),
        ("If that is too long", _options(plan)),
        ("What is known beforehand", _reduction(plan)),
        ("Analysis", _list(plan.analysis)),
        ("Readings", _looks(plan)),
        ("Checks before anything is read", _list(plan.checks)),
        ("Roll-out", _stages(plan)),
        ("Monitoring", _list(plan.monitoring, box=True)),
        ("Rollback", _list(plan.rollback)),
        ("Decision", _decision(plan)),
        ("Holdback", (plan.holdback,)),
        ("Implementation and risks", _implementation(recommendation)),
    )
    lines = [f"# Experiment: {plan.title}", ""]
    for title, body in sections:
        lines += [f"## {title}", "", *body, ""]
    return "\n".join(lines).rstrip() + "\n"


def _in_short(plan: ExperimentPlan, recommendation: Recommendation) -> Iterator[str]:
    yield (
        f"Try it in {scope_words(plan.scope)} for {plan.days} days on {plan.planned_share:.0%} of the {units(plan)}; "
        f"decide on {name_of(plan.primary)}, with a chance of {plan.power:.0%} to see a change of {plan.mde_pp:.1f} pp."
    )
    doubt = _doubt(plan, recommendation.effects[plan.primary])
    if doubt:
        yield ""
        yield doubt
    if not plan.feasible:
        yield ""
        yield (
            f"That effect needs {plan.days_least} days: too long as it stands. The ways out below come with their "
            "numbers."
        )


def _doubt(plan: ExperimentPlan, effect: Effect) -> str:
    """What somebody should know who is about to try an action that the data do not speak for."""
    sign = 1 if plan.metrics[0].direction == "increase" else -1
    low, high = sorted((sign * effect.low, sign * effect.high))
    if high < 0:
        return f"By the estimate it makes {name_of(plan.primary)} worse: think again before it is tried."
    if low <= 0:
        return f"The estimate cannot tell its effect on {name_of(plan.primary)} from none."
    return ""


def _effect(effect: Effect) -> str:
    low, high = (amount(n, effect.unit, signed=True) for n in (effect.low, effect.high))
    return f"{amount(effect.estimate, effect.unit, signed=True)} | {low} to {high}"


def _expected(recommendation: Recommendation, incident: Incident) -> Iterator[str]:
    # A part of a day counts as one: an incident of some hours did not last 0 days.
    days = math.ceil((incident.window.end - incident.window.start) / timedelta(days=1))
    yield (
        f"Estimated on the orders of the incident ({days} {'day' if days == 1 else 'days'}), against doing nothing, "
        "with 95 % intervals."
    )
    yield ""
    yield "| | effect | interval |"
    yield "| --- | --- | --- |"
    for name, effect in recommendation.effects.items():
        yield f"| {name_of(name)} | {_effect(effect)} |"
    for name, effect in recommendation.efficiency_cost.items():
        yield f"| cost: {name_of(name)} | {_effect(effect)} |"
    for silent in recommendation.not_testable:
        yield f"| {name_of(silent.metric)} | not testable | {plain(silent.reason, most=160)} |"
    if recommendation.models is not None:
        yield ""
        yield f"{models_words(recommendation.models)}."


def _metric_table(plan: ExperimentPlan) -> Iterator[str]:
    yield "| metric | role | should | today | limit |"
    yield "| --- | --- | --- | --- | --- |"
    for metric in plan.metrics:
        today = "not known" if metric.baseline is None else amount(metric.baseline, metric.unit)
        most = limit(metric) if metric.role == "guardrail" else ""
        yield f"| {name_of(metric.metric)} | {metric.role} | {metric.direction} | {today} | {most} |"


def _unit(plan: ExperimentPlan) -> Iterator[str]:
    length = "" if plan.window_hours is None else f", region by windows of {plan.window_hours} h"
    yield f"{plain(plan.unit).capitalize()}{length}. {plan.unit_reason}"


def _size(plan: ExperimentPlan) -> Iterator[str]:
    what = units(plan)
    period = f" (each {RECOMMENDED_DAYS} days long)" if plan.unit == "store_cluster" else ""
    yield "| | |"
    yield "| --- | --- |"
    yield f"| smallest effect worth seeing | {plan.mde_pp:.1f} pp |"
    yield f"| power, level | {plan.power:.0%}, {plan.alpha:.0%} two-sided |"
    yield f"| spread between {what} | {plan.unit_sd_pp:.1f} pp |"
    yield f"| likeness of orders of one unit (ICC) | {plan.icc:.4f} |"
    yield f"| design effect | {plan.design_effect:.2f} times the orders of an experiment on independent orders |"
    yield f"| reading {len(plan.looks)} times | {plan.sample_inflation:.3f} times the {what} of one reading |"
    yield f"| {what} needed, both arms | {plan.units_needed:,}{period} |"
    yield f"| {what} a day | {plan.units_per_day:,.1f} |"
    yield f"| orders in those {what} | {plan.sample_orders:,} |"
    yield f"| days at least | {plan.days_least} (never less than a whole week) |"
    yield f"| duration | {plan.days} days |"
    yield f"| seen by then | {plan.mde_in_days_pp:.1f} pp |"
    yield ""
    yield f"Spread measured on: {plan.variance_source}."


def _options(plan: ExperimentPlan) -> Iterator[str]:
    if not plan.options:
        yield "It is not: the duration above is enough."
        return
    yield f"| way out | smallest effect seen | days | {units(plan)} | orders |"
    yield "| --- | --- | --- | --- | --- |"
    for option in plan.options:
        yield (
            f"| {option.change} | {option.mde_pp:.1f} pp | {option.days} | {option.units_needed:,} | "
            f"{option.sample_orders:,} |"
        )


def _reduction(plan: ExperimentPlan) -> Iterator[str]:
    yield f"How much of the variance between {units(plan)} the history takes out:"
    yield ""
    yield "| by | taken out | in the size above |"
    yield "| --- | --- | --- |"
    for item in plan.variance_reduction:
        yield f"| {item.covariate} | {amount(item.removed_share, 'share')} | {'yes' if item.used else 'no'} |"


def _looks(plan: ExperimentPlan) -> Iterator[str]:
    yield f"| day | {units(plan)} read | decided beyond | p below | error used |"
    yield "| --- | --- | --- | --- | --- |"
    for look in plan.looks:
        yield (
            f"| {look.day} | {look.information:.0%} | {look.z_bound:.2f} standard errors | {look.p_bound:.2g} | "
            f"{look.alpha_spent:.2g} |"
        )


def _stages(plan: ExperimentPlan) -> Iterator[str]:
    yield "| share of units | days | to go on |"
    yield "| --- | --- | --- |"
    for stage in plan.rollout:
        yield f"| {stage.exposure_share:.0%} | {stage.days} | {stage.gate} |"


def _decision(plan: ExperimentPlan) -> Iterator[str]:
    yield from _list(plan.decision_rules)
    yield ""
    yield f"| {name_of(plan.primary)} | guardrails | decision | next |"
    yield "| --- | --- | --- | --- |"
    for row in plan.decision_matrix:
        yield f"| {row.primary} | {row.guardrails} | {plain(row.decision)} | {row.next_step} |"


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
