"""What a fault truly did to each metric, which of two causes did more, and what the weather did."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from data.slices import Slice
from data.world import World, WorldConfig, shocks
from data.world.regions import REGION_SHARES, REGIONS
from evals.true_effects import MATTERS, TrueEffects, true_effects, weather_share
from tools.incidents import Window


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


def _stormy(monkeypatch: pytest.MonkeyPatch, *, first: int, last: int, strength: float) -> World:
    """A quiet world with one storm, over region 0 from one hour to another."""
    storm = shocks.Spell(0, first, last, strength)

    def spells(*_: object, per_day: float, **__: object) -> tuple[shocks.Spell, ...]:
        return (storm,) if per_day == shocks.STORMS_PER_DAY else ()

    monkeypatch.setattr(shocks, "_spells", spells)
    return World(WorldConfig(orders_per_day=4_000, days=14, seed=3, noise=1e-6))


def test_a_storm_is_what_it_did_beyond_a_calm_world(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _stormy(monkeypatch, first=240, last=264, strength=8.0)
    run, calm = world.run(), world.calm()
    region = Slice.parse({"region": REGIONS[0]})
    start = datetime.fromtimestamp(int(run.draws.grid.start[0]), tz=UTC) + timedelta(hours=240)
    window = Window(start=start, end=start + timedelta(days=1))
    share = weather_share(calm, run, "on_time", region, window)
    assert share == pytest.approx(1.0, abs=0.25)
    before = Window(start=start - timedelta(days=1), end=start)
    assert weather_share(calm, run, "on_time", region, before) == pytest.approx(0.0, abs=1e-9)
    assert weather_share(run, run, "on_time", region, window) == 0.0


def test_those_whom_a_storm_brought_do_not_come_in_a_calm_world(monkeypatch: pytest.MonkeyPatch) -> None:
    world = _stormy(monkeypatch, first=0, last=336, strength=10.0)
    stormy, calm = (len(run.tables["orders"]) for run in (world.run(), world.calm()))
    expected = 1 + REGION_SHARES[0] * (np.exp(10 * shocks.STORM_DEMAND) - 1)
    assert stormy / calm == pytest.approx(expected, rel=0.01)
