"""A recorded change beside other changes of the same policy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from data.dataset import PolicyChange
from data.slices import Slice
from tools.policy_effect import judge

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


def facts(*changes: PolicyChange) -> pd.DataFrame:
    """Orders of which a tenth are late, and of those that a change reached a quarter."""
    rng = np.random.default_rng(3)
    day, region, store, order = (
        part.ravel() for part in np.meshgrid(*map(np.arange, (DAYS, REGIONS, STORES, ORDERS)), indexing="ij")
    )
    time = pd.Series(pd.to_datetime(START) + pd.to_timedelta(day * 24 + 10 + order / ORDERS, unit="h"))
    reached = np.zeros(len(day), dtype=bool)
    for one in changes:
        reached |= (region == int(one.scope.get("region")[1:])) & (time >= one.changed_at).to_numpy()  # type: ignore[index]
    late = rng.random(len(day)) < 0.1 + EFFECT * reached
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


def test_a_scope_that_these_data_do_not_know_reaches_nothing() -> None:
    unknown = replace(change(9, "R1", 22), scope=Slice.parse({"planet": "Mars"}))
    rows = facts(FIRST)
    assert effect(rows, (unknown,))[0] == effect(rows)[0]
