"""The level of a policy by order, as its log tells it."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from data.dataset import Dataset
from data.slices import Slice
from tools.errors import ToolFailure
from tools.interventions import level_edges, policy_level


def level_by_day(*changes: tuple[int, str, str, str]) -> list[str]:
    """The level on each of the first five days of January in SF grocery; changes are (day, scope, old, new)."""
    days = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in range(1, 6)]
    orders = pd.DataFrame(
        {
            "order_id": range(1, 6),
            "order_time": days,
            "promised_eta": [day + pd.Timedelta(minutes=30) for day in days],
            "region": "SF",
            "category": "grocery",
        }
    )
    deliveries = pd.DataFrame({"order_id": range(1, 6), "actual_eta": orders["promised_eta"]})
    log = pd.DataFrame(
        [
            {
                "change_id": number,
                "policy": "batching_threshold",
                "scope": scope,
                "changed_at": datetime(2026, 1, day, tzinfo=UTC),
                "old_value": old,
                "new_value": new,
            }
            for number, (day, scope, old, new) in enumerate(changes)
        ]
    )
    dataset = Dataset.from_frames(
        {"orders": orders, "deliveries": deliveries, "policy_changes": log},
        as_of=datetime(2026, 1, 10, tzinfo=UTC),
    )
    where = Slice.parse({"region": "SF", "category": "grocery"})
    return [str(level) for level in policy_level(dataset, dataset.facts(), where, "batching_threshold")]


def test_the_newest_change_is_in_force() -> None:
    changes = ((2, '{"region": "SF"}', "2", "4"), (4, '{"region": "SF", "category": "grocery"}', "4", "3"))
    assert level_by_day(*changes) == ["2", "4", "4", "3", "3"]


def test_a_record_that_changes_nothing_takes_nothing_back() -> None:
    raised = (2, '{"region": "SF", "category": "grocery"}', "2", "4")
    assert level_by_day(raised, (4, '{"region": "SF"}', "2", "2")) == ["2", "4", "4", "4", "4"]
    assert level_by_day((1, '{"region": "SF"}', "2", "2"), (3, "{}", "2", "4")) == ["2", "2", "4", "4", "4"]


def test_a_policy_without_a_record_is_refused() -> None:
    with pytest.raises(ToolFailure, match="no change of"):
        level_by_day((2, '{"region": "LA"}', "2", "4"))


def test_levels_tell_the_incidents_own_values_apart() -> None:
    before, now = pd.Series(np.linspace(0, 100, 900)), pd.Series(np.linspace(90, 190, 100))
    value = pd.concat([before, now], ignore_index=True)
    cohort = pd.Series([False] * 900 + [True] * 100)
    edges = level_edges(value, cohort)
    assert np.all(np.diff(edges) > 0)
    levels = np.searchsorted(edges, now)
    assert len(set(levels)) >= 6
    assert np.unique(levels, return_counts=True)[1].max() <= 20
