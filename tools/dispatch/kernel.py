"""The event loop of dispatch: orders in order of time, put together in batches, each batch a trip of one courier.

Trips are served first come first served by whichever courier is free first. With no batching, exponential gaps and
exponential trips it is the queue M/M/c. The courier time of a trip belongs to its first order, so that with the
batches given, more couriers (so many more at any time, or a multiple) never make any trip wait longer: the sorted
vector of free times stays below that of fewer couriers after every trip (J. Kiefer and J. Wolfowitz (1955), On the
theory of queues with many servers).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from tools.dispatch.draws import Draws

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

UNLIMITED: Final = 0
"""Couriers where their number is not known: nobody queues."""


@dataclass(frozen=True)
class Orders:
    """Orders sorted by shift and time, arrays of shape (orders,)."""

    arrival_s: Floats
    """Seconds since any one moment."""
    shift: Ints
    """Each begins with all couriers free; batches stay within one."""
    couriers: Ints
    """Online when the order is placed; `UNLIMITED` where not known. Who signs off ends his trip first."""
    threshold: Ints
    """Most orders of one trip."""
    propensity: Floats
    """Probability that dispatch wants to batch the order."""


@dataclass(frozen=True)
class Rules:
    """How trips are made, the same for all orders."""

    service_s: float
    """Mean courier time of a trip with one order."""
    saving: float
    """Share of its courier time that an order carried in addition does not need."""
    lean: float = 0.0
    """A batch waits for s orders, s from 2 to the threshold, with weight (s - 1) ** lean."""
    window_s: float = 3600.0
    """A batch takes in orders placed so long after its first."""


class Dispatched(NamedTuple):
    """How every order was carried, arrays of shape (orders,)."""

    size: Ints
    """Orders of its trip."""
    leader: Ints
    """Position of the first order of its trip."""
    queue_s: Floats
    """Wait until a courier was free."""
    busy_s: Floats
    """Courier time of the trip; 0 but for its first order."""


Walk = Callable[..., tuple[Ints, Ints, Floats, Floats]]


def dispatch(orders: Orders, draws: Draws, rules: Rules) -> Dispatched:
    """Walk orders through batching and couriers.

    Example:
        >>> from tools.dispatch.draws import draw
        >>> n = 4
        >>> one, zero = np.ones(n, np.int64), np.zeros(n, np.int64)
        >>> orders = Orders(np.arange(n) * 60.0, zero, one, 2 * one, np.ones(n))
        >>> dispatch(orders, draw(n, seed=1), Rules(service_s=600.0, saving=0.5)).size.tolist()
        [2, 2, 2, 2]
    """
    found = _compiled()(
        orders.arrival_s,
        orders.shift,
        orders.couriers,
        orders.threshold,
        draws.batched_u < orders.propensity,
        draws.size_u,
        draws.service_e,
        (rules.service_s, rules.saving, rules.lean, rules.window_s),
    )
    return Dispatched(*found)


@cache
def _compiled() -> Walk:
    """The loop as machine code, kept beside the source, or in the user's cache where that cannot be written."""
    # Only who simulates pays for the import.
    import numba

    try:
        return cast("Walk", numba.njit(_walk, cache=True, nogil=True))
    except RuntimeError:
        # Numba has found no folder that can be written: it is compiled anew in every process.
        return cast("Walk", numba.njit(_walk, nogil=True))


def _walk(  # noqa: C901  # one compiled loop; splitting it would hide the method
    arrival: Any,  # noqa: ANN401
    shift: Any,  # noqa: ANN401
    couriers: Any,  # noqa: ANN401
    threshold: Any,  # noqa: ANN401
    wanted: Any,  # noqa: ANN401
    size_u: Any,  # noqa: ANN401
    service_e: Any,  # noqa: ANN401
    rules: tuple[float, float, float, float],
) -> Any:  # noqa: ANN401
    service_s, saving, lean, window_s = rules
    n = arrival.size
    leader, size = np.arange(n), np.ones(n, dtype=np.int64)
    queue, busy = np.zeros(n), np.zeros(n)
    first, room = -1, 0
    for i in range(n):
        if first >= 0 and (shift[i] != shift[first] or arrival[i] - arrival[first] > window_s):
            first = -1
        if not wanted[i] or threshold[i] < 2:
            continue
        if first >= 0 and size[first] < min(room, threshold[i]):
            leader[i] = first
            size[first] += 1
            continue
        first, room = i, 2
        total = 0.0
        for s in range(1, threshold[i]):
            total += s**lean
        reached = 0.0
        for s in range(1, threshold[i]):
            reached += s**lean
            room = s + 1
            if size_u[i] * total < reached:
                break
    # Times at which couriers are free, soonest first.
    free = np.zeros(max(couriers.max(), 1) if n else 1)
    online, now = 0, -1
    for i in range(n):
        size[i] = size[leader[i]]
        if leader[i] != i:
            queue[i] = queue[leader[i]]
            continue
        busy[i] = service_s * service_e[i] * (1.0 + (size[i] - 1) * (1.0 - saving))
        if couriers[i] < 1:
            continue
        if shift[i] != now:
            now, online = shift[i], 0
        # Who signs on is free now; he comes before those who are on a trip.
        while online < couriers[i]:
            j = online
            while j > 0 and free[j - 1] > arrival[i]:
                free[j] = free[j - 1]
                j -= 1
            free[j] = arrival[i]
            online += 1
        online = couriers[i]
        start = max(arrival[i], free[0])
        queue[i] = start - arrival[i]
        done = start + busy[i]
        j = 1
        while j < online and free[j] < done:
            free[j - 1] = free[j]
            j += 1
        free[j - 1] = done
    return size, leader, queue, busy
