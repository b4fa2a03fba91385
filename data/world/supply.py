"""Couriers: how many are online, how busy they are, and how long an order waits for one.

Every region and category has a fleet of its own. A fleet is planned for the ordinary demand of the hour;
what demand and supply do beyond the plan moves its utilisation, and the wait grows as u / (1 - u).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data.world.arrays import Floats, Ints
from data.world.batching import propensity
from data.world.catalog import CATEGORIES
from data.world.levers import Levers
from data.world.shocks import Shocks
from data.world.structure import Structure, exponential_wait, queue_wait

SERVICE_HOURS: Final = 0.55
"""Courier time of an order carried alone."""
PLANNED_LOAD: Final = 0.66
"""Utilisation that the plan aims at, before batching saves courier time."""
CARRIED_SAVING: Final = 0.45
"""Share of its courier time that an order carried in addition does not need."""
WAIT_S: Final = 78.0
"""Wait for a courier at u / (1 - u) = 1, seconds."""
BUSIEST: Final = 0.94
WAIT_SPREAD: Final = 0.5
"""Part of the wait for a courier that is exponential; the rest is common to the hour."""


@dataclass(frozen=True)
class Supply:
    """State of the fleets, one entry a cell."""

    couriers: Floats
    busy: Floats
    load: Floats
    """Utilisation if nothing were batched."""
    batched: Floats
    """Probability that an order is batched."""
    wait_s: Floats
    """Mean wait for a courier."""

    @property
    def utilisation(self) -> Floats:
        """Share of the couriers that are busy."""
        return self.busy / self.couriers


def build(
    plan: Floats,
    mean_orders: Floats,
    shocks: Shocks,
    levers: Levers,
    base: Floats,
    *,
    structure: Structure = Structure.DECLARED,
) -> Supply:
    """The fleets under given levers.

    Args:
        plan: orders of every cell that the fleet is planned for.
        mean_orders: orders that are expected, shocks and conversion included.
        shocks: the common noise.
        levers: the parameters in force.
        base: ordinary batched share of every cell.
        structure: form of the wait.
    """
    shift = np.repeat(np.exp(shocks.supply), len(CATEGORIES))
    couriers = plan * SERVICE_HOURS / PLANNED_LOAD * shift * levers.couriers
    work = mean_orders * SERVICE_HOURS
    load = work / couriers
    batched = propensity(base, levers.batching_threshold, levers.batching_lift, load - PLANNED_LOAD)
    extra_share = batched * _carried_share(levers.batching_threshold)
    utilisation = utilised(load * (1 - CARRIED_SAVING * extra_share))
    wait = _WAITS.get(structure, mean_wait)(utilisation)
    return Supply(couriers, utilisation * couriers, load, batched, wait)


def utilised(load: Floats) -> Floats:
    """Utilisation at an offered load: equal to it while low, and never quite full."""
    over = np.maximum(load - 0.75, 0.0)
    return np.asarray(np.minimum(load, 0.75) + (BUSIEST - 0.75) * (1 - np.exp(-over / (BUSIEST - 0.75))))


def mean_wait(utilisation: Floats) -> Floats:
    """Mean wait for a courier, seconds."""
    return np.asarray(WAIT_S * utilisation / (1 - utilisation))


def assignment_wait(mean_s: Floats, exponential: Floats) -> Floats:
    """The wait of every order for a courier.

    Args:
        mean_s: its mean, by order.
        exponential: standard exponential draws, by order.
    """
    return mean_s * (1 - WAIT_SPREAD + WAIT_SPREAD * exponential)


def _carried_share(threshold: Ints) -> Floats:
    """Share of the batched orders that ride along with another."""
    size = 1 + np.maximum(threshold - 1, 0) * 0.72
    return np.asarray(1 - 1 / size)


def _planned_utilisation() -> float:
    ordinary_batched = 0.24
    threshold = np.array([2], dtype=np.int64)
    saving = CARRIED_SAVING * ordinary_batched * float(_carried_share(threshold)[0])
    return PLANNED_LOAD * (1 - saving)


_WAITS: Final = {Structure.OTHER_LINKS: exponential_wait, Structure.QUEUE: queue_wait}
PLANNED_UTILISATION: Final = _planned_utilisation()
PLANNED_WAIT_S: Final = float(mean_wait(np.array([PLANNED_UTILISATION]))[0])
"""Wait for a courier that the plan expects; promises allow for it."""
