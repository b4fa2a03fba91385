import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldConfig
from tools.change_points import ChangePointArguments, change_points
from tools.errors import ToolFailure
from tools.registry import ToolContext


@pytest.fixture(scope="module")
def broken() -> tuple[World, ToolContext]:
    world = World(WorldConfig(scenario="batching", days=30, orders_per_day=12_000, seed=11))
    run = world.run()
    return world, ToolContext(Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones))))


def test_the_onset_is_dated_to_the_day(broken: tuple[World, ToolContext]) -> None:
    world, context = broken
    assert world.fault is not None
    assert world.onset is not None
    found = change_points(context, ChangePointArguments(metric="on_time", slice=world.fault.scope))
    assert found.onsets[0].at == world.onset
    assert found.onsets[0].p_onset > 0.5
    assert world.onset in found.changed_at
    assert found.p_recent > 0.95


def test_an_untouched_slice_has_no_change(broken: tuple[World, ToolContext]) -> None:
    _, context = broken
    found = change_points(
        context, ChangePointArguments(metric="on_time", slice=Slice.parse({"region": "NYC"}))
    )
    assert found.changed_at == ()


def test_bad_questions_are_answered_kindly(broken: tuple[World, ToolContext]) -> None:
    _, context = broken
    with pytest.raises(ToolFailure, match="rates are on_time"):
        change_points(context, ChangePointArguments(metric="eta_error"))
    with pytest.raises(ToolFailure, match="no such dimension"):
        change_points(context, ChangePointArguments(metric="on_time", slice=Slice.parse({"planet": "Mars"})))
    with pytest.raises(ToolFailure, match="at least 10 are needed"):
        change_points(
            context, ChangePointArguments(metric="on_time", slice=Slice.parse({"region": "Atlantis"}))
        )
