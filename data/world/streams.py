"""Random streams: one per mechanism, so that a change in one mechanism moves no other's draws."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """The mechanisms; a number, once given, is never reused, or old seeds change their worlds.

    They start at 701 because there the demo's seed shows a typical week.
    """

    CATALOG = 701
    WEATHER = 702
    DEMAND_SHOCK = 703
    DEMAND_COUNT = 704
    SESSION = 705
    BASKET = 706
    SUPPLY = 707
    ASSIGNMENT = 708
    BATCHING = 709
    PREP = 710
    TRAVEL = 711
    ORDER_LINES = 712
    STOCK = 713
    ITEMS = 714
    CANCELLATION = 715
    REFUND = 716
    SUPPORT = 717
    RATING = 718
    DECOYS = 719
    PROMOTIONS = 720
    INVENTORY_EVENTS = 721
    FAULT_SIZE = 722
    FAULT_SCOPE = 723
    ROAD = 724
    MOOD = 725
    HIDDEN = 726


def stream(seed: int, mechanism: Stream) -> np.random.Generator:
    """The generator of one mechanism in the world of a seed.

    Example:
        >>> a, b = stream(7, Stream.PREP), stream(7, Stream.PREP)
        >>> bool(a.random() == b.random())
        True
    """
    return np.random.default_rng(np.random.SeedSequence([seed, int(mechanism)]))
