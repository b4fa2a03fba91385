"""Days with far too few orders, or with more than a business can grow to overnight.

A day with less than 40 % of what its weekday usually has, far outside of how the region strays, is a feed that
stopped. Many orders are not a fault by themselves: a promotion doubles them too. They are one where copies are
found (`tools.feeds.copies`), where every hour of the day has the same whole multiple of its usual orders, or from
five times the usual on.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from tools.cube import Floats
from tools.feeds.base import LEAST_ORDERS, LEAST_Z, Bools, Break, Mark, Panel, runs

COLLAPSED: Final = 0.4
SURGED: Final = 1.3
"""From here on it is worth looking for copies."""
MULTIPLIED: Final = 1.8
IMPOSSIBLE: Final = 5.0
_NEAR_WHOLE: Final = 0.15
_SAME_SHAPE: Final = 0.05
"""Distance of two profiles beyond what chance makes."""


class Volume(NamedTuple):
    """Orders a day by place, shape (places, days)."""

    seen: Floats
    expected: Floats
    z: Floats


def volume(panel: Panel) -> Volume:
    """How many orders there were, and how many were to be expected."""
    seen = panel.orders.sum(-1, keepdims=True)
    expected = panel.usual(seen)
    some = np.maximum(expected, 1.0)
    phi = panel.strays((seen - expected) ** 2 / some, expected / 4)
    return Volume(*(part[..., 0] for part in (seen, expected, (seen - expected) / np.sqrt(phi * some))))


def stopped(panel: Panel, known: Volume) -> Bools:
    """Days on which orders are missing, shape (places, days)."""
    few = (known.seen < COLLAPSED * known.expected) & (known.z < -LEAST_Z)
    return few & (known.expected >= LEAST_ORDERS) & panel.tested


def surged(panel: Panel, known: Volume) -> Bools:
    """Days with many more orders than usual, whatever the reason."""
    many = (known.seen > SURGED * known.expected) & (known.z > LEAST_Z)
    return many & (known.expected >= LEAST_ORDERS) & panel.tested


def multiplied(panel: Panel, known: Volume) -> Bools:
    """Days whose orders are no surge of demand: too many for one, or the usual day several times over."""
    ratio = known.seen / np.maximum(known.expected, 1.0)
    whole = np.abs(ratio - np.round(ratio)) <= _NEAR_WHOLE * np.round(ratio) / 2
    same = _distance(panel) <= _SAME_SHAPE
    odd = (ratio >= IMPOSSIBLE) | ((ratio > MULTIPLIED) & whole & same)
    return surged(panel, known) & odd


def breaks(panel: Panel, known: Volume, broken: Bools) -> Iterator[Break]:
    """The broken days of every place as runs."""
    for place in range(len(panel.family.values)):
        marks = {
            int(day): Mark(*(float(part[place, day]) for part in (known.expected, known.seen, known.z)))
            for day in np.flatnonzero(broken[place])
        }
        yield from runs(panel, place, marks, metric="order_volume")


def _distance(panel: Panel) -> Floats:
    """Total variation between a day's profile of hours and the usual one, less what chance makes of it."""
    usual = panel.usual(panel.orders)
    share = usual / np.maximum(usual.sum(-1, keepdims=True), 1.0)
    total = np.maximum(panel.orders.sum(-1, keepdims=True), 1.0)
    chance = 0.4 * np.sqrt(
        share * (1 - share) * (1 / total + 0.25 / np.maximum(usual.sum(-1, keepdims=True), 1.0))
    )
    return np.asarray(0.5 * np.abs(panel.orders / total - share).sum(-1) - chance.sum(-1))
