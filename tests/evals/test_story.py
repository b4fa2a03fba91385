"""From first alarm to resolved: a small world run forward under a plan."""

from datetime import timedelta
from functools import cache

import pytest

from evals.story import EARLY_DAY, Experiment, Story, StoryError
from tests.tools.plans import plan
from tests.tools.worlds import incident
from tools.experiment import RolloutStage
from tools.interventions import rows_in
from tools.resolution import MeasuredEffect, measured

STAGES = (
    RolloutStage(exposure_share=0.1, days=10, gate=""),
    RolloutStage(exposure_share=0.5, days=14, gate=""),
    RolloutStage(exposure_share=1.0, days=14, gate=""),
)


@cache
def story() -> Story:
    return Story.of(7, orders_per_day=1_500)


@cache
def experiment() -> Experiment:
    fault = story().world.fault
    assert fault is not None
    planned = plan(scope=fault.scope, action="reduce_batching_threshold", rollout=STAGES, days=14)
    return story().experiment(planned, morning=2, seed=5)


def test_mornings_follow_the_onset() -> None:
    onset = story().world.onset
    assert onset is not None
    assert story().morning(2) - story().morning(1) == timedelta(days=1)
    assert story().morning(1) > onset + timedelta(days=1)


def test_stages_follow_each_other_and_the_truth_is_the_worlds() -> None:
    begun, main = experiment().stages
    assert begun.end < main.start
    assert set(experiment().assignment["share"]) == {0.1, 0.5}
    assert main.truth["on_time"] > 0.05
    assert main.start - begun.start == timedelta(days=10)


@pytest.mark.slow
def test_readings_see_only_what_was_known() -> None:
    read = experiment().read(EARLY_DAY)
    assert (read.progress.stage, read.progress.day) == ("main", EARLY_DAY)
    assert read.metrics[0].status == "not_read"
    assert measured(read) is None
    assert experiment().read(10, stage=0).progress.stage == "safety"


@pytest.mark.slow
def test_after_the_roll_out_the_slice_is_back_in_its_band() -> None:
    fault, onset = story().world.fault, story().world.onset
    assert fault is not None
    assert onset is not None
    when = experiment().stages[1].start + timedelta(days=14)
    helped = MeasuredEffect(estimate=5.0, low=2.0, high=8.0, read_at=when)
    rolled = experiment().roll_out(helped)
    rows = rolled.dataset.facts()
    after = rows[(rows["order_time"] >= when) & rows_in(rows, fault.scope)]
    assert 1 < after["batch_size"].max() <= story().ordinary_threshold
    found = rolled.resolution(incident(fault.scope, onset, when))
    assert {c.name: c.met for c in found.conditions}["full_rollout"]
    assert (found.closed_as == "fixed") == all(c.met for c in found.conditions)


def test_what_the_story_cannot_tell_is_refused() -> None:
    with pytest.raises(StoryError, match="switchback"):
        story().experiment(plan(unit="customer", window_hours=None), morning=1, seed=1)
    fault = story().world.fault
    assert fault is not None
    endless = plan(scope=fault.scope, action="reduce_batching_threshold", rollout=STAGES, days=42)
    with pytest.raises(StoryError, match="the world on day"):
        story().experiment(endless, morning=6, seed=1)
