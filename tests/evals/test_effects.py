"""The report on effects: what it counts, and one world whose truth is known."""

from functools import cache

import numpy as np
import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldConfig
from evals import effects as module
from evals.effects import EffectCase, Estimate, estimate_case, incident_of, measure, summarise, true_effect_pp
from tools.incident_frame import slice_mask
from tools.outcomes import harm


def estimate(truth: float, effect: float | None, half: float = 1.0, name: str = "tool") -> Estimate:
    low, high = (None, None) if effect is None else (effect - half, effect + half)
    return Estimate(estimator=name, truth_pp=truth, whole_pp=10.0, effect_pp=effect, low_pp=low, high_pp=high)


def test_coverage_bias_and_silence_are_counted_by_estimator() -> None:
    said = [
        estimate(10.0, 10.5),
        estimate(10.0, 12.5, 2.0),
        estimate(10.0, None),
        estimate(0.0, 0.5, name="b"),
    ]
    one, other = summarise(said)
    assert (one.estimator, one.worlds, one.abstained) == ("tool", 3, 1)
    assert (one.covered.hits, one.covered.total) == (1, 2)
    assert one.truth_pp == pytest.approx(10.0)
    assert one.effect_pp == pytest.approx(11.5)
    assert one.bias_share == pytest.approx(0.15)
    assert one.half_width_pp == pytest.approx(1.5)
    assert other.bias_share == pytest.approx(0.05), "of the whole effect, where the truth is none"


def test_an_estimator_that_never_spoke_has_no_figures() -> None:
    (row,) = summarise([estimate(10.0, None)])
    assert (row.abstained, row.covered.total, row.bias_share, row.half_width_pp) == (1, 0, None, None)


@cache
def small() -> World:
    return World(WorldConfig(scenario="batching", orders_per_day=6_000, seed=11))


def test_the_truth_is_what_the_tools_estimate() -> None:
    """Late among the delivered, read from the tables of both worlds as the tools read them."""
    world = small()
    rates = []
    for run in (world.run(), world.twin()):
        dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
        facts, incident = dataset.facts(), incident_of(world, dataset)
        time = facts["order_time"]
        inside = (
            slice_mask(facts, incident.slice) & ((time >= incident.start) & (time < incident.end)).to_numpy()
        )
        late = harm(facts, "on_time")[inside]
        rates.append(np.nanmean(late))
    assert true_effect_pp(world) == pytest.approx(100 * (rates[0] - rates[1]), abs=1e-9)


def test_a_world_without_a_fault_has_no_effect() -> None:
    with pytest.raises(ValueError, match="no fault"):
        true_effect_pp(World(WorldConfig(scenario="none", orders_per_day=200)))


@pytest.mark.slow
def test_the_demo_s_fault_is_estimated_within_its_interval() -> None:
    change, policy, merchant = estimate_case(EffectCase("batching", "test", 0))
    assert [one.estimator.split()[-1] for one in (change, policy, merchant)] == [
        "policy_effect",
        "policy",
        "merchant",
    ]
    assert change.truth_pp == policy.truth_pp > 5
    assert merchant.truth_pp == 0
    for one in (change, policy):
        assert one.effect_pp is not None
        assert one.effect_pp == pytest.approx(one.truth_pp, rel=0.25)
        assert one.low_pp is not None
        assert one.high_pp is not None
        assert one.low_pp < one.effect_pp < one.high_pp
    assert merchant.effect_pp is not None
    assert abs(merchant.effect_pp) < 0.2 * merchant.whole_pp


def test_worlds_come_from_their_label_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[EffectCase] = []

    def spy(case: EffectCase) -> tuple[Estimate, ...]:
        asked.append(case)
        return (estimate(10.0, 9.5),)

    monkeypatch.setattr(module, "estimate_case", spy)
    told: list[int] = []
    report = measure(
        "abc", worlds=3, scenario="merchant_prep", workers=1, progress=lambda n, _of: told.append(n)
    )
    assert told == [1, 2, 3]
    assert [(one.scenario, one.label, one.number) for one in asked] == [
        ("merchant_prep", "abc", number) for number in range(3)
    ]
    assert report.rows[0].covered.hits == 3
