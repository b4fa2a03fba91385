"""Guardrails: what they stop, what they rule out, and how seldom they stop without need."""

import numpy as np
import pandas as pd
import pytest

from tests.tools.plans import metric
from tools.arm_difference import Units, units
from tools.guardrails import Bound, Rule, bound_of, collapses, judge

SHARE = metric("item_accuracy", "guardrail", margin=0.05, unit_sd=0.02)


def _units(size: int, effect: float, seed: int, *, sd: float = 0.05) -> Units:
    rng = np.random.default_rng(seed)
    treated = rng.permutation(np.arange(size) % 2 == 0)
    return units(0.9 + rng.normal(0, sd, size) + effect * treated, np.ones(size), treated)


def _judged(bound: Bound, *, last: bool = False, collapsed: bool = False) -> str:
    return judge(Rule(SHARE, 0.0125, 40, last), bound, collapsed=collapsed)[0]


def test_bound_narrows_and_is_wider_than_the_interval_read_once() -> None:
    found = [bound_of(_units(size, 0.0, 3), alpha=0.0125, best_at=40) for size in (10, 20, 40, 200)]
    radii = [bound.radius for bound in found if bound is not None]
    assert len(radii) == 4
    assert sorted(radii, reverse=True) == radii
    assert all(bound.radius > bound.once for bound in found if bound is not None)


def test_too_few_units_are_not_read() -> None:
    assert bound_of(_units(7, 0.0, 1), alpha=0.05, best_at=40) is None


@pytest.mark.parametrize(
    ("estimate", "radius", "once", "expected"),
    [
        (-0.20, 0.10, 0.05, "crossed"),
        (-0.10, 0.10, 0.05, "open"),
        (0.02, 0.06, 0.03, "cleared"),
        (-0.01, 0.06, 0.03, "open"),
    ],
)
def test_a_bound_is_held_against_the_margin(
    estimate: float, radius: float, once: float, expected: str
) -> None:
    assert _judged(Bound(estimate, radius, once, 0.9)) == expected


def test_the_last_day_rules_harm_out_by_the_interval_read_once() -> None:
    bound = Bound(-0.01, 0.06, 0.03, 0.9)
    assert (_judged(bound), _judged(bound, last=True)) == ("open", "cleared")
    assert _judged(bound, collapsed=True) == "crossed"


def test_harm_of_a_metric_that_is_better_lower_has_the_other_sign() -> None:
    rule = Rule(
        metric("cancellation", "guardrail", direction="decrease", margin=0.05), 0.0125, 40, last=False
    )
    assert judge(rule, Bound(0.2, 0.1, 0.05, 0.1), collapsed=False)[0] == "crossed"
    without = Rule(metric("cancellation", "guardrail", margin=None, baseline=None), 0.0125, 40, last=False)
    assert judge(without, Bound(0.2, 0.1, 0.05, 0.1), collapsed=False) == (
        "open",
        "no limit was set: today's value is not in the data",
    )


@pytest.mark.parametrize(("low", "expected"), [((4, 6), True), ((4, 8), False), ((), False)])
def test_two_treated_windows_in_a_row_far_below_are_a_collapse(low: tuple[int, ...], expected: bool) -> None:
    treated = np.arange(12) % 2 == 0
    top = np.full(12, 0.9)
    top[list(low)] = 0.7
    windows = pd.DataFrame(
        {"region": "SF", "window_start": pd.date_range("2026-02-03", periods=12, freq="2h", tz="UTC")}
    )
    assert collapses(SHARE, units(top, np.ones(12), treated), windows) is expected
    unknown = metric("item_accuracy", "guardrail", margin=0.05)
    assert not collapses(unknown, units(top, np.ones(12), treated), windows)


@pytest.mark.slow
@pytest.mark.parametrize(("harm", "most"), [(0.0, 0), (0.05, 15)])
def test_harm_within_the_margin_seldom_stops_a_run_that_is_read_daily(harm: float, most: int) -> None:
    stopped = 0
    for seed in range(300):
        every = _units(84, -harm, seed)
        bounds = (
            bound_of(every.keep(np.arange(84) < seen), alpha=0.05, best_at=84) for seen in range(6, 85, 6)
        )
        stopped += any(
            bound is not None and judge(Rule(SHARE, 0.05, 84, False), bound, collapsed=False)[0] == "crossed"
            for bound in bounds
        )
    assert stopped <= most
