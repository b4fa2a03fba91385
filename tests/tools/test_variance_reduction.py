"""What history takes out of the spread, on orders whose spread is known."""

import numpy as np
import pandas as pd
import pytest

from data.slices import Slice
from tools.errors import ToolFailure
from tools.metrics import METRICS
from tools.power import design_effect
from tools.variance_reduction import clustering, of_orders, of_stores, of_windows

ON_TIME = METRICS["on_time"]
EVENING = Slice.parse({"hour": {"from": 16, "to": 22}})


def _orders(*, days: int = 28, size: int = 300, by_hour: float = 0.0, by_week: float = 0.0) -> pd.DataFrame:
    """Windows of two hours, `size` orders each, whose rate swings by time of day and by day of the week."""
    rng = np.random.default_rng(11)
    day = np.repeat(np.arange(days), 3 * size)
    hour = np.tile(np.repeat([16, 18, 20], size), days)
    # The weekday of an hour, not of a day alone: nothing that the time of day could tell.
    swing = by_week * np.cos(2 * np.pi * day / 7)
    rate = 0.8 + by_hour * (hour - 18) / 2 + swing
    return pd.DataFrame(
        {
            "day": day,
            "weekday": day % 7,
            "hour": hour,
            "store_id": np.arange(len(day)) % 40,
            "on_time": (rng.random(len(day)) < rate).astype(int),
            "delivered": 1,
            "mature_delivery": True,
            "fulfilled": 1,
            "fulfilment_s": 2000,
        }
    )


def test_nothing_is_taken_out_where_nothing_is_known() -> None:
    daily, weekly = of_windows(_orders(), ON_TIME, EVENING)
    assert (daily.used, weekly.used) == (True, False)
    assert daily.removed_share == pytest.approx(0.0, abs=0.1)
    assert weekly.removed_share == pytest.approx(0.0, abs=0.15)


def test_time_of_day_is_taken_out_by_the_share_that_it_makes() -> None:
    rows = _orders(by_hour=0.05)
    daily, _ = of_windows(rows, ON_TIME, EVENING)
    between, chance = 0.05**2 * 2 / 3, 0.8 * 0.2 / 300
    assert daily.removed_share == pytest.approx(between / (between + chance), abs=0.06)


def test_hour_of_the_week_is_taken_out_by_earlier_weeks() -> None:
    daily, weekly = of_windows(_orders(by_week=0.06), ON_TIME, EVENING)
    between, chance = 0.06**2 / 2, 0.8 * 0.2 / 300
    assert daily.removed_share < 0.1
    assert weekly.removed_share == pytest.approx(between / (between + chance), abs=0.12)


def test_own_past_of_stores_that_differ_lastingly_is_taken_out() -> None:
    rows = _orders()
    rng = np.random.default_rng(5)
    level = rng.uniform(0.6, 0.95, 40)[rows["store_id"].to_numpy()]
    differing = rows.assign(on_time=(rng.random(len(rows)) < level).astype(int))
    past, best = of_stores(differing, ON_TIME)
    assert past.removed_share > 0.8
    # Where stores do not differ, taking their past off adds noise; the best weight does not.
    alike, weighted = of_stores(rows, ON_TIME)
    assert (alike.removed_share, alike.used) == (0.0, True)
    assert weighted.removed_share < 0.2
    assert best.removed_share > 0.8
    with pytest.raises(ToolFailure, match="store_id"):
        of_stores(rows.drop(columns="store_id"), ON_TIME)


def test_single_orders_have_little_to_take_out() -> None:
    (found,) = of_orders(_orders(by_hour=0.1), ON_TIME)
    assert found.removed_share == pytest.approx(0.1**2 * 2 / 3 / (0.8 * 0.2), abs=0.02)


def test_clustering_and_design_effect_are_two_ways_to_say_the_same() -> None:
    alike = clustering(0.06, rate=0.8, size=50)
    assert design_effect(50, alike.icc) == pytest.approx(alike.design_effect)
    assert clustering((0.8 * 0.2 / 50) ** 0.5, rate=0.8, size=50).icc == pytest.approx(0.0, abs=1e-12)
    assert clustering(0.4, rate=0.8, size=1).icc == 0.0
