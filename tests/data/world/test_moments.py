"""The moments that the world is calibrated to, on worlds large enough to see them."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from data.slices import Slice
from data.world import World, WorldConfig

pytestmark = pytest.mark.slow


@cache
def demo() -> dict[str, dict[str, float]]:
    """Mean metrics of the demo's slice over a few large worlds, before and under the fault."""
    found: dict[str, list[dict[str, float]]] = {"ordinary": [], "faulty": []}
    for seed in range(1, 13):
        world = World(WorldConfig(scenario="batching", size=1.0, seed=seed, days=10, orders_per_day=16_000))
        assert world.fault is not None
        for name, run in (("faulty", world.run()), ("ordinary", world.twin())):
            found[name].append(run.metrics(world.fault.scope, world.onset))
    return {
        name: {metric: float(np.mean([row[metric] for row in rows])) for metric in rows[0]}
        for name, rows in found.items()
    }


@pytest.mark.parametrize(
    ("metric", "ordinary", "faulty", "tolerance"),
    [
        ("batched_share", 0.30, 0.60, 0.03),
        ("dasher_wait", 300, 900, 30),
        ("on_time", 0.92, 0.78, 0.015),
        ("cancellation", 0.03, 0.08, 0.01),
        ("cx_score", 88, 70, 1.5),
    ],
)
def test_the_demo_shows_its_numbers(metric: str, ordinary: float, faulty: float, tolerance: float) -> None:
    moments = demo()
    assert abs(moments["ordinary"][metric] - ordinary) < tolerance
    assert abs(moments["faulty"][metric] - faulty) < tolerance


def test_preparation_grows_by_fifteen_percent() -> None:
    moments = demo()
    ratio = moments["faulty"]["merchant_prep_time"] / moments["ordinary"]["merchant_prep_time"]
    assert 1.13 < ratio < 1.18


def test_the_demo_slice_has_enough_orders() -> None:
    world = World(WorldConfig(scenario="batching"))
    assert world.fault is not None
    assert world.run().metrics(world.fault.scope)["orders"] / 35 > 150


@cache
def ordinary() -> pd.DataFrame:
    """Orders of an ordinary world with what the checks below need."""
    run = World(WorldConfig(seed=3, days=56)).run()
    orders, grid = run.journey.orders, run.draws.grid
    hour = orders.cell // 4
    return pd.DataFrame(
        {
            "region": grid.region[hour],
            "day": grid.day[hour],
            "hour": grid.hour[hour],
            "on_time": np.abs(orders.lateness_s) <= 300,
            "late": orders.lateness_s > 300,
            "canceled": orders.canceled,
            "store": orders.store,
        }
    )


def daily(column: str) -> pd.DataFrame:
    frame = ordinary()
    table = frame.groupby(["region", "day"])[column].agg(["sum", "count"]).reset_index()
    totals = table.groupby("region")[["sum", "count"]].transform("sum")
    table["p"] = totals["sum"] / totals["count"]
    table["residual"] = table["sum"] / table["count"] - table["p"]
    return table


def test_days_are_overdispersed() -> None:
    table = daily("on_time")
    variance = table["p"] * (1 - table["p"]) / table["count"]
    phi = float((table["residual"] ** 2 / variance).mean())
    at_500 = 1 + (phi - 1) / (table["count"].mean() - 1) * 499
    assert 1.5 < at_500 < 6


def test_days_remember_the_day_before() -> None:
    table = daily("on_time")
    correlations = [part["residual"].autocorr(1) for _, part in table.groupby("region")]
    assert 0.15 < float(np.mean(correlations)) < 0.5


def test_late_orders_are_cancelled_more_often() -> None:
    frame = ordinary()
    assert frame["late"].corr(frame["canceled"]) > 0.01


def test_dinner_is_the_peak_and_the_night_is_quiet() -> None:
    share = ordinary()["hour"].value_counts(normalize=True)
    assert share.idxmax() in (18, 19)
    assert share[3] < 0.01


def test_a_few_stores_have_many_orders() -> None:
    counts = np.sort(ordinary()["store"].value_counts().to_numpy())
    rank = np.arange(1, counts.size + 1)
    gini = 2 * (rank * counts).sum() / (counts.size * counts.sum()) - (counts.size + 1) / counts.size
    assert 0.3 < gini < 0.7


def test_an_ordinary_region_scores_about_ninety() -> None:
    run = World(WorldConfig()).run()
    assert 88 < run.metrics(Slice.parse({"region": "SF"}))["cx_score"] < 95


def test_faults_of_the_committed_sizes_are_noticeable() -> None:
    for scenario in ("courier_supply", "merchant_prep"):
        for seed in range(100, 104):
            world = World(WorldConfig(scenario=scenario, seed=seed))
            assert world.fault is not None
            actual, twin = (
                run.metrics(world.fault.scope, world.onset) for run in (world.run(), world.twin())
            )
            noise = np.sqrt(twin["on_time"] * (1 - twin["on_time"]) / (actual["orders"] / 5))
            assert (twin["on_time"] - actual["on_time"]) / noise > 3
            assert twin["on_time"] - actual["on_time"] < 0.35
