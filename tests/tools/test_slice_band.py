"""A slice's days beside the band of the days before."""

from datetime import timedelta

import numpy as np
import pytest

from data.slices import Slice
from tests.tools.worlds import case
from tools.errors import ToolFailure
from tools.slice_band import slice_band


def test_days_of_the_incident_lie_below_the_band_and_others_inside() -> None:
    world = case("batching")
    points = slice_band(world.dataset, world.incident.slice, before=world.incident.onset, metric="on_time")
    before = [p for p in points if p.t < world.incident.onset]
    during = [p for p in points if p.t >= world.incident.onset]
    assert len(before) == 28
    assert during
    assert np.mean([p.low <= p.value <= p.high for p in before]) > 0.9  # type: ignore[operator]  # filled by design
    assert np.mean([p.value < p.low for p in during]) >= 0.5  # type: ignore[operator]


def test_only_days_of_which_all_is_known_are_told() -> None:
    world = case("batching")
    points = slice_band(world.dataset, world.incident.slice, before=world.incident.onset)
    last = points[-1].t + timedelta(days=1)
    assert last + timedelta(hours=48) <= world.dataset.as_of, "ratings take two days"
    by_day = world.dataset.facts().groupby("day")["orders"].sum()
    assert len(points) < len(by_day)
    assert all(0 <= (p.value or 0) <= 100 for p in points)


def test_without_a_past_there_is_no_band() -> None:
    world = case("batching")
    start = world.dataset.facts()["order_time"].iloc[0].to_pydatetime()
    with pytest.raises(ToolFailure, match="a band needs 7"):
        slice_band(world.dataset, Slice.parse({"region": "SF"}), before=start + timedelta(days=3))
