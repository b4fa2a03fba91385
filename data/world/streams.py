"""Random streams: one per mechanism, so that a change in one mechanism moves no other's draws."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The mechanisms; a number, once given, is never reused, or old seeds change their worlds.

    They start at 901 because there the demo's seed shows a typical week.
    """

    CATALOG = 901
    WEATHER = 902
    DEMAND_SHOCK = 903
    DEMAND_COUNT = 904
    SESSION = 905
    BASKET = 906
    SUPPLY = 907
    ASSIGNMENT = 908
    BATCHING = 909
    PREP = 910
    TRAVEL = 911
    ORDER_LINES = 912
    STOCK = 913
    ITEMS = 914
    CANCELLATION = 915
    REFUND = 916
    SUPPORT = 917
    RATING = 918
    DECOYS = 919
    PROMOTIONS = 920
    INVENTORY_EVENTS = 921
    FAULT_SIZE = 922
    FAULT_SCOPE = 923
    ROAD = 924
    MOOD = 925


def stream(seed: int, mechanism: Stream) -> np.random.Generator:
    """The generator of one mechanism in the world of a seed.

    Example:
        >>> a, b = stream(7, Stream.PREP), stream(7, Stream.PREP)
        >>> bool(a.random() == b.random())
        True
    """
    return np.random.default_rng(np.random.SeedSequence([seed, int(mechanism)]))
