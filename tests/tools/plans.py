"""Plans of experiments for tests: every field filled in, none of them measured."""

from typing import Any

from data.slices import Slice
from tools.experiment import DecisionRow, ExperimentPlan, Look, PlanMetric, RolloutStage

EVENING = Slice.parse({"region": "SF", "hour": {"from": 16, "to": 22}})
LOOKS = (
    Look(day=5, information=5 / 14, z_bound=3.0, p_bound=0.0027, alpha_spent=0.0027),
    Look(day=14, information=1.0, z_bound=1.97, p_bound=0.0488, alpha_spent=0.05),
)


def metric(name: str, role: str, **given: object) -> PlanMetric:
    """A metric that is better higher."""
    plain: dict[str, object] = {
        "metric": name,
        "role": role,
        "direction": "increase",
        "baseline": 0.8,
        "margin": None,
    }
    if role == "guardrail":
        plain["margin"] = 0.1
    return PlanMetric.model_validate(plain | given)


METRICS = (
    metric("on_time", "primary", expected=0.06),
    metric("cancellation", "secondary", direction="decrease"),
    metric("item_accuracy", "guardrail", margin=0.05),
    metric("on_time_elsewhere", "guardrail"),
    metric(
        "orders_per_courier_hour_of_region",
        "guardrail",
        margin=0.9,
        baseline=2.0,
        unit="orders_per_courier_hour",
    ),
    metric("orders_per_day", "guardrail", margin=200.0, baseline=1200.0, unit="orders_per_day"),
)


def matrix() -> tuple[DecisionRow, ...]:
    """What is decided, by primary and guardrails."""
    by_primary = {"better": "ship", "promising": "extend", "flat": "stop", "worse": "roll_back"}
    return tuple(
        DecisionRow.model_validate(
            {
                "primary": primary,
                "guardrails": guardrails,
                "decision": "roll_back" if guardrails == "crossed" else decision,
                "next_step": f"{primary} and {guardrails}",
            }
        )
        for primary, decision in by_primary.items()
        for guardrails in ("kept", "open", "crossed")
    )


def plan(**changes: object) -> ExperimentPlan:
    """A switchback of two-hour windows over a fortnight."""
    stages = ((0.1, 3), (0.5, 14), (1.0, 14))
    given: dict[str, Any] = {
        "action": "restore_policy",
        "title": "Allow two orders a trip",
        "hypothesis": "",
        "mechanism": "",
        "scope": EVENING,
        "eligibility": "",
        "unit": "switchback",
        "unit_reason": "",
        "window_hours": 2,
        "burn_in_s": 1800.0,
        "planned_share": 0.5,
        "primary": "on_time",
        "metrics": METRICS,
        "mde": 0.03,
        "mde_pp": 3.0,
        "alpha": 0.05,
        "power": 0.8,
        "unit_sd_pp": 3.0,
        "icc": 0.01,
        "design_effect": 1.5,
        "variance_reduction": (),
        "sample_inflation": 1.02,
        "units_needed": 36,
        "units_per_day": 3.0,
        "units_planned": 42,
        "sample_orders": 4000,
        "days_least": 12,
        "days": 14,
        "mde_in_days_pp": 2.9,
        "looks": LOOKS,
        "guardrail_alpha": 0.0125,
        "srm_p_bound": 0.001,
        "missing_share_limit": 0.02,
        "holdback_share": 0.05,
        "holdback_days": 14,
        "variance_source": "",
        "feasible": True,
        "options": (),
        "analysis": (),
        "rollout": tuple(RolloutStage(exposure_share=share, days=days, gate="") for share, days in stages),
        "checks": (),
        "monitoring": (),
        "rollback": (),
        "decision_rules": (),
        "decision_matrix": matrix(),
        "holdback": "",
        "evidence": (),
        "markdown": "",
    }
    return ExperimentPlan.model_validate(given | changes)
