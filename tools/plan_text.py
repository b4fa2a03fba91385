"""The words of an experiment plan: its rules as sentences. `plan_page` makes a page of them.

Every number comes from the plan or from a named constant; nothing here decides anything.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

from tools.experiment import DecisionRow, ExperimentPlan, PlanMetric, RolloutStage
from tools.metrics import METRICS
from tools.wording import amount, plain, scope_words

SAFETY_SHARE: Final = 0.1
SAFETY_DAYS: Final = 3
HOLDBACK_SHARE: Final = 0.05
HOLDBACK_DAYS: Final = 14
BAND_DAYS: Final = 7
"""Days that the slice must be back in its baseline band."""
COLLAPSE_SDS: Final = 3
"""Spreads of a window beyond the margin that chance does not reach twice in a row."""
MISSING_SHARE: Final = 0.02
"""Orders without an arm or an outcome above which reading stops."""


def prose(plan: ExperimentPlan, primary: str) -> dict[str, Any]:
    """The sentences of the plan, by field.

    Args:
        plan: its numbers.
        primary: title of the primary metric.
    """
    return {
        "hypothesis": _hypothesis(plan, primary),
        "eligibility": _eligibility(plan),
        "analysis": tuple(_analysis(plan)),
        "rollout": _rollout(plan),
        "checks": tuple(_checks(plan)),
        "monitoring": tuple(_monitoring(plan)),
        "rollback": tuple(_rollback(plan)),
        "decision_rules": tuple(_decisions(plan, primary)),
        "decision_matrix": _matrix(),
        "holdback": (
            f"After the step to all orders keep {amount(plan.holdback_share, 'share')} of the {units(plan)} on the old "
            f"setting for {plan.holdback_days} days, to see whether the effect lasts."
        ),
    }


def units(plan: ExperimentPlan) -> str:
    """What is randomised, in the plural."""
    return {"switchback": "windows", "store_cluster": "stores", "customer": "customers"}[plan.unit]


def _hypothesis(plan: ExperimentPlan, primary: str) -> str:
    expected = plan.metrics[0].expected or 0.0
    return (
        f"{plan.title}: this changes {primary} by {amount(expected, 'share', signed=True)} in the scope. "
        f"{plan.mechanism} The test is sized to see {plan.mde_pp:.1f} pp."
    )


def _eligibility(plan: ExperimentPlan) -> str:
    return (
        f"Orders placed in {scope_words(plan.scope)} while the experiment runs. {units(plan).capitalize()} that "
        "belong to another running experiment on dispatch, stores or promises are left out before assignment."
    )


def _analysis(plan: ExperimentPlan) -> Iterator[str]:
    if plan.unit == "switchback":
        yield (
            "Estimate: difference of window means weighted by orders, within region and time of day, with standard "
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
        f"The primary metric is read {_when(plan)} and not between, each time against that day's bound, two-sided at "
        f"{plan.alpha:.0%} over all readings (Lan-DeMets spending of O'Brien-Fleming's shape). Where a reading holds "
        "another share of the units than planned, its bound is computed anew from that share."
    )
    yield (
        f"Guardrails are read daily, one-sided, each at {plan.guardrail_alpha:.2%} over the whole run, with bounds "
        f"that hold at every reading (normal-mixture confidence sequence), so that all of them together stop a "
        f"harmless action in at most {plan.alpha:.0%} of experiments."
    )
    yield "Secondary metrics are reported with intervals and decide nothing."


def _when(plan: ExperimentPlan) -> str:
    days = [str(look.day) for look in plan.looks]
    return f"after {days[0]} days" if len(days) == 1 else f"after {', '.join(days[:-1])} and {days[-1]} days"


def safety_days(plan: ExperimentPlan) -> int:
    """Days of the first stage: long enough for one unit with the action, at least."""
    return max(SAFETY_DAYS, math.ceil(1 / (SAFETY_SHARE * plan.units_per_day)))


def _rollout(plan: ExperimentPlan) -> tuple[RolloutStage, ...]:
    return (
        RolloutStage(
            exposure_share=SAFETY_SHARE,
            days=safety_days(plan),
            gate=(
                f"No guardrail crossed, {units(plan)} split as planned (p at least {plan.srm_p_bound}), outcomes "
                f"missing below {amount(plan.missing_share_limit, 'share')}; benefit is not read yet."
            ),
        ),
        RolloutStage(
            exposure_share=plan.planned_share,
            days=plan.days,
            gate="The decision table says ship; day 1 of the readings is the first day of this stage.",
        ),
        RolloutStage(
            exposure_share=1.0,
            days=plan.holdback_days,
            gate=(
                f"Back inside the baseline band for {BAND_DAYS} days, and the lower bound of the measured effect "
                "above zero: then the incident is resolved."
            ),
        ),
    )


def _checks(plan: ExperimentPlan) -> Iterator[str]:
    yield (
        f"Sample ratio: chi-square test on {units(plan)} and on orders against the planned split, daily; p below "
        f"{plan.srm_p_bound} stops the reading until the reason is found."
    )
    yield (
        "Logging: every order carries its arm, assigned before the order is placed; orders without an arm or an outcome "
        f"stay below {amount(plan.missing_share_limit, 'share')}, equally in both arms."
    )
    yield "A/A: the analysis run on the days before the start, with the planned assignment, shows no effect."
    if plan.unit == "switchback" and plan.window_hours is not None:
        yield (
            f"Carry-over: arms are drawn at random for every window of {plan.window_hours} h, never in turn; orders of "
            f"the first {amount(plan.burn_in_s, 's')} of a window are left out."
        )


def _monitoring(plan: ExperimentPlan) -> Iterator[str]:
    yield (
        f"Daily: split of {units(plan)} and orders (stop below p {plan.srm_p_bound}); orders without arm or outcome "
        f"(stop above {amount(plan.missing_share_limit, 'share')})."
    )
    for metric in plan.metrics:
        if metric.role == "guardrail":
            yield f"Daily: {name_of(metric.metric)}; limit {limit(metric)}{_precision(metric)}."
    for look in plan.looks:
        yield (
            f"Day {look.day}: {name_of(plan.primary)}; decided beyond {look.z_bound:.2f} standard errors "
            f"(p below {look.p_bound:.2g})."
        )
    yield "Daily: whether another change was recorded in the scope; if so, note it and decide whether to restart."


def _precision(metric: PlanMetric) -> str:
    if metric.margin is None:
        return ""
    if metric.radius is None:
        return ", against the days before: the arms cannot be compared on it"
    return f", known to {_size(metric.radius, metric)} by the end"


def _rollback(plan: ExperimentPlan) -> Iterator[str]:
    yield "A guardrail's bound crosses its margin: back to the old setting at once, without discussion."
    if plan.unit == "switchback":
        yield (
            "Two windows in a row with the action are worse than usual by more than a guardrail's margin and "
            f"{COLLAPSE_SDS} times its spread between windows."
        )
    yield f"Sample ratio p below {plan.srm_p_bound}, or assignment logging fails for a day."
    yield "A new incident of high severity is raised in the scope or its region."


def _decisions(plan: ExperimentPlan, primary: str) -> Iterator[str]:
    yield f"Better: {primary} is beyond its bound on the good side at a planned reading."
    yield "Worse: it is beyond its bound on the bad side."
    yield (
        f"Promising: no bound is passed by day {plan.days}, and the estimate is on the good side and at least half of "
        f"{plan.mde_pp:.1f} pp."
    )
    yield f"Flat: every other case by day {plan.days}; the cause was not this, or not enough."
    yield (
        "Guardrails are kept when harm beyond every margin is excluded: by the bound that holds at every reading, or on "
        "the last day by the one-sided interval at the same level. Crossed: for one of them harm beyond the margin is "
        "certain by the bound. Open: neither."
    )


_SHIP: Final = ("ship", "go to all but the holdback")
_CLEAR: Final = (
    "extend",
    "go on once for as many days for the open guardrails alone: their bounds hold; then their owner decides",
)
_REPEAT: Final = (
    "extend",
    "run it once more and read the new days by themselves, so that a second reading is no second chance",
)
_STOP: Final = ("stop", "back to the old setting, and look for another cause")
_BACK: Final = ("roll_back", "back to the old setting at once")
_CASES: Final = {
    "better": (_SHIP, _CLEAR, _BACK),
    "promising": (_REPEAT, _REPEAT, _BACK),
    "flat": (_STOP, _STOP, _BACK),
    "worse": (_BACK, _BACK, _BACK),
}
"""Decision and next step by what the primary metric shows, with guardrails kept, open and crossed."""


def _matrix() -> tuple[DecisionRow, ...]:
    """Every case there is; the same for all plans."""
    return tuple(
        DecisionRow.model_validate(
            {"primary": primary, "guardrails": guardrails, "decision": decision, "next_step": next_step}
        )
        for primary, cases in _CASES.items()
        for guardrails, (decision, next_step) in zip(("kept", "open", "crossed"), cases, strict=True)
    )


_NAMES: Final = {"cx_score": "CX Score", "cx_index": "CX index"}
_PLACES: Final = {
    "_elsewhere": "rest of the region",
    "_other_regions": "other regions",
    "_of_region": "whole region",
}


def name_of(metric: str) -> str:
    """A metric in words.

    Example:
        >>> name_of("on_time_elsewhere")
        'on-time delivery, rest of the region'
    """
    for suffix, place in _PLACES.items():
        if metric.endswith(suffix):
            return f"{name_of(metric.removesuffix(suffix))}, {place}"
    return METRICS[metric].title if metric in METRICS else _NAMES.get(metric, plain(metric))


def limit(metric: PlanMetric) -> str:
    """The margin of a guardrail in words."""
    if metric.margin is None:
        return "to be set before the start: today's value is not in the data"
    word = "fall" if metric.direction == "increase" else "rise"
    return f"a {word} of {_size(metric.margin, metric)}"


def _size(value: float, metric: PlanMetric) -> str:
    """A difference without its sign."""
    return amount(value, metric.unit, signed=metric.unit == "share").lstrip("+")
