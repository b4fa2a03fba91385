from datetime import date

import numpy as np
import pytest

from data.world import grid as grids
from data.world import shocks


def test_autoregressive_noise_has_unit_variance_and_its_memory() -> None:
    noise = np.random.default_rng(0).standard_normal((4_000, 8))
    found = shocks.autoregressive(noise, phi=0.6)
    assert found.std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(found[:-1, 0], found[1:, 0])[0, 1] == pytest.approx(0.6, abs=0.04)


def test_shocks_depend_on_the_seed_alone() -> None:
    grid = grids.build(date(2026, 1, 5), days=4)
    first, again, other = (shocks.draw(grid, seed=seed) for seed in (1, 1, 2))
    assert (first.demand == again.demand).all()
    assert (first.demand != other.demand).any()


def test_a_storm_slows_its_region_only() -> None:
    grid = grids.build(date(2026, 1, 5), days=2)
    spell = shocks.Spell(region=1, first=3, last=5, strength=0.5)
    covered = shocks.within(grid.region, grid.step, spell)
    assert int(covered.sum()) == 2
    assert set(grid.region[covered]) == {1}


def test_calmed_shocks_are_the_noise_alone() -> None:
    grid = grids.build(date(2026, 1, 5), days=20)
    stormy = shocks.draw(grid, seed=3)
    calm = shocks.calmed(grid, stormy)
    assert stormy.storms
    assert stormy.promotions
    assert (calm.storms, calm.promotions) == ((), ())
    covered = np.zeros(grid.region.size, dtype=bool)
    for spell in (*stormy.storms, *stormy.promotions):
        covered |= shocks.within(grid.region, grid.step, spell)
    assert (calm.demand[covered] < stormy.demand[covered]).all()
    for of in ("demand", "supply", "travel"):
        assert (getattr(calm, of)[~covered] == getattr(stormy, of)[~covered]).all()
