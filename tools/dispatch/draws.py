"""The chance of a simulation, drawn before it and keyed by order: every arm of a replication shares it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Draws:
    """Standard variates, one of each an order, shape (orders,)."""

    batched_u: Floats
    """Uniform: below the propensity, dispatch wants to batch the order."""
    size_u: Floats
    """Uniform: the size of the batch that it opens."""
    batch_wait_n: Floats
    """Normal, like the other `_n`."""
    prep_n: Floats
    travel_n: Floats
    service_e: Floats
    """Exponential of mean one: courier time of its trip."""
    approach_e: Floats
    """Exponential of mean one: how far the nearest courier is."""
    cancel_u: Floats
    intake_u: Floats
    """Uniform: below the share that is taken in, the order is placed."""

    def of(self, chosen: Bools) -> "Draws":
        """The draws of some orders."""
        return Draws(**{name: values[chosen] for name, values in vars(self).items()})


def draw(orders: int, *, seed: int, replication: int = 0) -> Draws:
    """Draw the chance of one replication.

    Args:
        orders: how many.
        seed: with the replication, it decides everything.
        replication: number of the replication.

    Example:
        >>> bool((draw(3, seed=7).batched_u == draw(3, seed=7).batched_u).all())
        True
    """
    rng = np.random.default_rng([seed, replication])
    uniform, normal = rng.random((4, orders)), rng.standard_normal((3, orders))
    exponential = rng.standard_exponential((2, orders))
    return Draws(
        batched_u=uniform[0],
        size_u=uniform[1],
        cancel_u=uniform[2],
        intake_u=uniform[3],
        batch_wait_n=normal[0],
        prep_n=normal[1],
        travel_n=normal[2],
        service_e=exponential[0],
        approach_e=exponential[1],
    )
