"""The service is killed at random points of an investigation; nothing is lost and nothing is told twice."""

from pathlib import Path

import pytest

from data.world import World, WorldConfig
from data.world.export import write
from tests.server.crashes import ARRIVED, STARTED, Place, count, finish, kill_at, points, prepare

KILLS = 20
SEED = 20261105
RUNS = 2
"""Investigations over which the kills are spread."""


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A service's state with one investigation queued, over a small world in which couriers are missing."""
    folder = tmp_path_factory.mktemp("kill")
    config = WorldConfig(scenario="courier_supply", days=24, orders_per_day=1_500, seed=7, size=0.6)
    place = Place(state=folder / "state", data=write(World(config).run(), folder / "world").folder)
    prepare(place)
    return place


@pytest.mark.slow
def test_a_killed_service_continues_with_the_same_log(queued: Place, tmp_path: Path) -> None:
    undisturbed = finish(queued.copy(tmp_path / "undisturbed"))
    assert undisturbed[0]["type"] == "RUN_STARTED"
    assert undisturbed[-1]["type"] == "RUN_FINISHED"
    killed = 0
    for number in range(RUNS):
        place = queued.copy(tmp_path / f"run{number}")
        kill_at(
            place,
            points(SEED + number, total=len(undisturbed), number=KILLS // RUNS),
            seed=SEED + number,
        )
        killed += count(place, STARTED)
        assert finish(place) == undisturbed
        assert count(place, ARRIVED) == len(undisturbed)
        assert count(place, "SELECT count(*) FROM report") == 1
    assert killed == KILLS
