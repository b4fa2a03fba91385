import numpy as np
import pytest

from data.world import World, batching


def test_no_threshold_no_batch() -> None:
    found = batching.propensity(np.array([0.3]), np.array([1]), np.ones(1), np.zeros(1))
    assert found[0] == 0


def test_propensity_is_its_base_at_the_ordinary_threshold() -> None:
    found = batching.propensity(np.array([0.3]), np.array([2]), np.ones(1), np.zeros(1))
    assert found[0] == pytest.approx(0.3)


def test_propensity_grows_with_threshold_and_load() -> None:
    ones = np.ones(3)
    by_threshold = batching.propensity(0.3 * ones, np.array([2, 3, 4]), ones, 0 * ones)
    by_load = batching.propensity(0.3 * ones, np.array([2, 2, 2]), ones, np.array([-0.1, 0.0, 0.1]))
    assert (np.diff(by_threshold) > 0).all()
    assert (np.diff(by_load) > 0).all()


def test_group_leaves_the_last_alone() -> None:
    cell = np.array([0, 1, 0, 0, 1, 0, 0])
    candidate = np.array([True, True, True, True, False, True, True])
    found = batching.group(cell, candidate, np.full(7, 2), np.zeros(7))
    assert found.leader.tolist() == [0, 1, 0, 3, 4, 3, 6]
    assert found.size.tolist() == [2, 1, 2, 2, 1, 2, 1]
    assert found.batched.tolist() == [True, False, True, True, False, True, False]


def test_group_never_exceeds_the_threshold() -> None:
    rng = np.random.default_rng(0)
    cell = rng.integers(0, 5, 500)
    threshold = np.array([2, 3, 4, 5, 2])[cell]
    found = batching.group(cell, rng.random(500) < 0.7, threshold, rng.random(500))
    assert (found.size <= threshold).all()
    assert found.size.max() == 5
    assert (cell[found.leader] == cell).all()


def test_group_of_nobody() -> None:
    nobody = np.zeros(0, dtype=np.int64)
    found = batching.group(nobody, nobody.astype(bool), nobody, np.zeros(0))
    assert found.size.size == 0


def test_wait_is_nothing_alone_and_grows_with_the_batch() -> None:
    normal = np.random.default_rng(1).standard_normal(20_000)
    means = [batching.wait(np.full(20_000, size), normal).mean() for size in (1, 2, 3, 4)]
    assert means[0] == 0
    np.testing.assert_allclose(means[1:], batching.WAIT_S * np.array([1, 2, 3]), rtol=0.01)


def test_preparation_of_unbatched_orders_knows_nothing_of_the_threshold(batching: World) -> None:
    assert batching.fault is not None
    run, twin = batching.run().journey.orders, batching.twin().journey.orders
    alone = (run.batch_size == 1) & (twin.batch_size == 1)
    assert (run.prep_s[alone] == twin.prep_s[alone]).all()
    same_batch = run.batch_size == twin.batch_size
    assert (run.prep_s[same_batch] == twin.prep_s[same_batch]).all()
