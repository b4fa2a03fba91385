"""What a fault truly did to each metric, and which of two causes did more."""

import pytest

from data.world import World, WorldConfig
from evals.true_effects import MATTERS, TrueEffects, true_effects


def effects(scenario: str) -> TrueEffects | None:
    world = World(WorldConfig(scenario=scenario, orders_per_day=2_000, days=14, seed=11))
    return true_effects(world, world.run())


def test_nothing_wrong_has_no_effects() -> None:
    assert effects("none") is None


def test_missing_items_move_refunds_and_the_index_and_not_lateness() -> None:
    found = effects("inventory")
    assert found is not None
    assert {"on_time", "cancellation"} <= set(found.untouched)
    assert found.whole["refund"] > 2
    assert found.whole["cx_index"] > 2
    assert found.causes("cx_index") == found.causes("refund") == ("inventory",)


def test_both_causes_of_two_are_told_the_larger_first() -> None:
    found = effects("courier_supply+merchant_prep")
    assert found is not None
    assert set(found.parts) == {"courier_supply", "merchant_prep"}
    for metric in ("on_time", "cx_index"):
        z = {cause: by_metric[metric] for cause, by_metric in found.parts.items()}
        assert found.causes(metric) == tuple(sorted(z, key=lambda cause: -z[cause]))


@pytest.mark.parametrize(("smaller", "told"), [(0.3, 2), (0.1, 1)])
def test_a_cause_of_hardly_anything_is_none(smaller: float, told: int) -> None:
    parts = {"eta_model": {"on_time": 10.0}, "merchant_prep": {"on_time": 10.0 * smaller / (1 - smaller)}}
    assert len(TrueEffects({"on_time": 12.0}, parts).causes("on_time")) == told
    assert 0.1 < MATTERS < 0.3
