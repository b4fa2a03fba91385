"""Faults put into published data; skipped where these are not on this machine."""

import numpy as np
import pandas as pd
import pytest

from data.errors import DataError
from evals import semi_synthetic as module
from evals.semi import flights, food
from evals.semi.fault import Fault
from evals.semi.history import History, Place
from evals.semi.recording import Recording
from evals.semi_synthetic import QUIET_Z, Where, sample, samples
from tests.data.test_real_data import SHARED, pytestmark
from tools.findings import HypothesisId

__all__ = ["pytestmark"]

MEASURED = ("promise_s", "fulfilment_s", "fulfilled", "canceled", "dasher_wait_s", "prep_s", "online", "busy")
CHANGED = {
    "shorter promises": {"promise_s"},
    "held back by a recorded change": {"fulfilment_s"},
    "held back": {"fulfilment_s"},
    "cancelled": {"fulfilled", "canceled"},
    "early arrivals lost": {"fulfilled"},
    "storm": {"fulfilment_s", "fulfilled", "canceled"},
    "storm not recorded": {"fulfilment_s", "fulfilled", "canceled"},
    "fewer couriers": {"fulfilment_s", "dasher_wait_s", "online", "busy"},
    "more orders": {"fulfilment_s", "dasher_wait_s", "busy"},
    "slower kitchens": {"fulfilment_s", "prep_s"},
    "held up by a recorded change": {"fulfilment_s"},
    "held up": {"fulfilment_s"},
    "quick deliveries lost": {"fulfilled"},
    "slower stores ordered from": {"fulfilment_s", "fulfilled", "dasher_wait_s", "prep_s"},
}
"""What each fault may touch of the orders that it reaches."""
TURN = {
    flights.NAME: ("eta_model", "policy_change", "external_shock", "data_quality", "other", "other", "other"),
    food.NAME: (
        "courier_supply", "demand_surge", "merchant_prep", "policy_change", "data_quality", "mix_shift", "other",
    ),
}  # fmt: skip


def recording(name: str) -> Recording:
    return flights.read(SHARED) if name == flights.NAME else food.read(SHARED, columns_of_time=True)


def somewhere(fault: Fault, data: Recording) -> tuple[History, History, Place]:
    """The history before, the one with the fault, and where it is."""
    rng = np.random.default_rng(1)
    place = next(p for p in (data.place(rng, fault) for _ in range(50)) if p is not None)
    before = data.weeks(place)
    return before, fault.inject(rng, before, place), place


@pytest.mark.parametrize("name", TURN)
def test_a_fault_touches_what_it_is_about_and_only_there(name: str) -> None:
    data = recording(name)
    assert tuple(fault.cause for fault in data.faults) == TURN[name]
    for fault in data.faults:
        before, after, place = somewhere(fault, data)
        known = after.orders.set_index("order_id").loc[before.orders["order_id"]].reset_index()
        reached = place.rows(before.orders)
        columns = [column for column in MEASURED if column in before.orders]
        differs = {
            column: ~np.isclose(before.column(column), known[column].to_numpy(float), equal_nan=True)
            for column in columns
        }
        assert not any(flags[~reached].any() for flags in differs.values()), fault.name
        touched = {column for column, flags in differs.items() if flags.any()}
        assert touched, fault.name
        assert touched <= CHANGED[fault.name], fault.name


def test_a_recorded_cause_is_recorded_where_and_when_it_began() -> None:
    data = recording(flights.NAME)
    _, held, place = somewhere(data.faults[1], data)
    assert held.changes is not None
    assert list(held.changes["scope"]) == [place.scope.model_dump_json()]
    assert list(held.changes["changed_at"]) == [pd.Timestamp(place.onset)]
    assert somewhere(data.faults[4], data)[1].changes is None


def test_a_storm_is_reported_or_not_and_hurts_either_way() -> None:
    data = recording(flights.NAME)
    reported, silent = data.faults[2], data.faults[6]
    for fault in (reported, silent):
        before, after, place = somewhere(fault, data)
        assert before.events is not None
        assert after.events is not None
        region = str(place.scope.get("region"))
        hours = after.events[
            (after.events["start"] >= place.onset) & after.events["scope"].str.contains(region)
        ]
        assert len(hours) >= 6 * (place.finish - place.onset).days if fault is reported else hours.empty
        rows = place.rows(before.orders)
        assert after.column("canceled")[rows].mean() + 0.02 > before.column("canceled")[rows].mean()
        late = [h.outcomes()["on_time"].to_numpy()[rows].mean() for h in (before, after)]
        assert late[1] < late[0]


def test_more_orders_are_more_rows_with_the_market_s_own_couriers() -> None:
    data = recording(food.NAME)
    before, after, place = somewhere(data.faults[1], data)
    grown = int(place.rows(after.orders).sum()) / int(place.rows(before.orders).sum())
    assert 1.25 < grown < 2.05
    assert len(after.orders) - len(before.orders) == int(
        place.rows(after.orders).sum() - place.rows(before.orders).sum()
    )
    assert after.orders["order_id"].is_unique
    took = [
        history.column("fulfilment_s")[place.rows(history.orders) & (history.column("fulfilled") > 0)].mean()
        for history in (before, after)
    ]
    assert took[1] > 1.05 * took[0]


def test_a_case_is_the_same_again_and_another_label_gives_another() -> None:
    first, again = (samples(SHARED, "abc", incidents=2) for _ in range(2))
    assert [repr(one) for one in first] == [repr(one) for one in again]
    assert repr(sample(Where(SHARED, "abd", 0, module.DATASETS))) != repr(first[0])
    assert [one.world for one in first] == [0, 1]
    assert first[0].label == "eta_model", "the first data set's first fault"
    assert first[1].label in ("courier_supply", "other"), "the second's, with its columns or without"


def test_a_fault_is_the_only_thing_to_explain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place was ordinary as it really was, and the battery sees the outcome worse."""
    quiet: list[float] = []
    measured = module.stands_out

    def spy(facts: pd.DataFrame, seen: module.Seen) -> float:
        quiet.append(measured(facts, seen))
        return quiet[-1]

    monkeypatch.setattr(module, "stands_out", spy)
    found = sample(Where(SHARED, "quiet", 0, (flights.NAME,)))
    assert found.kind == "fault"
    assert found.label == HypothesisId.ETA_MODEL.value
    assert abs(quiet[-2]) < QUIET_Z < 4.0 <= quiet[-1]
    assert found.readings[HypothesisId.ETA_MODEL].shift > 3.0
    assert found.z > 2.0


def test_chance_finds_something_and_its_truth_is_none() -> None:
    at = len(TURN[flights.NAME])
    found = sample(Where(SHARED, "chance", at, (flights.NAME,)))
    assert (found.kind, found.label) == ("chance", "none")
    assert found.z > 0.0
    assert HypothesisId.EXTERNAL_SHOCK in found.readings


def test_a_cause_without_its_columns_has_other_for_its_right_answer() -> None:
    """Of two label seeds, one gives food as published; then nothing tells couriers from kitchens."""
    found = [sample(Where(SHARED, label, 2, (food.NAME,))) for label in ("a", "b", "c", "d")]
    by_kind = {one.kind: one for one in found}
    assert set(by_kind) == {"fault", "withheld"}
    assert by_kind["fault"].label == HypothesisId.MERCHANT_PREP.value
    assert by_kind["withheld"].label == "other"
    assert HypothesisId.MERCHANT_PREP not in by_kind["withheld"].readings


def test_an_absent_data_set_is_said_to_be_absent(tmp_path: object) -> None:
    with pytest.raises(DataError, match=flights.NAME):
        samples(SHARED / "nowhere", "abc", incidents=1)
    with pytest.raises(ValueError, match="none of flights_2013, doordash_sample"):
        samples(SHARED, "abc", incidents=1, datasets=("parcels",))
