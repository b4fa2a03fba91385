"""Orders against the hour of the week, where regions lie in several time zones."""

import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldConfig
from tools.incident_frame import SpanArguments
from tools.registry import ToolContext
from tools.volume_shift import volume_shift


@pytest.mark.parametrize("seed", [1, 16, 17])
def test_a_surge_in_one_region_is_read_as_large_as_it_is(seed: int) -> None:
    """At the same local hour other zones may already be in the window: their hours are not hours without orders."""
    world = World(WorldConfig(scenario="demand_surge", size=1.3, orders_per_day=3_000, seed=seed))
    run = world.run()
    assert world.fault is not None
    assert world.onset is not None
    assert world.end is not None
    dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    shift = volume_shift(
        ToolContext(dataset), SpanArguments(slice=world.fault.scope, start=world.onset, end=world.end)
    )
    assert shift.orders_change_share == pytest.approx(0.3, abs=0.1)
    assert shift.z > 4
