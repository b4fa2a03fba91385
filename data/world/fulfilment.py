"""Preparation, travel and the promise: the times of an order.

An order is prepared, waits for its courier and for the rest of its batch, and travels:
arrival = order time + prep + wait + travel. The promise is the expectation of all that in ordinary times;
it knows the store, the distance, the hour and the planned batch, and nothing of faults.
"""

from typing import Final

import numpy as np

from data.world.arrays import Floats, Ints
from data.world.batching import WAIT_S

PREP_SPREAD: Final = 0.12
"""Log standard deviation of a store's preparation times."""
PREP_PER_CARRIED: Final = 0.15
"""Preparation grows by this share with every further order of the batch."""
DOOR_S: Final = 240.0
"""Parking and stairs, seconds."""
SECONDS_PER_MILE: Final = 150.0
TRAVEL_SPREAD: Final = 0.10
DISTANCE_SPREAD: Final = 0.35
LEARNED: Final = 0.75
"""Share of the delay of a third, fourth... order that the promise allows for; of a second it allows all."""
PROMISE_BUFFER_S: Final = -20.0


def prepare(store_s: Floats, size: Ints, factor: Floats, normal: Floats) -> Floats:
    """Preparation of every order, seconds.

    Args:
        store_s: mean of the store for an order carried alone.
        size: orders in the batch.
        factor: the lever on preparation.
        normal: standard normal draws.
    """
    noise = np.exp(PREP_SPREAD * normal - PREP_SPREAD**2 / 2)
    return np.asarray(store_s * (1 + PREP_PER_CARRIED * (size - 1)) * factor * noise)


def travel(miles: Floats, traffic: Floats, normal: Floats) -> Floats:
    """Travel of every order, seconds.

    Args:
        miles: store to customer.
        traffic: log of the hour's slowness.
        normal: standard normal draws.
    """
    noise = np.exp(traffic + TRAVEL_SPREAD * normal - TRAVEL_SPREAD**2 / 2)
    return np.asarray((DOOR_S + SECONDS_PER_MILE * miles) * noise)


def promise(store_s: Floats, planned_wait_s: float, size: Ints, miles: Floats, buffer_s: Floats) -> Floats:
    """Length of every promise, seconds.

    Args:
        store_s: mean preparation of the store.
        planned_wait_s: wait for a courier that the plan expects.
        size: orders in the planned batch.
        miles: store to customer.
        buffer_s: the lever on the promise.
    """
    extra = size - 1
    allowed = np.where(extra > 0, 1 + LEARNED * (extra - 1), 0.0)
    batch = (WAIT_S + PREP_PER_CARRIED * store_s) * allowed
    way = DOOR_S + SECONDS_PER_MILE * miles
    return np.asarray(store_s + planned_wait_s + batch + way + PROMISE_BUFFER_S + buffer_s)
