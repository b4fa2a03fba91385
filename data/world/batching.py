"""Batching: which orders one courier carries together, and what that costs them.

An order is batched with a probability that grows with the threshold and with the load. The batched orders
of a fleet-hour are then put together in order of time; one that is left over goes alone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data.world.arrays import Bools, Floats, Ints
from data.world.levers import ORDINARY_THRESHOLD

LIFT: Final = 0.63
"""Log-odds of being batched with every step of the threshold."""
LOAD_SLOPE: Final = 1.5
"""Log-odds of being batched with every unit of load."""
SIZE_SLOPE: Final = 0.5
"""Batches lean towards the threshold: weight (size - 1) ** slope."""
WAIT_S: Final = 570.0
"""Wait for every further order of a batch, seconds."""
WAIT_SPREAD: Final = 0.22
"""Log standard deviation of the wait for one further order."""


@dataclass(frozen=True)
class Batches:
    """How every order is carried."""

    leader: Ints
    """Position of the first order of the batch."""
    size: Ints
    """Orders in it; 1 is an order carried alone."""

    @property
    def batched(self) -> Bools:
        """Whether an order shares its courier."""
        return self.size > 1


def propensity(base: Floats, threshold: Ints, lift: Floats, overload: Floats) -> Floats:
    """Probability that an order is batched.

    Args:
        base: its value at the ordinary threshold and load.
        threshold: most orders that may be carried together.
        lift: how eagerly a higher threshold is used.
        overload: load above the plan.

    Example:
        >>> one = np.ones(1)
        >>> float(propensity(0.3 * one, np.array([1]), one, 0 * one)[0])
        0.0
    """
    log_odds = np.log(base / (1 - base)) + LOAD_SLOPE * overload
    log_odds = log_odds + LIFT * lift * (threshold - ORDINARY_THRESHOLD)
    return np.asarray(np.where(threshold > 1, 1 / (1 + np.exp(-log_odds)), 0.0))


def group(cell: Ints, candidate: Bools, threshold: Ints, uniform: Floats) -> Batches:
    """Put the batched orders of every cell together.

    Args:
        cell: cell of every order; orders are sorted by time.
        candidate: which orders dispatch wants to batch.
        threshold: largest batch, by order.
        uniform: decides the size that a batch waits for, by order.
    """
    chosen = np.flatnonzero(candidate)
    chosen = chosen[np.argsort(cell[chosen], kind="stable")]
    wanted = _wanted_size(threshold[chosen], uniform[chosen])
    first = _first_of_batch(cell[chosen], wanted)
    batch = np.cumsum(first) - 1
    size = np.bincount(batch, minlength=1)
    leader_out, size_out = np.arange(cell.size), np.ones(cell.size, dtype=np.int64)
    leader_out[chosen] = chosen[first][batch]
    size_out[chosen] = size[batch]
    return Batches(leader_out, size_out)


def wait(size: Ints, normal: Floats) -> Floats:
    """Seconds that an order waits for the rest of its batch.

    Args:
        size: orders in the batch.
        normal: standard normal draws, by order.
    """
    extra = np.maximum(size - 1, 0)
    spread = WAIT_SPREAD / np.sqrt(np.maximum(extra, 1))
    return np.asarray(WAIT_S * extra * np.exp(spread * normal - spread**2 / 2))


def _wanted_size(threshold: Ints, uniform: Floats) -> Ints:
    size = np.full(threshold.size, 2, dtype=np.int64)
    for limit in np.unique(threshold):
        weight = np.arange(1.0, limit) ** SIZE_SLOPE
        cumulative = np.cumsum(weight / weight.sum())
        at = threshold == limit
        size[at] = 2 + np.minimum(np.searchsorted(cumulative, uniform[at]), limit - 2)
    return size


def _first_of_batch(cell: Ints, wanted: Ints) -> Bools:
    """Walk through all cells at once, one batch a step."""
    first = np.zeros(cell.size, dtype=np.bool_)
    begin = np.flatnonzero(np.diff(cell, prepend=-1))
    end = np.append(begin[1:], cell.size)
    while begin.size:
        first[begin] = True
        begin = begin + wanted[begin]
        going = begin < end
        begin, end = begin[going], end[going]
    return first
