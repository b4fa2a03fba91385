"""Calendars dealt anew."""

import numpy as np
import pandas as pd

from evals.semi.calendar import dealt
from tests.evals.semi.weeks import BAD_EVERY, FIRST, HOURS, ZONE, weeks


def _dealt(seed: int) -> pd.DataFrame:
    return dealt(np.random.default_rng(seed), weeks(), metrics=["on_time"], weeks=4, by=("region",)).orders


def test_every_day_is_a_real_one_of_its_weekday_and_keeps_its_local_hours() -> None:
    orders = _dealt(0)
    source = orders["order_id"].str.split("-").str[0].astype(int)
    assert ((orders["day"] - source) % 7 == 0).all()
    assert sorted(orders["day"].unique()) == list(range(FIRST + 28, FIRST + 56))
    local = orders["order_time"].dt.tz_convert(ZONE)
    assert (local.dt.hour == orders["hour"]).all()
    assert set(local.dt.hour) == set(HOURS)
    assert orders["order_time"].is_monotonic_increasing
    assert orders["order_id"].is_unique


def test_the_worst_days_are_left_out_and_regions_are_dealt_apart() -> None:
    orders = _dealt(1)
    source = orders["order_id"].str.split("-").str[0].astype(int)
    assert (source % BAD_EVERY != 0).all()
    by_region = source.groupby([orders["region"], orders["day"]], observed=True).first().unstack("region")
    assert (by_region["A"] != by_region["B"]).any()


def test_a_seed_decides_the_deal() -> None:
    pd.testing.assert_frame_equal(_dealt(2), _dealt(2))
    assert not _dealt(2)["order_id"].equals(_dealt(3)["order_id"])


def test_no_real_day_comes_twice_while_others_are_left() -> None:
    """Eight real days of a weekday, of which at most three are bad, for four new ones."""
    orders = _dealt(4)
    source = orders["order_id"].str.split("-").str[0]
    assert orders.groupby([orders["region"], source], observed=True)["day"].nunique().max() == 1
