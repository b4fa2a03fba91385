import numpy as np
import pytest

from data.world import WorldRun, demand


def test_hour_shape_is_a_share_of_the_day() -> None:
    shape = demand.hour_shape()
    np.testing.assert_allclose(shape.sum(axis=2).mean(axis=1), 1.0)
    assert (shape > 0).all()


def test_conversion_is_ordinary_without_interventions() -> None:
    found = demand.conversion(np.zeros(2), np.zeros(2))
    assert found.tolist() == [demand.BASE_CONVERSION] * 2


def test_longer_promises_and_less_selection_lose_orders() -> None:
    found = demand.conversion(np.array([0.0, 300.0, 0.0, 36_000.0]), np.array([0.0, 0.0, 0.2, 0.0]))
    assert found[1] == pytest.approx(demand.BASE_CONVERSION * 0.9)
    assert found[2] < found[0]
    assert found[3] == 0


def test_volume_is_what_was_asked_for(none_run: WorldRun) -> None:
    assert len(none_run.tables["orders"]) / (14 * 2_000) == pytest.approx(1, abs=0.08)


def test_stores_belong_to_the_region_and_category_of_their_orders(none_run: WorldRun) -> None:
    orders = none_run.tables["orders"]
    assert (orders.groupby("store_id")[["region", "category"]].nunique() == 1).all(axis=None)
