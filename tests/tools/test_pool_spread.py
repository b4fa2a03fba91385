"""Spread of efficiency and volume between windows, on orders whose spread is known."""

import numpy as np
import pandas as pd
import pytest

from data.slices import Slice
from tests.tools.conftest import Scene
from tools.efficiency import of_pool
from tools.pool_spread import of_efficiency, of_volume

EVENING = Slice.parse({"hour": {"from": 18, "to": 20}})
SF_EVENING = Slice.parse({"region": "SF", "hour": {"from": 18, "to": 20}})


def _orders(counts: list[int], batch: list[float] | None = None) -> pd.DataFrame:
    """One window of two hours a day with so many orders, each day's carried by so many together."""
    day = np.repeat(np.arange(len(counts)), counts)
    size = np.ones(len(day)) if batch is None else np.repeat(batch, counts)
    return pd.DataFrame({"day": day, "hour": 18 + np.arange(len(day)) % 2, "batch_size": size})


def test_volume_varies_as_the_counts_do() -> None:
    counts = [100, 120, 90, 110, 105, 95, 130, 80, 100, 115]
    found = of_volume(_orders(counts), EVENING, length=2)
    assert found is not None
    assert found.units_per_day == 1.0
    assert found.sd == pytest.approx(np.std(counts, ddof=1))


def test_two_windows_a_day_differ_twice_in_orders_a_day() -> None:
    rows = pd.concat([_orders([50, 60] * 6).assign(hour=hour) for hour in (18, 19)])
    found = of_volume(rows, EVENING, length=1)
    assert found is not None
    assert found.units_per_day == 2.0
    assert found.sd == pytest.approx(2 * np.sqrt(24 * 25 / 22))


def test_orders_per_trip_vary_as_batches_do(batching: Scene) -> None:
    batch = [1.0, 2.0] * 6
    rows = _orders([60] * 12, batch)
    found = of_efficiency(batching.dataset, rows, EVENING, name="orders_per_trip", length=2)
    assert found is not None
    assert found.sd == pytest.approx(np.std(batch, ddof=1))


def test_orders_per_courier_hour_vary_about_the_pools_own_value(batching: Scene) -> None:
    facts = batching.dataset.facts()
    rows = facts[(facts["region"] == "SF") & facts["hour"].isin([18, 19])]
    today = of_pool(batching.dataset, SF_EVENING, batching.incident.window)
    found = of_efficiency(batching.dataset, rows, SF_EVENING, name="orders_per_courier_hour", length=2)
    assert today is not None
    assert found is not None
    assert 0 < found.sd < today.value
    assert found.units_per_day == 1.0


def test_too_few_windows_and_no_spread_tell_nothing(batching: Scene) -> None:
    assert of_volume(_orders([100, 90, 110]), EVENING, length=2) is None
    assert of_volume(_orders([100] * 20), EVENING, length=2) is None
    flat = _orders([60] * 12, [2.0] * 12)
    assert of_efficiency(batching.dataset, flat, EVENING, name="orders_per_trip", length=2) is None
