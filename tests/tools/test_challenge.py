"""Leaders that are right survive the challenge; leaders that only look right do not."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.dataset import Dataset
from data.slices import Slice
from tests.tools.worlds import Case, case
from tools.challenge import ChallengeResult, best_rival
from tools.decomposition import decompose, track_of
from tools.driver_test import DriverTest
from tools.errors import ToolFailure
from tools.findings import HypothesisId
from tools.incident_frame import IncidentFrame, cut
from tools.left_out import GroupSums
from tools.placebos import placebo_dates, placebo_slices
from tools.registry import REGISTRY, ToolContext

ID = HypothesisId


def challenge(found: Case, hypothesis: HypothesisId, **more: object) -> ChallengeResult:
    window = found.incident.window
    arguments: dict[str, Any] = {
        "slice": found.incident.slice,
        "start": window.start,
        "end": window.end,
        "metric": "on_time",
        "hypothesis": hypothesis,
    }
    result = REGISTRY["challenge"].call(ToolContext(found.dataset), arguments | more)
    assert isinstance(result, ChallengeResult)
    return result


@pytest.mark.parametrize(
    ("scenario", "cause"),
    [
        ("batching", ID.BATCHING_POLICY),
        ("courier_supply", ID.COURIER_SUPPLY),
        ("merchant_prep", ID.MERCHANT_PREP),
    ],
)
def test_the_true_cause_survives(scenario: str, cause: HypothesisId) -> None:
    result = challenge(case(scenario), cause)
    assert result.survived
    assert result.dates.passed
    assert result.dates.n_tested >= 3
    assert result.slices.passed
    assert result.slices.n_tested >= 3
    assert result.dates.z_strongest is not None
    assert result.z is not None
    assert result.dates.z_strongest < result.z
    assert result.parts.passed
    assert result.parts.smallest_share is not None
    assert result.explained_share is not None
    assert result.parts.largest_share is not None
    assert 0.2 < result.parts.smallest_share <= result.explained_share <= result.parts.largest_share


@pytest.mark.parametrize("rival", [ID.MERCHANT_PREP, ID.COURIER_SUPPLY])
def test_a_cause_that_did_not_do_it_is_broken(rival: HypothesisId) -> None:
    result = challenge(case("batching"), rival)
    assert not result.survived
    assert result.n_failed >= 1


def test_the_result_agrees_with_the_driver_s_own_test() -> None:
    found = case("courier_supply")
    window = found.incident.window
    arguments = {
        "slice": found.incident.slice,
        "start": window.start,
        "end": window.end,
        "metric": "on_time",
        "driver": "dasher_wait_s",
    }
    own = REGISTRY["mechanism_shift"].call(ToolContext(found.dataset), arguments).model_dump()
    result = challenge(found, ID.COURIER_SUPPLY)
    assert result.z == pytest.approx(own["z_conditional"], abs=1e-12)
    assert result.explained_share == pytest.approx(own["explained_share"], abs=1e-12)


def test_the_same_challenge_gives_the_same_bytes() -> None:
    found = case("batching")
    fresh = Dataset.from_frames(found.tables, mapping=found.dataset.mapping)
    first = challenge(found, ID.BATCHING_POLICY)
    again = challenge(found._replace(dataset=fresh), ID.BATCHING_POLICY)
    assert first.model_dump_json() == again.model_dump_json()


def test_a_cause_without_a_driver_says_so() -> None:
    result = challenge(case("batching"), ID.MIX_SHIFT, shares={ID.MIX_SHIFT: 0.6, ID.INVENTORY: 0.2})
    assert (result.dates.passed, result.slices.passed, result.parts.passed) == (None, None, None)
    assert result.dates.reason == "this cause has no driver that is measured by order"
    assert result.rival.passed
    assert result.survived


def test_all_orders_have_no_other_slice() -> None:
    result = challenge(case("batching"), ID.BATCHING_POLICY, slice={})
    assert result.slices.passed is None
    assert result.slices.reason == "the slice is all orders of its hours"
    assert result.parts.part == "region"


def test_a_long_window_has_too_few_earlier_ones() -> None:
    found = case("batching")
    window = found.incident.window
    result = challenge(found, ID.BATCHING_POLICY, start=window.end - timedelta(days=14))
    assert result.dates.passed is None
    assert "3 are needed" in result.dates.reason


def test_a_driver_that_is_not_recorded_is_not_testable() -> None:
    found = case("batching")
    deliveries = found.tables["deliveries"].drop(columns=["merchant_prep_time"])
    bare = Dataset.from_frames({**found.tables, "deliveries": deliveries}, mapping=found.dataset.mapping)
    with pytest.raises(ToolFailure, match="not testable"):
        challenge(found._replace(dataset=bare), ID.MERCHANT_PREP)


@pytest.mark.parametrize(("own", "passed"), [(0.7, True), (0.2, False), (0.1, False)])
def test_the_rival_must_account_for_less(own: float, passed: bool) -> None:
    rival = best_rival(
        ID.ETA_MODEL, {ID.ETA_MODEL: own, ID.INVENTORY: 0.2, ID.MIX_SHIFT: 0.1, ID.NORMAL_VARIANCE: 0.9}
    )
    assert (rival.rival, rival.passed) == ("inventory", passed)


def test_without_a_tested_rival_there_is_nothing_to_compare() -> None:
    assert best_rival(ID.ETA_MODEL, {ID.ETA_MODEL: 0.7}).passed is None


START = pd.Timestamp("2026-03-29T00:00Z")


@cache
def _facts() -> pd.DataFrame:
    """Forty quiet days of three regions with five stores each."""
    rng = np.random.default_rng(3)
    rows = 40 * 15 * 40
    day = np.repeat(np.arange(40), 600)
    store = np.tile(np.repeat(np.arange(15), 40), 40)
    begin = START - pd.Timedelta(days=37)
    prep = rng.normal(600, 60, rows)
    late = (prep + rng.normal(0, 120, rows) > 760).astype(float)
    return pd.DataFrame(
        {
            "order_time": begin + pd.to_timedelta(day, unit="D") + pd.to_timedelta(12, unit="h"),
            "region": pd.Categorical.from_codes(store // 5, pd.Index(["LA", "NY", "SF"])),
            "store_id": pd.Categorical.from_codes(store, pd.Index([f"s{n:02d}" for n in range(15)])),
            "day": day,
            "hour": 12,
            "weekday": day % 7,
            "prep_s": prep,
            "on_time": 1.0 - late,
            "delivered": 1.0,
        }
    )


def prepared(where: "np.ndarray[Any, np.dtype[np.bool_]]", more: float = 90.0) -> IncidentFrame:
    """The frame of a three-day incident in SF, in which preparation takes longer for some orders of all days."""
    facts = _facts()
    longer = facts["prep_s"] + np.where(where, more, 0.0)
    late = 1.0 - facts["on_time"].to_numpy()
    worse = np.where(where & (np.arange(len(facts)) % 4 == 0), 1.0, late)
    changed = facts.assign(prep_s=longer, on_time=1.0 - worse)
    return cut(
        changed,
        slice=Slice.parse({"region": "SF"}),
        start=START.to_pydatetime(),
        end=(START + pd.Timedelta(days=3)).to_pydatetime(),
        baseline_days=28,
    )


def dates(frame: IncidentFrame) -> Any:  # noqa: ANN401
    parts = decompose(frame, "on_time")
    assert parts is not None
    test = DriverTest.of(frame, parts, "prep_s")
    own = test.track()
    assert own is not None
    outcome = track_of(frame, parts.outcome, frame.inside)
    end = (START + pd.Timedelta(days=3)).to_pydatetime()
    return placebo_dates(test, own, outcome, START.to_pydatetime(), end)


def orders_of(*days: int, region: int = 2) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    facts = _facts()
    return np.asarray(facts["day"].isin(days) & (facts["region"].cat.codes == region), dtype=bool)


INCIDENT = (37, 38, 39)
EARLIER = (27, 28, 29)
"""An earlier window of the incident's length."""


def test_a_driver_that_moved_only_in_the_incident_passes_the_dates() -> None:
    found = dates(prepared(orders_of(*INCIDENT)))
    assert found.passed
    assert (found.n_tested, found.n_left_out) == (8, 0)


def test_a_driver_that_did_as_much_before_without_harm_fails_the_dates() -> None:
    frame = prepared(orders_of(*INCIDENT))
    before = frame.rows["day"].isin(EARLIER).to_numpy() & frame.inside
    longer = frame.rows["prep_s"] + np.where(before, 120.0, 0.0)
    found = dates(replace(frame, rows=frame.rows.assign(prep_s=longer)))
    assert found.passed is False
    assert (found.n_as_strong, found.n_left_out) == (1, 0)


def test_an_earlier_incident_of_the_same_kind_is_no_placebo() -> None:
    found = dates(prepared(orders_of(*INCIDENT, *EARLIER)))
    assert (found.n_tested, found.n_left_out) == (7, 1)
    assert found.passed


def slices(frame: IncidentFrame) -> Any:  # noqa: ANN401
    parts = decompose(frame, "on_time")
    assert parts is not None
    test = DriverTest.of(frame, parts, "prep_s")
    own = test.track()
    shift = None if own is None else own.shift(frame.during)
    assert shift is not None
    store = Slice.parse({"store_id": "s10"})
    return placebo_slices(test, shift, store)


@pytest.mark.parametrize(("others", "as_strong"), [(0.0, 0), (60.0, 14)])
def test_siblings_that_moved_more_fail_the_slices(others: float, as_strong: int) -> None:
    everywhere = _facts()["day"].isin(INCIDENT).to_numpy()
    one = everywhere & (_facts()["store_id"] == "s10").to_numpy()
    frame = prepared(one)
    more = np.where(frame.during & (frame.rows["store_id"] != "s10"), 90.0 + others if others else 0.0, 0.0)
    inside = (frame.rows["store_id"] == "s10").to_numpy()
    rows = frame.rows.assign(prep_s=frame.rows["prep_s"] + more)
    found = slices(replace(frame, inside=inside, rows=rows))
    assert (found.n_tested, found.n_as_strong) == (14, as_strong)
    assert found.passed is (as_strong == 0)


def test_taking_a_group_away_equals_measuring_the_others() -> None:
    frame = prepared(orders_of(*INCIDENT))
    track = track_of(frame, frame.column("prep_s"), frame.inside)
    assert frame.store is not None
    sums = GroupSums.of(track, frame.store, frame.during)
    one = int(frame.store[frame.inside][0])
    quick, slow = sums.without(one), track.shift(frame.during, frame.store != one)
    assert quick is not None
    assert slow is not None
    assert quick.change == pytest.approx(slow.change, abs=1e-9)
    assert quick.z == pytest.approx(slow.z, rel=1e-9)
    assert quick.orders == slow.orders
