import numpy as np

from data.world import supply


def test_utilisation_equals_a_low_load_and_is_never_full() -> None:
    load = np.array([0.1, 0.5, 0.75, 1.0, 2.0, 10.0])
    found = supply.utilised(load)
    np.testing.assert_allclose(found[:3], load[:3])
    assert (np.diff(found) >= 0).all()
    assert found.max() <= supply.BUSIEST


def test_wait_is_convex_in_utilisation() -> None:
    found = supply.mean_wait(np.array([0.5, 0.6, 0.7, 0.8]))
    assert found[0] == supply.WAIT_S
    assert (np.diff(found, n=2) > 0).all()


def test_mean_of_the_assignment_wait() -> None:
    draws = np.random.default_rng(0).standard_exponential(50_000)
    found = supply.assignment_wait(np.full(50_000, 120.0), draws)
    assert abs(found.mean() - 120) < 1
    assert found.min() >= 120 * (1 - supply.WAIT_SPREAD)


def test_batching_saves_courier_time() -> None:
    from data.slices import ALL_ORDERS
    from data.world import World, WorldConfig
    from data.world.actions import SetBatchingThreshold

    world = World(WorldConfig(orders_per_day=1_000, days=7))
    more = world.run([SetBatchingThreshold(scope=ALL_ORDERS, value=4)]).metrics()
    less = world.run([SetBatchingThreshold(scope=ALL_ORDERS, value=1)]).metrics()
    assert (
        more["courier_busy_hours"] < world.run().metrics()["courier_busy_hours"] < less["courier_busy_hours"]
    )
    assert less["batched_share"] == 0
