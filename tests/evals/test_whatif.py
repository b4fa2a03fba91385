"""The report on what-if: what it counts, and one world whose truth is known."""

import pytest

from data.slices import Slice
from data.world import World, WorldConfig
from evals.drawn_worlds import SINGLE
from evals.elasticity import DRIVERS
from evals.enacted import enact
from evals.whatif import Case, Judged, _rows, judge
from tools.actions import ACTIONS, MONITOR
from tools.candidates import Candidate
from tools.interventions import Intervention


def judged(promised: float, truth: float, *, half: float = 1.0, best: float = 10.0) -> Judged:
    return Judged(
        scenario="batching",
        cause="batching_policy",
        action="reduce_batching_threshold",
        promised=promised,
        low=promised - half,
        high=promised + half,
        truth=truth,
        elasticity=0.0,
        best_action="reduce_batching_threshold",
        best=best,
    )


def test_coverage_error_and_choice_are_counted() -> None:
    idle = Judged(scenario="batching", cause="none", action=None)
    rows = list(_rows([judged(10.0, 9.5), judged(6.0, 8.0), idle]))
    assert [row.scenario for row in rows] == [*SINGLE, "all"]
    row = rows[-1]
    assert (row.incidents, row.recommended, row.simulated) == (3, 2, 0)
    assert (row.covered.hits, row.covered.total) == (1, 2)
    assert row.median_error == pytest.approx((0.5 / 9.5 + 2 / 8) / 2)
    assert row.median_error_elasticity == pytest.approx(1.0), "no answer is an answer of zero"
    assert (row.near_best.hits, row.near_best.total) == (1, 2)


def candidate(action: str, **parameters: object) -> Candidate:
    where = Slice.parse({"region": "SF", "hour": {"from": 17, "to": 21}})
    asked = Intervention(driver="promise_s", change="shift", amount=60)
    return Candidate(ACTIONS[action], parameters, where, asked)


def test_every_action_that_changes_something_is_known_to_the_world_and_to_the_line() -> None:
    world = World(WorldConfig(scenario="merchant_prep", days=10, orders_per_day=300, seed=3))
    given = {
        "reduce_batching_threshold": {"policy": "batching_threshold", "to": "1"},
        "revert_policy": {"policy": "surge_price", "to": "1"},
        "roll_back_eta_model": {"policy": "eta_model", "to": "7"},
    }
    for name, action in ACTIONS.items():
        if action is MONITOR:
            continue
        chosen = {p.name: p.high for p in action.parameters} | given.get(name, {})
        assert world.onset is not None
        under = enact(world, candidate(name, **chosen), world.onset)
        moved = under.metrics() != world.run().metrics()
        assert moved == (name not in ("revert_policy", "roll_back_eta_model")), name
        assert name in DRIVERS


def test_an_action_that_the_world_does_not_know_is_refused() -> None:
    world = World(WorldConfig(scenario="merchant_prep", days=10, orders_per_day=300, seed=3))
    assert world.onset is not None
    with pytest.raises(ValueError, match="monitor_only"):
        enact(world, candidate("monitor_only"), world.onset)


@pytest.mark.slow
def test_a_batching_incident_is_answered_by_its_own_roll_back() -> None:
    found = judge(Case("test", 0))
    assert (found.scenario, found.cause) == ("batching", "batching_policy")
    assert found.action == found.best_action == "reduce_batching_threshold"
    assert found.truth == found.best
    assert found.simulated
    assert found.low is not None
    assert found.high is not None
    assert found.low <= (found.truth or 0.0) <= found.high
