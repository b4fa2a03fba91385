from functools import cache

import pytest

from data.world import World, WorldConfig, WorldRun


@cache
def _world(scenario: str) -> World:
    return World(WorldConfig(scenario=scenario, orders_per_day=2_000, days=14, seed=11))


@pytest.fixture(
    params=["batching", "courier_supply", "merchant_prep", "inventory", "eta_model", "demand_surge"]
)
def faulty(request: pytest.FixtureRequest) -> World:
    """A small world of every kind that has a fault."""
    return _world(str(request.param))


@pytest.fixture
def batching() -> World:
    return _world("batching")


@pytest.fixture
def none() -> World:
    return _world("none")


@cache
def _run(scenario: str) -> WorldRun:
    return _world(scenario).run()


@pytest.fixture
def batching_run() -> WorldRun:
    return _run("batching")


@pytest.fixture
def none_run() -> WorldRun:
    return _run("none")
