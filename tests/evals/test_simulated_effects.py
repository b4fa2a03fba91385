"""The report on the simulator: what it counts, and one world whose truth is known."""

import pytest

from data.world import World, WorldConfig
from evals.simulated_effects import DispatchCase, Simulated, judge_case, remedy, summarise
from server.evaluating_dispatch import table_of


def world_of(truth: float, effect: float | None, half: float = 2.0, *, miss: float = 1.0) -> Simulated:
    return Simulated(
        orders=400,
        usable=effect is not None,
        before_in_band=True,
        incident_in_band=abs(miss) <= 3,
        miss_pp=miss,
        truth_pp=truth,
        effect_pp=effect,
        low_pp=None if effect is None else effect - half,
        high_pp=None if effect is None else effect + half,
    )


def test_refusals_are_counted_and_left_out_of_the_means() -> None:
    report = summarise("x", "batching", (world_of(10, 11), world_of(12, 9), world_of(30, None, miss=7)))
    assert (report.usable.hits, report.usable.total) == (2, 3)
    assert (report.covered.hits, report.covered.total) == (1, 2)
    assert (report.incident_in_band.hits, report.before_in_band.hits) == (2, 3)
    assert report.truth_pp == pytest.approx(11)
    assert report.bias_pp == pytest.approx(-1)
    assert report.error_pp == pytest.approx(2)
    assert report.half_width_pp == pytest.approx(2)
    assert table_of(report).row_count == 8


def test_a_simulator_that_always_refuses_has_no_figures() -> None:
    report = summarise("x", "batching", (world_of(10, None),))
    assert (report.truth_pp, report.bias_pp, report.covered.total) == (None, None, 0)
    assert "-" in table_of(report).columns[1]._cells


def test_every_scenario_has_its_remedy() -> None:
    for scenario in ("batching", "courier_supply", "merchant_prep"):
        world = World(WorldConfig(scenario=scenario, orders_per_day=200, seed=3))
        intervention, action = remedy(world, scenario)
        assert world.fault is not None
        assert action.scope == world.fault.scope
        assert str(intervention)
    with pytest.raises(ValueError, match="no fault"):
        remedy(World(WorldConfig(orders_per_day=200)), "batching")


@pytest.mark.slow
def test_a_world_is_judged_by_its_own_truth() -> None:
    found = judge_case(DispatchCase("merchant_prep", "test", 0), replications=24)
    assert found.truth_pp > 2
    assert found.usable == (found.effect_pp is not None)
    if found.effect_pp is not None:
        assert found.effect_pp == pytest.approx(found.truth_pp, abs=5)
