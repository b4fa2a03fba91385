import numpy as np
import pytest

from data.world import fulfilment


def test_preparation_keeps_its_mean() -> None:
    normal = np.random.default_rng(0).standard_normal(50_000)
    ones = np.ones(50_000)
    found = fulfilment.prepare(900 * ones, np.ones(50_000, dtype=np.int64), ones, normal)
    assert found.mean() == pytest.approx(900, rel=0.01)


def test_preparation_grows_with_the_batch_and_the_lever() -> None:
    found = fulfilment.prepare(np.full(3, 900.0), np.array([1, 2, 2]), np.array([1.0, 1.0, 1.2]), np.zeros(3))
    assert found[1] / found[0] == pytest.approx(1 + fulfilment.PREP_PER_CARRIED)
    assert found[2] / found[1] == pytest.approx(1.2)


def test_travel_grows_with_distance_and_traffic() -> None:
    found = fulfilment.travel(np.array([1.0, 2.0, 2.0]), np.array([0.0, 0.0, 0.1]), np.zeros(3))
    assert found[0] < found[1] < found[2]


def test_the_promise_allows_for_a_planned_batch_and_the_buffer() -> None:
    store, miles = np.full(4, 900.0), np.full(4, 2.0)
    found = fulfilment.promise(store, 120.0, np.array([1, 2, 3, 1]), miles, np.array([0.0, 0.0, 0.0, 60.0]))
    second, third = found[1] - found[0], found[2] - found[1]
    assert third == pytest.approx(fulfilment.LEARNED * second)
    assert found[3] - found[0] == 60
