"""Places in a history, and the tables that are made of it again."""

from datetime import UTC, datetime

import numpy as np
import pytest

from data.slices import HourRange, Slice
from evals.semi.history import Place, midnight
from tests.evals.semi.weeks import BAD_EVERY, FIRST, weeks


def test_a_day_begins_at_local_midnight_on_either_side_of_the_change_of_clocks() -> None:
    mapping = weeks(1).mapping
    assert midnight(FIRST, mapping) == datetime(2013, 2, 12, 5, tzinfo=UTC)
    assert midnight(FIRST + 28, mapping) == datetime(2013, 3, 12, 4, tzinfo=UTC)


def test_a_place_reaches_its_scope_from_its_onset() -> None:
    history = weeks()
    scope = Slice(values=(("region", "A"),), hour=HourRange(start=11, end=19))
    place = Place(scope, midnight(FIRST + 30, history.mapping), midnight(FIRST + 33, history.mapping))
    reached = history.orders[place.rows(history.orders)]
    assert set(reached["day"]) == {FIRST + 30, FIRST + 31, FIRST + 32}
    assert set(reached["region"]) == {"A"}
    assert set(reached["hour"]) == {11, 18}


def test_outcomes_are_those_of_the_dataset() -> None:
    history = weeks()
    seen, facts = history.outcomes(), history.dataset().facts()
    assert list(seen["order_id"]) == list(facts["order_id"])
    for name in (
        "delivered",
        "on_time",
        "fulfilled",
        "fulfilment_s",
        "canceled",
        "outcome_known",
        "hour",
        "day",
    ):
        np.testing.assert_array_equal(seen[name].to_numpy(), facts[name].to_numpy(), err_msg=name)
    bad = facts["day"] % BAD_EVERY == 0
    assert (facts["on_time"] == ~bad).all()


@pytest.mark.parametrize("column", ["fulfilment_s", "promise_s"])
def test_a_changed_history_leaves_the_old_one_alone(column: str) -> None:
    history = weeks(2)
    before = history.orders[column].copy()
    longer = history.column(column)
    longer += 60.0
    changed = history.with_columns(**{column: longer})
    assert (changed.orders[column] == before + 60.0).all()
    assert (history.orders[column] == before).all()
