"""The value of a policy by store and day, from its changes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from data.dataset import PolicyChange
from data.slices import Slice
from tools.errors import ToolFailure
from tools.policy_levels import dosed

START = datetime(2026, 1, 1, tzinfo=UTC)


def change(number: int, scope: dict[str, object], day: float, old: str | None, new: str) -> PolicyChange:
    return PolicyChange(str(number), "cap", Slice.parse(scope), START + timedelta(days=day), old, new)


def orders() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three stores with an order at 6, 12 and 18 o'clock of four days: two in R0, one in R1."""
    store, day, hour = (p.ravel() for p in np.meshgrid([0, 1, 2], range(4), [6, 12, 18], indexing="ij"))
    facts = pd.DataFrame(
        {
            "order_time": pd.to_datetime(START) + pd.to_timedelta(day * 24 + hour, unit="h"),
            "hour": hour,
            "region": pd.Categorical(np.where(store < 2, "R0", "R1")),
        },
        index=np.arange(100, 136),
    )
    return pd.DataFrame({"y": 0.0, "unit": store, "time": day}, index=facts.index), facts


def test_levels_follow_the_changes_and_are_unknown_elsewhere() -> None:
    steps = [change(1, {"region": "R0"}, 1, "2", "3"), change(2, {"region": "R0"}, 3, "3", "4")]
    found = dosed(*orders(), steps)
    assert found.level[:2].tolist() == [[2, 3, 3, 4]] * 2
    assert np.isnan(found.level[2]).all()
    assert (found.panel.w == 3).all()


def test_a_store_has_a_row_for_each_history_of_its_orders() -> None:
    evening = change(2, {"region": "R0", "hour": {"from": 17, "to": 20}}, 2, "3", "5")
    found = dosed(*orders(), [change(1, {"region": "R0"}, 1, "2", "3"), evening])
    rows = {
        (tuple(level), tuple(w))
        for level, w in zip(found.level.tolist(), found.panel.w.tolist(), strict=True)
    }
    assert ((2, 3, 3, 3), (2, 2, 2, 2)) in rows
    assert ((2, 3, 5, 5), (1, 1, 1, 1)) in rows
    assert len(found.panel.units) == 5


def test_a_day_in_which_the_value_changed_has_no_weight() -> None:
    steps = [change(1, {"region": "R0"}, 1.4, "2", "3"), change(2, {"region": "R1"}, 2, "2", "6")]
    found = dosed(*orders(), steps)
    assert found.panel.w[0].tolist() == [3, 0, 3, 3]
    assert found.panel.w[2].tolist() == [3, 3, 3, 3]
    assert found.level[0, [0, 2, 3]].tolist() == [2, 3, 3]


def test_a_scope_that_these_data_cannot_read_concerns_nobody() -> None:
    steps = [change(1, {"region": "R0"}, 1, "2", "3"), change(2, {"planet": "Mars"}, 2, "2", "6")]
    assert np.nanmax(dosed(*orders(), steps).level) == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("2", "3", "2 values are recorded"),
        ("2", "nan", "'nan' is no number"),
        (None, "9", "None is no number"),
    ],
)
def test_what_is_no_dose_is_refused(old: str | None, new: str, reason: str) -> None:
    with pytest.raises(ToolFailure, match=reason):
        dosed(*orders(), [change(1, {}, 1, "2", "3"), change(2, {"region": "R1"}, 1, old, new)])
