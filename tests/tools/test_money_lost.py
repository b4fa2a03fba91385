"""What an incident costs."""

import numpy as np
import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import ZONES
from tests.tools.worlds import case
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments
from tools.interventions import history, orders_between, rows_in
from tools.money_lost import MoneyLostResult, money_lost
from tools.outcomes import harm
from tools.registry import ToolContext
from tools.settings import AnalysisSettings

USUAL = AnalysisSettings()


def lost(dataset: Dataset, settings: AnalysisSettings = USUAL) -> MoneyLostResult:
    incident = case("batching").incident
    place = IncidentArguments(
        slice=incident.slice, start=incident.window.start, end=incident.window.end, metric=incident.metric
    )
    return money_lost(ToolContext(dataset, settings), place)


def test_it_is_about_what_plain_counting_gives() -> None:
    world = case("batching")
    found, facts = lost(world.dataset), world.dataset.facts()
    own = rows_in(facts, world.incident.slice)
    now = facts[own & orders_between(facts, world.incident.window)]
    before = facts[own & history(facts, world.incident.window, 28)]
    late = [harm(rows, "on_time") for rows in (before, now)]
    beyond = (np.nanmean(late[1]) - np.nanmean(late[0])) * np.isfinite(late[1]).sum()
    assert found.late_usd == pytest.approx(5.0 * beyond, rel=0.15)
    assert found.low_usd < found.total_usd < found.high_usd
    assert found.total_usd == pytest.approx(
        (found.late_usd or 0) + (found.canceled_usd or 0) + (found.refunded_usd or 0)
    )
    assert found.further_day_usd * found.window_days == pytest.approx(found.total_usd)


def test_unit_costs_are_the_users() -> None:
    dataset = case("batching").dataset
    plain, dear = (
        lost(dataset),
        lost(dataset, AnalysisSettings(late_order_cost=10.0, canceled_order_cost=0.0)),
    )
    assert dear.late_usd == pytest.approx(2 * (plain.late_usd or 0))
    assert dear.canceled_usd == pytest.approx(0.0)
    assert dear.refunded_usd == plain.refunded_usd
    assert (dear.late_order_cost_usd, dear.canceled_order_cost_usd) == (10.0, 0.0)


def test_what_is_not_recorded_is_left_out_and_nothing_at_all_is_said() -> None:
    tables = dict(case("batching").tables)
    items, orders = tables.pop("items"), tables["orders"]
    assert len(items)
    found = lost(Dataset.from_frames(tables, mapping=Mapping(zones=dict(ZONES))))
    assert found.refunded_usd is None
    assert found.late_usd is not None
    tables = {"orders": orders, "ratings": tables["ratings"]}
    with pytest.raises(ToolFailure, match="not testable"):
        lost(Dataset.from_frames(tables, mapping=Mapping(zones=dict(ZONES))))
