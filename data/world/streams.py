"""Random streams: one per mechanism, so that a change in one mechanism moves no other's draws."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The mechanisms; a number, once given, is never reused, or old seeds change their worlds."""

    CATALOG = 1
    WEATHER = 2
    DEMAND_SHOCK = 3
    DEMAND_COUNT = 4
    SESSION = 5
    BASKET = 6
    SUPPLY = 7
    ASSIGNMENT = 8
    BATCHING = 9
    PREP = 10
    TRAVEL = 11
    ORDER_LINES = 12
    STOCK = 13
    ITEMS = 14
    CANCELLATION = 15
    REFUND = 16
    SUPPORT = 17
    RATING = 18
    DECOYS = 19
    PROMOTIONS = 20
    INVENTORY_EVENTS = 21
    FAULT_SIZE = 22
    FAULT_SCOPE = 23
    ROAD = 24


def stream(seed: int, mechanism: Stream) -> np.random.Generator:
    """The generator of one mechanism in the world of a seed.

    Example:
        >>> a, b = stream(7, Stream.PREP), stream(7, Stream.PREP)
        >>> bool(a.random() == b.random())
        True
    """
    return np.random.default_rng(np.random.SeedSequence([seed, int(mechanism)]))
