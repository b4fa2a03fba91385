"""Splits a change of a rate into "served worse" (rate) and "other kinds of orders" (mix).

Reference: Kitagawa, Components of a difference between two rates, JASA 1955; the symmetric form is exact.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class RateMix(NamedTuple):
    """The two parts; `rate + mix == total`."""

    total: float
    rate: float
    mix: float


def kitagawa(rate_before: Floats, rate_after: Floats, orders_before: Floats, orders_after: Floats) -> RateMix:
    """Decompose the change of an average over cells.

    Args:
        rate_before: rate by cell, shape (cells,); anything finite where there are no orders.
        rate_after: the same, afterwards.
        orders_before: orders by cell, positive in sum.
        orders_after: the same, afterwards.

    Raises:
        ValueError: a period has no orders.

    Example:
        >>> result = kitagawa(np.array([.95, .80]), np.array([.93, .74]), np.array([80.0, 20]), np.array([90.0, 10]))
        >>> [round(part, 6) for part in result]
        [-0.009, -0.026, 0.017]
    """
    if orders_before.sum() <= 0 or orders_after.sum() <= 0:
        raise ValueError("orders_before and orders_after must each have orders")
    before, after = orders_before / orders_before.sum(), orders_after / orders_after.sum()
    total = float((after * rate_after).sum() - (before * rate_before).sum())
    rate = float(((rate_after - rate_before) * (before + after)).sum() / 2)
    mix = float(((after - before) * (rate_before + rate_after)).sum() / 2)
    return RateMix(total, rate, mix)
