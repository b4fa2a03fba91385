"""How the mechanisms of a world are built: as declared, or otherwise, to try what was learned on the declared ones.

Only the form changes; what faults move is the same. None of the other forms is used to train anything.
"""

from enum import StrEnum
from typing import Final

import numpy as np

from data.world.arrays import Floats
from data.world.grid import Grid
from data.world.regions import REGIONS
from data.world.shocks import autoregressive
from data.world.streams import Stream, stream


class Structure(StrEnum):
    """The form of the mechanisms."""

    DECLARED = "declared"
    OTHER_LINKS = "other_links"
    """Waits grow exponentially with utilisation, and customers cancel and complain by a complementary log-log."""
    QUEUE = "queue"
    """Orders queue for the couriers of a zone: most wait for nobody, some for long."""
    EXTRA_EDGE = "extra_edge"
    """Busy couriers crowd the stores: preparation grows with utilisation."""
    HIDDEN = "hidden"
    """Something unrecorded slows stores and streets and sours customers together."""


SERVICE_S: Final = 1980.0
"""Courier time of an order carried alone."""
ZONE_COURIERS: Final = 10.0
"""Couriers that share a queue."""
_CROWDING: Final = 0.5
"""Log of preparation with every unit of utilisation above the plan."""
_HIDDEN_SPREAD: Final = 0.035
_HIDDEN_MEMORY: Final = 0.97


def exponential_wait(utilisation: Floats) -> Floats:
    """Mean wait for a courier, seconds, without the pole at full utilisation."""
    return np.asarray(24.0 * np.exp(2.5 * utilisation))


def queue_wait(utilisation: Floats) -> Floats:
    """Mean wait in a queue of a zone's couriers, seconds; the approximation of Sakasegawa (1977).

    Example:
        >>> queue_wait(np.array([0.62, 0.85])).round().tolist()
        [89.0, 725.0]
    """
    return np.asarray(SERVICE_S * waits_at_all(utilisation) / (ZONE_COURIERS * (1 - utilisation)))


def waits_at_all(utilisation: Floats) -> Floats:
    """Probability that an order must queue."""
    return np.asarray(utilisation ** (np.sqrt(2 * (ZONE_COURIERS + 1)) - 1))


def queued(mean_s: Floats, waits: Floats, exponential: Floats) -> Floats:
    """The wait of every order in the queue: nothing, or exponential.

    Args:
        mean_s: mean wait, those that do not wait included.
        waits: probability to wait at all.
        exponential: standard exponential draws; one draw decides both.
    """
    beyond = exponential + np.log(waits)
    return np.asarray(np.maximum(beyond, 0.0) * mean_s / waits)


def crowding(utilisation: Floats, planned: float) -> Floats:
    """Multiple of the preparation times where couriers are busier than planned."""
    return np.asarray(np.exp(_CROWDING * np.maximum(utilisation - planned, 0.0)))


def hidden(grid: Grid, *, seed: int) -> Floats:
    """The unrecorded shock of every region-hour, log scale; it lasts for a day or two."""
    rng = stream(seed, Stream.HIDDEN)
    steps = rng.standard_normal((int(grid.step.max()) + 1, len(REGIONS)))
    return np.asarray(_HIDDEN_SPREAD * autoregressive(steps, phi=_HIDDEN_MEMORY)[grid.step, grid.region])
