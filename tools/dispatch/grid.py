"""Policy cells side by side: how many couriers and how large the batches, under the same orders and the same chance.

Every replication is one shift of one region; all shifts of a cell are walked in one go. It is a plain region of its
own, not fitted to anything: what it shows is the trade-off between lateness and courier time, and how fast it is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tools.dispatch.draws import Draws, draw
from tools.dispatch.kernel import Orders, Rules, dispatch

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """A region's shift; durations in seconds."""

    orders_per_hour: int = 60
    hours: float = 3.0
    service_s: float = 1290.0
    """Mean courier time of a trip with one order."""
    saving: float = 0.5
    """Share of its courier time that an order carried in addition does not need."""
    batched: float = 0.6
    """Share of the orders that dispatch would batch."""
    wait_per_extra_s: float = 240.0
    prep_s: float = 600.0
    travel_s: float = 600.0
    spread: float = 0.15
    """Log standard deviation of preparation and of travel."""
    promise_s: float = 1800.0
    """Arrival up to so long after the order is on time."""

    @property
    def orders(self) -> int:
        """Orders of the shift."""
        return round(self.orders_per_hour * self.hours)


class Cell(NamedTuple):
    """One policy, over all replications."""

    couriers: int
    threshold: int
    on_time: float
    orders_per_courier_hour: float
    """Delivered within the shift, over all couriers' hours."""
    utilisation: float
    """Courier time of all orders over the shift's; above 1 work spills past its end."""


PLAIN = Shift()


def run_grid(
    couriers: Sequence[int],
    thresholds: Sequence[int],
    *,
    replications: int,
    seed: int,
    shift: Shift = PLAIN,
) -> tuple[Cell, ...]:
    """Play every pair of couriers and threshold.

    Args:
        couriers: numbers online, at least 1.
        thresholds: most orders of a trip, at least 1.
        replications: shifts of each cell; the same orders in all cells.
        seed: of the orders and their chance.
        shift: the region.

    Raises:
        ValueError: a number is below 1.

    Example:
        >>> one, two = run_grid([18], [1, 2], replications=20, seed=7)
        >>> one.on_time < two.on_time
        True
    """
    for name, values in (
        ("couriers", couriers),
        ("thresholds", thresholds),
        ("replications", [replications]),
    ):
        if min(values) < 1:
            raise ValueError(f"{name} = {min(values)}, must be at least 1")
    number = shift.orders * replications
    rng = np.random.default_rng([seed, number])
    arrival = np.sort(rng.uniform(0, 3600 * shift.hours, (replications, shift.orders)), axis=1).ravel()
    draws = draw(number, seed=seed)
    return tuple(_cell(arrival, draws, c, k, shift, replications) for c in couriers for k in thresholds)


def _cell(
    arrival: Floats, draws: Draws, couriers: int, threshold: int, shift: Shift, replications: int
) -> Cell:
    number = len(arrival)
    orders = Orders(
        arrival_s=arrival,
        shift=np.repeat(np.arange(replications), shift.orders),
        couriers=np.full(number, couriers),
        threshold=np.full(number, threshold),
        propensity=np.full(number, shift.batched),
    )
    found = dispatch(orders, draws, Rules(shift.service_s, shift.saving))
    noise = np.exp(shift.spread * np.array([draws.prep_n, draws.travel_n]) - shift.spread**2 / 2)
    wait = found.queue_s + shift.wait_per_extra_s * (found.size - 1)
    whole = shift.prep_s * noise[0] + wait + shift.travel_s * noise[1]
    hours = couriers * shift.hours * replications
    done = arrival + whole <= 3600 * shift.hours
    return Cell(
        couriers=couriers,
        threshold=threshold,
        on_time=float((whole <= shift.promise_s).mean()),
        orders_per_courier_hour=float(done.sum() / hours),
        utilisation=float(found.busy_s.sum() / 3600 / hours),
    )
