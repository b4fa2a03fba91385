"""Switchbacks and cluster trials: what they find, and how often they find what is not there."""

import numpy as np
import pandas as pd
import pytest

from tools.assignment import draw, in_blocks, independent
from tools.cluster_trial import effect_on_customers, effect_on_stores, sum_clusters
from tools.errors import ToolFailure
from tools.switchback import arms_of, compared_within, effect, own_past, randomisation_p, strata, sum_windows


def _windows(seed: int, *, days: int = 14, lift: float = 0.0, shock: float = 0.03) -> pd.DataFrame:
    """Windows of three regions with slow shocks and a profile of the day, drawn in blocks."""
    rng = np.random.default_rng(seed)
    grid = pd.MultiIndex.from_product(
        [["A", "B", "C"], range(6), range(days)], names=["region", "position", "day"]
    )
    windows = grid.to_frame(index=False)
    slow = rng.normal(0, shock, (3, 6 * days)).cumsum(axis=1) * 0.3 + rng.normal(0, shock, (3, 6 * days))
    place = windows["day"] * 6 + windows["position"]
    shaken = slow[windows["region"].map({"A": 0, "B": 1, "C": 2}), place]
    treated = draw(in_blocks(windows["region"].tolist(), 0.5), rng)[0]
    orders = rng.integers(40, 120, len(windows))
    rate = np.clip(0.85 - 0.02 * windows["position"] + shaken + lift * treated, 0, 1)
    return windows.assign(treated=treated, orders=orders, on_time=rng.binomial(orders, rate))


def test_first_seconds_of_a_window_are_left_out() -> None:
    orders = pd.DataFrame({"w": [1, 1, 2, 3], "since_s": [10.0, 900.0, 1800.0, 5.0], "n": 1})
    found = sum_windows(orders, keys=["w"], sums=["n"], since="since_s", burn_in_s=900)
    assert found.to_dict("list") == {"w": [1, 2], "n": [1, 1]}
    with pytest.raises(ValueError, match="burn_in_s = -1"):
        sum_windows(orders, keys=["w"], sums=["n"], since="since_s", burn_in_s=-1)


def test_strata_are_as_fine_as_the_windows_allow() -> None:
    windows = _windows(1)
    levels = (("region", "day", "position"), ("region", "position"), ("region",))
    assert len(np.unique(strata(windows, levels))) == 18
    assert len(np.unique(strata(windows[windows["day"] < 2], levels))) == 3
    assert set(strata(windows.head(3), levels)) == {0}
    assert set(strata(windows, (("absent",),))) == {0}


def test_windows_are_compared_within_the_runs_of_their_assignment() -> None:
    windows = _windows(1)
    levels = (("region", "position"),)
    drawn = windows.assign(block=in_blocks(windows["region"].tolist(), 0.5).block)
    assert len(np.unique(compared_within(drawn, levels))) == len(windows) // 4
    early = drawn[drawn["day"] < 2]
    assert (compared_within(early, levels) == strata(early, levels)).all()
    assert (compared_within(windows, levels) == strata(windows, levels)).all()


def test_own_past_is_that_of_the_same_hours() -> None:
    history = pd.DataFrame({"position": [0, 0, 1, 2], "top": [1, 3, 9, 0], "bottom": [10, 10, 10, 0]})
    windows = pd.DataFrame({"position": [1, 0, 2]})
    past = own_past(windows, history, keys=["position"], top="top", bottom="bottom")
    assert past == pytest.approx([0.9, 0.2, 13 / 30])
    assert own_past(windows, history.head(0), keys=["position"], top="top", bottom="bottom").tolist() == [
        0,
        0,
        0,
    ]


def test_effect_is_found_with_an_interval_that_holds_it() -> None:
    inside = [
        found.low <= 0.04 <= found.high
        for seed in range(60)
        for found in [effect(_windows(seed, lift=0.04), top="on_time", bottom="orders")]
    ]
    assert 0.88 <= np.mean(inside) <= 1.0


def test_randomisation_test_agrees_with_the_clustered_error() -> None:
    pairs = []
    for seed in range(12):
        windows = _windows(seed, lift=0.01)
        how = in_blocks(windows["region"].tolist(), 0.5)
        chance = randomisation_p(arms_of(windows, "on_time", "orders"), how, seed=1, draws=500)
        pairs.append((effect(windows, top="on_time", bottom="orders").p_value, chance))
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.97


def test_randomisation_test_repeats_and_needs_the_draw_of_these_units() -> None:
    windows = _windows(3)
    given, how = arms_of(windows, "on_time", "orders"), independent(len(windows), 0.5)
    assert randomisation_p(given, how, seed=1, draws=50) == randomisation_p(given, how, seed=1, draws=50)
    assert randomisation_p(given, how, seed=1, draws=50) > 1 / 51
    with pytest.raises(ValueError, match="how draws 5 units"):
        randomisation_p(given, independent(5, 0.5), seed=1)


@pytest.mark.slow
def test_no_effect_is_seen_as_often_as_the_level_says() -> None:
    wrong = {"clustered": 0, "drawn again": 0, "by order": 0}
    for seed in range(400):
        windows = _windows(10_000 + seed, days=5, shock=0.05)
        given = arms_of(windows, "on_time", "orders")
        wrong["clustered"] += effect(windows, top="on_time", bottom="orders").p_value < 0.05
        how = in_blocks(windows["region"].tolist(), 0.5)
        wrong["drawn again"] += randomisation_p(given, how, seed=seed, draws=99) < 0.05
        wrong["by order"] += _by_order(windows) < 0.05
    assert 12 <= wrong["clustered"] <= 32
    assert 8 <= wrong["drawn again"] <= 32
    assert wrong["by order"] >= 40


def _by_order(windows: pd.DataFrame) -> float:
    from statsmodels.stats.proportion import proportions_ztest

    arms = windows.groupby("treated")[["on_time", "orders"]].sum()
    return float(proportions_ztest(arms["on_time"], arms["orders"])[1])


def _trial(seed: int, lift: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    own = rng.normal(0.8, 0.08, 40).clip(0, 1)
    treated = rng.permutation(np.arange(40) % 2 == 0)
    stores = pd.DataFrame({"store_id": [f"s{n}" for n in range(40)], "treated": treated, "n": 300})
    before = stores.assign(y=rng.binomial(300, own))
    return stores.assign(y=rng.binomial(300, np.clip(own + lift * treated, 0, 1))), before


def test_stores_less_their_own_past_tell_more_than_stores_as_they_are() -> None:
    stores, before = _trial(1, 0.04)
    own = effect_on_stores(stores, before, top="y", bottom="n")
    plain = effect_on_customers(stores, top="y", bottom="n")
    assert own.low < 0.04 < own.high
    assert own.standard_error < plain.standard_error / 2
    fewer = effect_on_stores(stores, before.iloc[5:], top="y", bottom="n")
    assert fewer.treated_units + fewer.control_units == 35
    with pytest.raises(ToolFailure, match="treatment arm"):
        effect_on_stores(stores, before.head(0), top="y", bottom="n")


def test_clusters_are_summed() -> None:
    orders = pd.DataFrame({"user_id": ["b", "a", "b"], "y": [1, 0, 1], "n": 1})
    assert sum_clusters(orders, cluster="user_id", sums=["y", "n"]).to_dict("list") == {
        "user_id": ["a", "b"],
        "y": [0, 2],
        "n": [1, 2],
    }
