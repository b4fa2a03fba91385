"""What nobody decides: weather, promotions, and the slow noise of demand, supply and traffic."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from data.world.arrays import Bools, Floats, Ints
from data.world.grid import Grid
from data.world.regions import REGIONS
from data.world.streams import Stream, stream

STORMS_PER_DAY: Final = 1 / 14
PROMOTIONS_PER_DAY: Final = 1 / 18
STORM_DEMAND: Final = 0.025
STORM_SUPPLY: Final = -0.01
STORM_TRAVEL: Final = 0.025
PROMOTION_DEMAND: Final = 0.03
DAILY_MEMORY: Final = 0.55
HOURLY_MEMORY: Final = 0.7
"""Correlation of a shock with that of the day or hour before."""


class Spread(NamedTuple):
    """Standard deviation of the shocks of a region, on the log scale."""

    daily: float
    hourly: float


DEMAND: Final = Spread(0.029, 0.014)
SUPPLY: Final = Spread(0.012, 0.009)
TRAVEL: Final = Spread(0.014, 0.010)
MOOD: Final = Spread(0.15, 0.10)


class Spell(NamedTuple):
    """Something that happens to a region from one step to another."""

    region: int
    first: int
    """First hour, counted from the region's first local midnight."""
    last: int
    """The hour after its last."""
    strength: float


@dataclass(frozen=True)
class Shocks:
    """Logarithms of multipliers, one entry a region-hour, and the spells behind some of them."""

    demand: Floats
    supply: Floats
    travel: Floats
    mood: Floats
    """Added to the log-odds of cancelling and complaining."""
    storms: tuple[Spell, ...]
    promotions: tuple[Spell, ...]


def draw(grid: Grid, *, seed: int, noise: float = 1.0) -> Shocks:
    """Draw the shocks of a world; nothing but these moves them.

    Args:
        grid: when and where.
        seed: the world's seed.
        noise: multiple of the slow noise.
    """
    storms = _spells(grid, stream(seed, Stream.WEATHER), per_day=STORMS_PER_DAY, hours=(3, 10))
    promotions = _spells(grid, stream(seed, Stream.PROMOTIONS), per_day=PROMOTIONS_PER_DAY, hours=(8, 24))
    storm, promotion = _intensity(grid, storms), _intensity(grid, promotions)
    demand_rng, supply_rng, travel_rng, mood_rng = (
        stream(seed, mechanism)
        for mechanism in (Stream.DEMAND_SHOCK, Stream.SUPPLY, Stream.TRAVEL, Stream.MOOD)
    )
    return Shocks(
        demand=noise * _noise(grid, demand_rng, DEMAND) + STORM_DEMAND * storm + PROMOTION_DEMAND * promotion,
        supply=noise * _noise(grid, supply_rng, SUPPLY) + STORM_SUPPLY * storm,
        travel=noise * _noise(grid, travel_rng, TRAVEL) + STORM_TRAVEL * storm,
        mood=noise * _noise(grid, mood_rng, MOOD),
        storms=storms,
        promotions=promotions,
    )


def calmed(grid: Grid, shocks: Shocks) -> Shocks:
    """The same shocks without a storm or a promotion."""
    storm, promotion = _intensity(grid, shocks.storms), _intensity(grid, shocks.promotions)
    return replace(
        shocks,
        demand=shocks.demand - STORM_DEMAND * storm - PROMOTION_DEMAND * promotion,
        supply=shocks.supply - STORM_SUPPLY * storm,
        travel=shocks.travel - STORM_TRAVEL * storm,
        storms=(),
        promotions=(),
    )


def autoregressive(noise: Floats, *, phi: float) -> Floats:
    """A stationary AR(1) of unit variance along the first axis.

    Args:
        noise: standard normal innovations.
        phi: correlation of neighbours.

    Example:
        >>> autoregressive(np.array([[1.0], [0.0]]), phi=0.5).ravel().tolist()
        [1.0, 0.5]
    """
    values = np.empty_like(noise)
    scale = float(np.sqrt(1 - phi**2))
    previous = values[0] = noise[0]
    for index in range(1, len(noise)):
        previous = values[index] = phi * previous + scale * noise[index]
    return values


def _noise(grid: Grid, rng: np.random.Generator, spread: Spread) -> Floats:
    shape = (len(REGIONS),)
    days = autoregressive(rng.standard_normal((int(grid.day.max()) + 1, *shape)), phi=DAILY_MEMORY)
    steps = autoregressive(rng.standard_normal((int(grid.step.max()) + 1, *shape)), phi=HOURLY_MEMORY)
    return np.asarray(
        spread.daily * days[grid.day, grid.region] + spread.hourly * steps[grid.step, grid.region]
    )


def _spells(
    grid: Grid, rng: np.random.Generator, *, per_day: float, hours: tuple[int, int]
) -> tuple[Spell, ...]:
    steps = int(grid.step.max()) + 1
    spells = []
    for region in range(len(REGIONS)):
        for _ in range(rng.poisson(per_day * steps / 24)):
            first = int(rng.integers(0, steps))
            last = min(first + int(rng.integers(hours[0], hours[1] + 1)), steps)
            spells.append(Spell(region, first, last, round(float(rng.uniform(0.4, 1.0)), 2)))
    return tuple(spells)


def _intensity(grid: Grid, spells: tuple[Spell, ...]) -> Floats:
    total = np.zeros(grid.region.size)
    for spell in spells:
        total = np.maximum(total, np.where(within(grid.region, grid.step, spell), spell.strength, 0.0))
    return total


def within(region: Ints, step: Ints, spell: Spell) -> Bools:
    """Which region-hours a spell covers."""
    return np.asarray((region == spell.region) & (step >= spell.first) & (step < spell.last))
