"""A recorded change beside other changes of the same policy."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from data.dataset import PolicyChange
from data.slices import Slice
from tools.policy_effect import PolicyEffectResult, _same_policy, judge

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, REGIONS, STORES, ORDERS = 28, 8, 6, 30
EFFECT = 0.15


def change(number: int, region: str, day: int) -> PolicyChange:
    return PolicyChange(
        change_id=str(number),
        policy="batching_threshold",
        scope=Slice.parse({"region": region}),
        changed_at=START + timedelta(days=day),
        old_value="2",
        new_value="3",
    )


FIRST = change(1, "R0", 20)
LATER = tuple(change(number, f"R{number - 1}", 22) for number in (2, 3, 4, 5))


def facts(*changes: PolicyChange, effects: Sequence[float] = (), drift: float = 0.0) -> pd.DataFrame:
    """Orders of which a tenth are late, and of those that a change reached a quarter.

    Args:
        changes: what reached them; of several the last one counts.
        effects: of each change, where they differ.
        drift: growing share of late orders in the first region, per day of the last week before its change.
    """
    rng = np.random.default_rng(3)
    day, region, store, order = (
        part.ravel() for part in np.meshgrid(*map(np.arange, (DAYS, REGIONS, STORES, ORDERS)), indexing="ij")
    )
    time = pd.Series(pd.to_datetime(START) + pd.to_timedelta(day * 24 + 10 + order / ORDERS, unit="h"))
    added = np.where((region == 0) & (day >= 13), drift * np.minimum(day - 12, 7), 0.0)
    for one, effect in zip(changes, effects or [EFFECT] * len(changes), strict=True):
        reached = (region == int(one.scope.get("region")[1:])) & (time >= one.changed_at).to_numpy()  # type: ignore[index]
        added[reached] = effect
    late = rng.random(len(day)) < 0.1 + added
    rows = pd.DataFrame(
        {
            "order_time": time,
            "hour": time.dt.hour,
            "weekday": time.dt.day_of_week,
            "region": pd.Categorical([f"R{number}" for number in region]),
            "store_id": pd.Categorical([f"S{r}-{s}" for r, s in zip(region, store, strict=True)]),
            "delivered": 1,
            "on_time": (~late).astype(int),
            "mature_delivery": True,
        }
    )
    return rows.sort_values("order_time", kind="stable", ignore_index=True)


def effect(rows: pd.DataFrame, others: tuple[PolicyChange, ...] = ()) -> tuple[float, float | None]:
    found = judge(rows, FIRST, metric="on_time", end=START + timedelta(days=DAYS), days=20, others=others)
    assert found.effect_pp is not None
    return found.effect_pp, found.rollout_effect_pp


def test_scopes_that_got_the_change_later_are_no_controls() -> None:
    rows = facts(FIRST, *LATER)
    blind, _ = effect(rows)
    own, rollout = effect(rows, LATER)
    assert blind < 0.75 * 100 * EFFECT, "half of the controls have the effect too"
    assert own == pytest.approx(100 * EFFECT, abs=2.5)
    assert rollout == pytest.approx(100 * EFFECT, abs=1.5)


def test_a_change_alone_has_no_roll_out() -> None:
    own, rollout = effect(facts(FIRST))
    assert own == pytest.approx(100 * EFFECT, abs=2.5)
    assert rollout is None


def test_a_change_that_comes_first_elsewhere_does_not_teach_the_baseline() -> None:
    earlier = change(9, "R1", 10)
    own, rollout = effect(facts(FIRST, earlier), (earlier,))
    assert own == pytest.approx(100 * EFFECT, abs=2.5)
    assert rollout == pytest.approx(100 * EFFECT, abs=1.5)


def test_a_change_that_changes_nothing_spoils_no_control() -> None:
    rows = facts(FIRST)
    decoy = replace(change(9, "R0", 1), old_value="2", new_value="2")
    real = replace(decoy, new_value="1")
    span = (START, START + timedelta(days=DAYS))
    assert _same_policy((FIRST, decoy), FIRST, *span) == ()
    assert _same_policy((FIRST, real), FIRST, *span) == (real,)
    assert effect(rows)[0] == pytest.approx(100 * EFFECT, abs=2.5)


def found(rows: pd.DataFrame) -> PolicyEffectResult:
    """Of the first four days: before them there are placebos enough."""
    return judge(rows, FIRST, metric="on_time", end=START + timedelta(days=24), days=20)


def test_the_interval_holds_the_effect() -> None:
    result = found(facts(FIRST))
    assert result.effect_pp is not None
    assert result.low_pp is not None
    assert result.high_pp is not None
    assert result.low_pp < 100 * EFFECT < result.high_pp
    assert result.effect_pp == pytest.approx((result.low_pp + result.high_pp) / 2)
    assert (result.low_s, result.high_s) == (None, None)


def test_days_that_hit_a_whole_scope_widen_the_interval() -> None:
    rows = facts(FIRST)
    rng = np.random.default_rng(8)
    days, regions = rows["order_time"].dt.day_of_year.to_numpy(), rows["region"].cat.codes.to_numpy()
    worse = rng.random((DAYS + 1, REGIONS))[days, regions] < 0.15
    shaken = rows.assign(on_time=np.where(worse & (rng.random(len(rows)) < 0.5), 0, rows["on_time"]))
    calm, rough = found(rows), found(shaken)
    assert calm.low_pp is not None
    assert calm.high_pp is not None
    assert rough.low_pp is not None
    assert rough.high_pp is not None
    assert rough.high_pp - rough.low_pp > 1.5 * (calm.high_pp - calm.low_pp)


def test_a_scope_that_these_data_do_not_know_reaches_nothing() -> None:
    unknown = replace(change(9, "R1", 22), scope=Slice.parse({"planet": "Mars"}))
    rows = facts(FIRST)
    assert effect(rows, (unknown,))[0] == effect(rows)[0]


def result(rows: pd.DataFrame, *others: PolicyChange, days: int = 20, **more: str) -> PolicyEffectResult:
    end = START + timedelta(days=24)
    metric = more.get("metric", "on_time")
    return judge(rows, FIRST, metric=metric, end=end, days=days, others=others)


def test_a_clean_change_has_no_pre_trend_and_none_as_large_at_earlier_dates() -> None:
    found = result(facts(FIRST))
    assert found.pre_trend_seen is False
    assert found.p_pre_trend is not None
    assert found.pre_trend_mde_pp_per_day is not None
    assert 0 < found.pre_trend_mde_pp_per_day < 3
    assert (found.n_placebo_dates, found.placebo_dates_share) == (3, 0.0)
    assert [day.day for day in found.event_days] == [*range(-7, 0), *range(4)]
    after = [day.effect_pp for day in found.event_days if day.day >= 0]
    assert np.mean(np.array(after, dtype=float)) == pytest.approx(100 * EFFECT, abs=3)
    assert found.effect_pp is not None
    assert found.robust_effect_low_pp is not None
    assert found.robust_effect_high_pp is not None
    assert found.robust_effect_low_pp + found.robust_effect_high_pp == pytest.approx(2 * found.effect_pp)


def test_six_treated_stores_are_judged_by_the_bootstrap_and_by_days() -> None:
    found = result(facts(FIRST))
    assert found.n_treated_units == STORES
    assert found.error_pp is None
    assert found.p_pre_trend_clustered is None
    assert found.wild_reason is None
    assert found.p_wild is not None
    assert found.p_wild < 0.1
    assert all(day.error_pp is None for day in found.event_days)
    assert found == result(facts(FIRST)), "the same seed, the same worlds"


def test_a_drift_before_the_change_is_seen_by_the_leads_and_changes_no_verdict() -> None:
    rows = facts(FIRST, drift=0.03)
    found = result(rows)
    assert found.pre_trend_seen is True
    assert found.p_pre_trend is not None
    assert found.p_pre_trend < 0.05
    assert found.survived == (
        found.effect_pp is not None
        and found.effect_pp > 0
        and all(check.passed for check in found.checks if check.passed is not None)
    )


def test_more_values_of_the_policy_tell_the_effect_of_each_unit() -> None:
    second, third = (
        replace(change(number, region, day), new_value=value)
        for number, region, day, value in ((2, "R1", 20, "4"), (3, "R2", 22, "4"))
    )
    found = result(facts(FIRST, second, third, effects=(0.1, 0.2, 0.2)), second, third)
    assert found.dose_reason is None
    assert found.n_dose_levels == 3
    assert found.dose_effect_pp == pytest.approx(10, abs=1.5)
    assert found.dose_agrees is True
    assert found.dose_effect_s is None
    turned = result(facts(FIRST, second, third, effects=(0.3, 0.1, 0.1)), second, third)
    assert turned.dose_agrees is False


def test_two_values_or_names_tell_no_dose() -> None:
    assert result(facts(FIRST)).dose_reason == (
        "not testable: 2 values are recorded in the period, 3 are needed"
    )
    named = replace(change(2, "R1", 22), old_value="v1", new_value="v2")
    assert result(facts(FIRST), named).dose_reason == "not testable: batching_threshold = 'v1' is no number"


def test_a_short_past_says_what_it_does_not_tell() -> None:
    found = result(facts(FIRST), days=5)
    assert found.p_pre_trend is None
    assert found.pre_trend_seen is None
    assert found.pre_trend_reason == "not testable: 0 days before the leads, 3 are needed"
    assert [day.day for day in found.event_days] == [-5, -4, -3, -2, 0, 1, 2, 3]
    assert found.n_placebo_dates == 0
    assert found.placebo_dates_reason is not None
    assert "5 days before the change hold 0 windows of 4 days" in found.placebo_dates_reason
    assert found.effect_pp is not None
