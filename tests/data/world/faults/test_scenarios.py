import numpy as np
import pytest

from data.world import SCENARIOS, World, WorldConfig
from data.world.streams import Stream, stream


def fault_of(scenario: str, size: float | None = None, seed: int = 1) -> World:
    return World(WorldConfig(scenario=scenario, size=size, seed=seed, orders_per_day=500, days=9))


def test_scenarios_know_their_names() -> None:
    assert all(name == scenario.name for name, scenario in SCENARIOS.items())
    assert SCENARIOS["none"].draw is None


def test_a_given_size_is_taken_and_leaves_the_scope() -> None:
    for scenario, size in (("batching", 0.5), ("courier_supply", 0.2), ("merchant_prep", 1.3)):
        given, drawn = fault_of(scenario, size).fault, fault_of(scenario).fault
        assert given is not None
        assert drawn is not None
        assert given.size == size
        assert given.scope == drawn.scope


def test_a_fleet_cannot_lose_more_couriers_than_it_has() -> None:
    draw = SCENARIOS["courier_supply"].draw
    assert draw is not None
    with pytest.raises(ValueError, match="must be below 1"):
        draw(stream(1, Stream.FAULT_SCOPE), stream(1, Stream.FAULT_SIZE), 1.5)


def test_fewer_couriers_show_in_the_snapshots() -> None:
    world = fault_of("courier_supply", 0.3)
    assert world.fault is not None
    run, twin = (r.tables["supply_snapshots"] for r in (world.run(), world.twin()))
    changed = run["couriers_online"] != twin["couriers_online"]
    assert set(run.loc[changed, "region"]) == {world.fault.scope.get("region")}
    assert (run["ts"][changed] >= world.onset).all()
    ratio = run["couriers_online"][changed].sum() / twin["couriers_online"][changed].sum()
    assert ratio == pytest.approx(0.7, abs=0.02)


def test_slow_stores_are_slow_and_nothing_else() -> None:
    world = fault_of("merchant_prep", 1.25)
    assert world.fault is not None
    actual, twin = (r.metrics(world.fault.scope, world.onset) for r in (world.run(), world.twin()))
    assert actual["merchant_prep_time"] / twin["merchant_prep_time"] == pytest.approx(1.25, rel=0.002)
    assert actual["dasher_wait"] == twin["dasher_wait"]


def test_size_is_a_dose() -> None:
    for scenario, sizes in (("courier_supply", (0.1, 0.2, 0.3)), ("merchant_prep", (1.1, 1.2, 1.3))):
        scores = []
        for size in sizes:
            world = fault_of(scenario, size)
            assert world.fault is not None
            scores.append(world.run().metrics(world.fault.scope, world.onset)["on_time"])
        assert (np.diff(scores) < 0).all()
