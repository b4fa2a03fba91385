"""Stock: how likely a product is to be there, and what an order gets instead."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data.world.arrays import Bools, Floats, Ints
from data.world.catalog import CATEGORIES, SKUS_PER_CATEGORY, Catalog, per_category
from data.world.shocks import autoregressive
from data.world.streams import Stream, stream

SUBSTITUTED: Final = 0.60
"""Share of the absent products that are replaced; the rest is missing."""
OUT_OF_STOCK_BELOW: Final = 0.80
"""The stock system calls a product out of stock below this probability."""
_POPULARITY: Final = 1 / (np.arange(SKUS_PER_CATEGORY) + 3.0)
_TABLE: Final = 4096


@dataclass(frozen=True)
class Stock:
    """Probability that a product is there, shape (stores, products, days)."""

    probability: Floats


@dataclass(frozen=True)
class Lines:
    """Order lines of all sessions, in their order; one entry a line."""

    session: Ints
    product: Ints
    """Product within the category."""
    quantity: Ints
    luck: Floats
    """A uniform: the product is absent where it lies below one minus its probability."""
    refund_luck: Floats
    share: Floats
    """Share of the order's value."""


def build(catalog: Catalog, *, days: int, seed: int) -> Stock:
    """Stock of every store, product and day: a level of its own with slow noise around it."""
    rng = stream(seed, Stream.STOCK)
    stores = catalog.category.size
    level = np.log(per_category("out_of_stock"))[catalog.category][:, None]
    level = level + 0.45 * rng.standard_normal((stores, SKUS_PER_CATEGORY)) - 0.45**2 / 2
    noise = autoregressive(rng.standard_normal((days, stores, SKUS_PER_CATEGORY)), phi=0.8)
    absent = np.exp(level[None] + 0.35 * noise - 0.35**2 / 2)
    return Stock(np.clip(1 - absent, 0.05, 1.0).transpose(1, 2, 0))


def draw_lines(counts: Ints, *, seed: int) -> Lines:
    """Draw the order lines.

    Args:
        counts: lines of every session.
        seed: the world's seed.
    """
    rng = stream(seed, Stream.ITEMS)
    total = int(counts.sum())
    session = np.repeat(np.arange(counts.size), counts)
    product = _product_table()[(rng.random(total, dtype=np.float32) * _TABLE).astype(np.int64)]
    quantity = 1 + (rng.random(total, dtype=np.float32) > 0.8).astype(np.int64)
    weight = 0.5 + rng.random(total)
    begin = np.cumsum(counts) - counts
    share = weight / np.repeat(np.add.reduceat(weight, begin), counts) if total else weight
    return Lines(session, product, quantity, rng.random(total), rng.random(total), share)


def line_counts(category: Ints, uniform: Floats) -> Ints:
    """How many lines an order of a category has."""
    counts = np.empty(category.size, dtype=np.int64)
    for index, kind in enumerate(CATEGORIES):
        at = category == index
        counts[at] = 1 + np.searchsorted(np.cumsum(kind.extra_items)[:-1], uniform[at], side="right")
    return counts


def offered(probability: Floats, suppress_below: Floats) -> Floats:
    """Probability that an ordered product is there, once the doubtful ones are not offered.

    A customer of a suppressed product takes another, which is as likely there as the limit.
    """
    return np.maximum(probability, suppress_below)


def scarcer(probability: Floats, absent: Floats) -> Floats:
    """Probability that a product is there, where it is absent so many times as often.

    Example:
        >>> scarcer(np.array([0.9]), np.array([3.0])).round(2).tolist()
        [0.7]
    """
    scarce = np.maximum(1 - (1 - probability) * absent, 0.05)
    return np.where(absent == 1.0, probability, scarce)


def substituted(absent: Bools, luck: Floats, probability: Floats) -> Bools:
    """Which of the absent products are replaced."""
    return absent & (luck < SUBSTITUTED * (1 - probability))


def _product_table() -> Ints:
    cumulative = np.cumsum(_POPULARITY / _POPULARITY.sum())
    return np.searchsorted(cumulative, (np.arange(_TABLE) + 0.5) / _TABLE).astype(np.int64)
