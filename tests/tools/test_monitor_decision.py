"""Which decision follows from what was read."""

from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from tests.tools.plans import plan
from tools.monitor_decision import Situation, decide
from tools.monitor_report import HealthCheck, LookReading, MetricReading, Progress

HEALTHY = HealthCheck(name="split of units", passed=True, text="as planned")


def _reading(role: Literal["primary", "guardrail"], **given: Any) -> MetricReading:  # noqa: ANN401  # fields of a model
    plain = {"metric": "on_time", "direction": "increase", "unit": "share", "status": "not_shown", "text": ""}
    return MetricReading.model_validate({"role": role, **plain, **given})


def _progress(**given: object) -> Progress:
    plain: dict[str, object] = {
        "stage": "main",
        "start": datetime(2026, 2, 2, tzinfo=UTC),
        "day": 14,
        "days_planned": 14,
        "days_left": 0,
        "next_look_day": None,
        "units": 42,
        "treated_units": 21,
        "units_needed": 36,
        "orders": 4000,
        "treated_orders": 2000,
        "exposure_share": 0.5,
        "planned_share": 0.5,
    }
    return Progress.model_validate(plain | given)


def _look(day: int, z: float | None, crossed: Literal["better", "worse"] | None = None) -> LookReading:
    return LookReading(day=day, information_share=day / 14, z_bound=2.0, z=z, crossed=crossed)


def _situation(
    *,
    looks: tuple[LookReading, ...] = (_look(14, 0.3),),
    guardrail: str = "cleared",
    target: float = 0.1,
    health: HealthCheck = HEALTHY,
    **progress: object,
) -> Situation:
    primary = _reading("primary", effect=0.03 * target, low=-0.01, high=0.03, target_share=target)
    kept = _reading("guardrail", metric="refund", status=guardrail, effect=-0.2, margin=0.1)
    return Situation(plan(), _progress(**progress), (health,), (primary, kept), looks)


@pytest.mark.parametrize(
    ("given", "action", "words"),
    [
        ({"looks": (_look(14, 2.4, "better"),)}, "stop_and_ship", "the look of day 14 has crossed"),
        ({"looks": (_look(5, 3.4, "better"), _look(14, 1.0))}, "stop_and_ship", "the look of day 5"),
        ({"looks": (_look(5, -3.4, "worse"),)}, "roll_back", "z -3.40"),
        ({"target": 0.1}, "roll_back", "chance is not ruled out"),
        ({"target": 0.6}, "extend", "chance is not ruled out"),
        ({"target": 0.6, "day": 20}, "extend", "read by themselves on day 28"),
        (
            {"target": 0.6, "day": 28, "looks": (_look(14, 1.0), _look(28, 1.2))},
            "roll_back",
            "read on day 28",
        ),
        (
            {"looks": (_look(5, None), _look(14, None)), "day": 3, "next_look_day": 5},
            "continue",
            "until day 5",
        ),
        (
            {"looks": (_look(5, 1.0), _look(14, None)), "day": 7, "next_look_day": 14},
            "continue",
            "until day 14",
        ),
        ({"looks": (_look(14, None),)}, "continue", "could not be read"),
        ({"stage": "safety", "day": 1, "days_planned": 3, "days_left": 2}, "continue", "day 1 of 3"),
        ({"stage": "safety", "day": 3, "days_planned": 3, "planned_share": 0.1}, "ramp", "3 days at 10%"),
        ({"stage": "holdback", "day": 2}, "continue", "holdback"),
        ({"guardrail": "crossed", "looks": (_look(14, 9.0, "better"),)}, "roll_back", "refund has crossed"),
        ({"guardrail": "crossed", "stage": "safety", "days_left": 2}, "roll_back", "refund has crossed"),
    ],
)
def test_decision_follows_from_the_situation(given: dict[str, Any], action: str, words: str) -> None:
    decision = decide(_situation(**given))
    assert decision.action == action
    assert words in decision.reason
    assert decision.next_step


def test_unsound_data_come_before_everything() -> None:
    broken = HealthCheck(name="split of orders", passed=False, text="60 % under the treatment")
    decision = decide(_situation(health=broken, guardrail="crossed", looks=(_look(14, 9.0, "better"),)))
    assert (decision.action, decision.reason) == (
        "stop_for_health",
        "split of orders: 60 % under the treatment",
    )


def test_the_plan_s_matrix_decides_what_open_guardrails_mean() -> None:
    better = (_look(14, 2.4, "better"),)
    assert decide(_situation(looks=better, guardrail="open")).next_step == "better and open"
    assert decide(_situation(looks=better)).next_step == "better and kept"
