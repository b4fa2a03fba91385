"""What not offering doubtful products comes to."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.worlds import case
from tools.errors import ToolFailure
from tools.incidents import Window
from tools.stock_lines import believed, hide, still_bad


def lines(count: int, *, seed: int = 5) -> pd.DataFrame:
    """Lines that are bad exactly as often as is believed."""
    rng = np.random.default_rng(seed)
    belief = rng.uniform(0.5, 0.99, count)
    return pd.DataFrame({"bad": rng.random(count) > belief, "belief": belief})


def test_calibrated_beliefs_give_the_expected_share() -> None:
    """With p uniform on (.5, .99) and a limit of .8: hidden are (.8 - .5)/.49 of the lines."""
    found = hide(lines(40_000), 0.8)
    all_bad = 1 - 0.745
    hidden = 0.3 / 0.49
    assert found.lines_share == pytest.approx(hidden, abs=0.01)
    for reading, instead in (("limit", 0.2), ("average", 1 - 0.895)):
        expected = hidden * (0.35 - instead) / all_bad
        assert found.avoided[reading] == pytest.approx(expected, abs=0.03)  # type: ignore[index]  # a literal


def test_nothing_is_avoided_where_nothing_is_hidden() -> None:
    found = hide(lines(2_000), 0.4)
    assert found.lines_share == 0
    assert set(found.avoided.values()) == {0.0}


def test_too_little_is_said() -> None:
    with pytest.raises(ToolFailure, match="at least 100"):
        hide(lines(40), 0.8)
    with pytest.raises(ToolFailure, match="no product"):
        hide(lines(2_000), 0.999)


@given(st.lists(st.booleans(), max_size=60), st.floats(0, 1))
def test_a_share_of_the_bad_lines_stays_bad(bad: list[bool], avoided: float) -> None:
    left = still_bad(pd.DataFrame({"bad": bad}), avoided)
    assert not (left & ~np.array(bad, bool)).any()
    assert abs(left.sum() - (1 - avoided) * sum(bad)) <= 1


def test_only_a_record_of_the_day_before_is_a_belief() -> None:
    world = case("inventory")
    found = believed(world.dataset, world.incident.window)
    events = world.tables["inventory_events"]
    assert 0.1 < found["belief"].notna().mean() < 0.9
    day = Window(start=world.incident.window.start, end=world.incident.window.start + pd.Timedelta(days=1))
    inside = believed(world.dataset, day)
    assert inside["order_time"].between(day.start, day.end).all()
    assert inside["belief"].dropna().isin(events["in_stock_prob"]).all()
    doubtful = found["belief"] < found["belief"].median()
    assert (
        found.loc[doubtful, "bad"].mean() > 1.5 * found.loc[found["belief"].notna() & ~doubtful, "bad"].mean()
    )
