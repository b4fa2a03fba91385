"""Other forms of the mechanisms, faults that grow, that end, and that come in twos."""

from datetime import timedelta

import numpy as np
import pytest

from data.world import Structure, World, WorldConfig
from data.world.structure import queued, waits_at_all


def world(**settings: object) -> World:
    given = {"orders_per_day": 2_000, "days": 14, "seed": 11, **settings}
    return World(WorldConfig.model_validate(given))


def test_the_wait_in_a_queue_has_the_mean_it_is_given() -> None:
    rng = np.random.default_rng(0)
    waits = np.full(200_000, float(waits_at_all(np.array([0.7]))[0]))
    drawn = queued(np.full(waits.size, 150.0), waits, rng.standard_exponential(waits.size))
    assert drawn.mean() == pytest.approx(150.0, rel=0.02)
    assert (drawn > 0).mean() == pytest.approx(waits[0], abs=0.01)


@pytest.mark.parametrize("structure", list(Structure)[1:])
def test_another_form_changes_what_happens_and_not_who_comes(structure: Structure) -> None:
    usual, other = world().run(), world(structure=structure).run()
    assert usual.tables["orders"]["order_id"].equals(other.tables["orders"]["order_id"])
    assert usual.metrics()["cx_score"] != other.metrics()["cx_score"]


@pytest.mark.parametrize("structure", list(Structure)[1:])
def test_fewer_couriers_still_do_harm(structure: Structure) -> None:
    harmed = world(structure=structure, scenario="courier_supply", size=0.3)
    assert harmed.fault is not None
    actual, twin = (r.metrics(harmed.fault.scope, harmed.onset) for r in (harmed.run(), harmed.twin()))
    assert actual["cx_score"] < twin["cx_score"]


def test_a_ramp_grows_from_day_to_day() -> None:
    slow = world(scenario="merchant_prep", size=1.3, ramp_days=3)
    assert slow.fault is not None
    assert slow.onset is not None
    factors = []
    for day in range(4):
        start = slow.onset + timedelta(days=day)
        run, twin = (
            r.metrics(slow.fault.scope, start, start + timedelta(days=1)) for r in (slow.run(), slow.twin())
        )
        factors.append(run["merchant_prep_time"] / twin["merchant_prep_time"])
    assert factors == pytest.approx([1.3**share for share in (0.25, 0.5, 0.75, 1.0)], rel=0.002)


def test_a_fault_of_two_days_leaves_the_third_alone() -> None:
    short = world(scenario="courier_supply", fault_days=2)
    assert short.fault is not None
    assert short.onset is not None
    assert short.end == short.onset + timedelta(days=2)
    run, twin = (r.metrics(short.fault.scope, short.end) for r in (short.run(), short.twin()))
    assert run == twin


def test_more_noise_is_more_noise() -> None:
    usual, loud = (world(noise=noise).draws.shocks for noise in (1.0, 3.0))
    assert loud.mood == pytest.approx(3 * usual.mood)
    assert (loud.storms, loud.promotions) == (usual.storms, usual.promotions)


def test_two_faults_act_together_and_each_alone() -> None:
    both = world(scenario="batching+merchant_prep")
    assert both.fault is not None
    batching, prep = both.fault.parts
    assert (batching.hypothesis, prep.hypothesis) == ("batching_policy", "merchant_prep")
    score = {
        name: run.metrics(both.fault.scope, both.onset)["cx_score"]
        for name, run in {
            "none": both.twin(),
            "batching": both.run(only=batching),
            "prep": both.run(only=prep),
            "both": both.run(),
        }.items()
    }
    assert score["both"] < min(score["batching"], score["prep"]) < score["none"]
    assert max(score["batching"], score["prep"]) < score["none"]


def test_customers_that_a_surge_brings_are_added_to_those_who_come_anyway() -> None:
    surge = world(scenario="demand_surge", size=1.4)
    assert surge.fault is not None
    run, twin = (r.metrics(surge.fault.scope, surge.onset)["orders"] for r in (surge.run(), surge.twin()))
    assert run / twin == pytest.approx(1.4, abs=0.08)
