"""Categories, stores and products: what does not change while a world runs."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from data.world.arrays import Floats, Ints
from data.world.regions import REGION_SHARES
from data.world.streams import Stream, stream

STORES: Final = 300
SKUS_PER_CATEGORY: Final = 24


class Category(NamedTuple):
    """How one category of orders behaves."""

    name: str
    share: float
    """Share of all orders."""
    prep_s: float
    """Mean preparation of an order carried alone."""
    batched: float
    """Batched share at the ordinary threshold and load."""
    extra_items: tuple[float, ...]
    """Probability of 1, 2, 3... order lines."""
    basket: float
    """Median value of an order."""
    out_of_stock: float
    """Mean probability that a product is not there."""
    miles: float
    """Mean distance."""


CATEGORIES: Final = (
    Category("restaurant", 0.44, 840, 0.22, (0.38, 0.34, 0.18, 0.10), 31.0, 0.014, 2.4),
    Category("grocery", 0.30, 900, 0.30, (0.08, 0.16, 0.24, 0.22, 0.16, 0.14), 66.0, 0.030, 3.0),
    Category("retail", 0.16, 480, 0.20, (0.58, 0.28, 0.14), 44.0, 0.022, 3.4),
    Category("pharmacy", 0.10, 420, 0.18, (0.62, 0.26, 0.12), 27.0, 0.020, 2.6),
)
CATEGORY_NAMES: Final = tuple(category.name for category in CATEGORIES)


@dataclass(frozen=True)
class Catalog:
    """The stores, each of one region and one category; arrays of length stores.

    Stores are sorted by (region, category), so those of a fleet are contiguous.
    """

    region: Ints
    category: Ints
    prep_s: Floats
    """Mean preparation of the store, seconds."""
    miles: Floats
    """Mean distance of the store's customers."""
    fleet_start: Ints
    """First store of each (region, category), shape (regions * categories + 1,)."""
    popularity: Floats
    """Cumulative share within the fleet, offset by the fleet's number: a sorted array over all stores."""


def per_category(field: str) -> Floats:
    """One number of every category, in their order."""
    return np.array([getattr(category, field) for category in CATEGORIES], dtype=np.float64)


def build(seed: int) -> Catalog:
    """The stores of a world.

    Args:
        seed: the world's seed.
    """
    rng = stream(seed, Stream.CATALOG)
    counts = _stores_per_fleet()
    fleet = np.repeat(np.arange(counts.size), counts)
    region, category = fleet // len(CATEGORIES), fleet % len(CATEGORIES)
    prep = per_category("prep_s")[category] * np.exp(rng.normal(0.0, 0.10, fleet.size))
    miles = per_category("miles")[category] * np.exp(rng.normal(0.0, 0.15, fleet.size))
    weight = np.exp(rng.normal(0.0, 0.9, fleet.size))
    start = np.concatenate([[0], np.cumsum(counts)])
    return Catalog(region, category, prep, miles, start, _cumulative(weight, fleet, start))


def _stores_per_fleet() -> Ints:
    share = np.outer(REGION_SHARES, per_category("share")).ravel()
    counts = np.maximum(np.round(share * STORES).astype(np.int64), 2)
    counts[np.argmax(counts)] += STORES - counts.sum()
    return counts


def _cumulative(weight: Floats, fleet: Ints, start: Ints) -> Floats:
    running = np.cumsum(weight)
    before = np.concatenate([[0.0], running])[start[:-1]]
    total = np.add.reduceat(weight, start[:-1])
    within = (running - before[fleet]) / total[fleet]
    within[start[1:] - 1] = 1.0
    return np.asarray(within + fleet)
