"""Demand: how many customers come, when, and how long a promise they accept."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data.world.arrays import Floats, Ints
from data.world.catalog import CATEGORIES, Catalog, per_category
from data.world.grid import HOUR, Grid
from data.world.regions import REGION_SHARES
from data.world.shocks import Shocks
from data.world.streams import Stream, stream

BASE_CONVERSION: Final = 0.92
"""Share of customers that order at the ordinary promise and selection."""
PROMISE_ELASTICITY: Final = 0.020
"""Share of orders lost with every minute that is added to the promise."""
SELECTION_ELASTICITY: Final = 0.8
"""Share of orders lost with every share of the selection that is not offered."""

_HOURS: Final = np.arange(24.0)
_WEEKDAYS: Final = np.array([0.93, 0.93, 0.96, 1.0, 1.10, 1.12, 0.96])
_PEAKS: Final = {
    "restaurant": ((12.4, 1.5, 0.9), (18.9, 1.9, 1.7), (9.0, 1.5, 0.15)),
    "grocery": ((11.0, 2.6, 0.8), (18.8, 1.8, 1.75)),
    "retail": ((13.5, 3.2, 1.0), (18.5, 2.2, 0.8)),
    "pharmacy": ((10.5, 2.4, 1.0), (18.0, 2.2, 0.9)),
}
"""(hour, width, height) of every category's peaks."""
_FLOOR: Final = 0.02


@dataclass(frozen=True)
class Sessions:
    """Customers with a full basket, in order of time; one entry each.

    Those who are not put off by promise or selection become orders.
    """

    cell: Ints
    time: Ints
    """Seconds since 1970 in UTC."""
    store: Ints
    user: Ints
    patience: Floats
    """Orders where it lies below the conversion rate; uniform from 0 to 1, or to the most customers that come."""
    basket_cents: Ints


def hour_shape() -> Floats:
    """Share of a day's orders by category, weekday and hour; shape (categories, 7, 24), mean day sums to 1."""
    shapes = np.empty((len(CATEGORIES), 7, 24))
    for index, category in enumerate(CATEGORIES):
        hourly = np.full(24, _FLOOR)
        for at, width, height in _PEAKS[category.name]:
            hourly += height * np.exp(-0.5 * ((_HOURS + 0.5 - at) / width) ** 2)
        shapes[index] = np.outer(_WEEKDAYS / _WEEKDAYS.mean(), hourly / hourly.sum())
    return shapes


def planned(grid: Grid, *, orders_per_day: int) -> Floats:
    """Expected sessions of every cell before any shock."""
    shape = hour_shape()[:, grid.weekday, grid.hour].T
    share = np.asarray(REGION_SHARES)[grid.region][:, None] * per_category("share")
    return np.asarray(shape * share * (orders_per_day / BASE_CONVERSION)).ravel()


def expected(plan: Floats, shocks: Shocks) -> Floats:
    """Expected sessions of every cell, shocks included."""
    return np.asarray(plan * np.repeat(np.exp(shocks.demand), len(CATEGORIES)))


def draw(
    grid: Grid, catalog: Catalog, mean: Floats, *, seed: int, orders_per_day: int, surge: Floats
) -> Sessions:
    """Draw the sessions of a world.

    Args:
        grid: when and where.
        catalog: the stores.
        mean: most sessions that are expected of every cell.
        seed: the world's seed.
        orders_per_day: sets how many customers there are.
        surge: multiple that `mean` is of the ordinary; who comes only then has a patience above 1.
    """
    counts = stream(seed, Stream.DEMAND_COUNT).poisson(mean)
    rng = stream(seed, Stream.SESSION)
    total = int(counts.sum())
    cell = np.repeat(np.arange(grid.cells), counts)
    time = grid.start[cell // len(CATEGORIES)] + (rng.random(total) * HOUR).astype(np.int64)
    order = np.argsort(time, kind="stable")
    cell, time = cell[order], time[order]
    user = (rng.random(total) ** 1.6 * (6 * orders_per_day + 1)).astype(np.int64) + 1
    store = _stores(grid, catalog, cell, rng.random(total))
    patience = rng.random(total) * surge[cell]
    return Sessions(cell, time, store, user, patience, _baskets(cell, seed))


def conversion(buffer_s: Floats, hidden_share: Floats) -> Floats:
    """Share of sessions that order, by cell.

    Args:
        buffer_s: seconds added to the promise.
        hidden_share: share of the selection that is not offered.
    """
    kept = (1 - PROMISE_ELASTICITY * buffer_s / 60) * (1 - SELECTION_ELASTICITY * hidden_share)
    return np.clip(BASE_CONVERSION * kept, 0.0, 1.0)


def _stores(grid: Grid, catalog: Catalog, cell: Ints, uniform: Floats) -> Ints:
    fleet = grid.region[cell // len(CATEGORIES)] * len(CATEGORIES) + cell % len(CATEGORIES)
    found = np.searchsorted(catalog.popularity, fleet + uniform, side="right")
    store: Ints = np.minimum(found, catalog.fleet_start[fleet + 1] - 1)
    return store


def _baskets(cell: Ints, seed: int) -> Ints:
    noise = stream(seed, Stream.BASKET).standard_normal(cell.size)
    median = per_category("basket")[cell % len(CATEGORIES)]
    cents: Ints = np.rint(100 * median * np.exp(0.45 * noise)).astype(np.int64)
    return cents
