"""How much of a worsening incomplete records can make."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import ZONES
from tests.tools.worlds import case
from tools.completeness import CompletenessResult, completeness, selected
from tools.incident_frame import IncidentArguments
from tools.registry import ToolContext


def asked(tables: dict[str, pd.DataFrame]) -> CompletenessResult:
    world = case("merchant_prep")
    start, end = world.incident.window.start - pd.Timedelta(days=9), world.incident.window.start
    dataset = Dataset.from_frames(tables, mapping=Mapping(zones=dict(ZONES)))
    place = IncidentArguments(
        slice=world.incident.slice, start=start - pd.Timedelta(days=3), end=end, metric="fulfilment"
    )
    return completeness(ToolContext(dataset), place)


def test_orders_that_go_missing_at_one_end_move_a_duration() -> None:
    """Before the world's own fault: the quick third of the deliveries of some days loses its arrival."""
    tables = dict(case("merchant_prep").tables)
    assert asked(tables).explained_share == 0
    world = case("merchant_prep")
    orders, deliveries = tables["orders"], tables["deliveries"].copy()
    late = world.incident.window.start - pd.Timedelta(days=12)
    chosen = orders["order_time"].between(late, world.incident.window.start)
    took = (deliveries["actual_eta"] - orders["order_time"]).dt.total_seconds()
    quick = chosen & (took < took[chosen].quantile(1 / 3))
    times = [name for name in ("actual_eta", "delivery_time") if name in deliveries]
    deliveries.loc[quick, times] = pd.NaT
    found = asked(tables | {"deliveries": deliveries})
    assert found.unknown_change_pp > 20
    assert found.explained_share > 0.7


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50), st.floats(0, 1))
def test_losing_the_lowest_never_lowers_the_mean(values: list[float], share: float) -> None:
    array = np.array(values)
    assert selected(array, share) >= -1e-6
    assert selected(array, 0.0) == pytest.approx(0.0, abs=1e-6)
