"""Clocks that are off: orders at the wrong hour of the day, arrivals late by whole half hours.

The orders of a day are compared with the usual profile of hours, as it is and turned by every number of hours. A
turned profile that fits far better, and well, is a clock that is off. Customers do not all move by whole hours over
night, except where local time is unknown and clocks change: without zones an hour is not blamed.

Arrivals whose mean moves by a whole multiple of half an hour, so that nearly none keeps its promise any more, are
late on paper only.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from tools.baseline import WEEK
from tools.cube import Floats
from tools.feeds.base import LEAST_ORDERS, LEAST_Z, Break, Mark, Panel, runs

_LEFT: Final = 0.35
"""Of the misfit that may remain after turning."""
_LEAST_GAIN: Final = 50.0
_SMOOTH: Final = 0.5
_STEP_S: Final = 1800.0
_NEAR_S: Final = 120.0
_HARDLY_ON_TIME: Final = 0.1


def order_breaks(panel: Panel, *, zones: bool) -> Iterator[Break]:
    """Days on which the orders of a place stand at the wrong hour.

    Args:
        panel: places and days.
        zones: whether local time is known.
    """
    weekly, daily = panel.usual(panel.orders, step=WEEK), panel.usual(panel.orders, step=1)
    profile = weekly + 0.1 * daily + _SMOOTH
    profile /= profile.sum(-1, keepdims=True)
    turns = [turn for turn in range(-11, 13) if abs(turn) != 1 or zones]
    misfit = np.stack([_misfit(panel.orders, np.roll(profile, turn, axis=-1)) for turn in turns])
    straight = misfit[turns.index(0)]
    best = misfit.argmin(axis=0)
    gain = (straight - misfit.min(axis=0)) / panel.strays(straight[..., None] / 23, np.full((1, 1, 1), 20.0))[
        ..., 0
    ]
    off = (best != turns.index(0)) & (misfit.min(axis=0) <= _LEFT * straight) & (gain >= _LEAST_GAIN)
    off &= (panel.orders.sum(-1) >= LEAST_ORDERS) & panel.tested
    for place in range(len(panel.family.values)):
        marks = {
            int(day): Mark(0.0, float(turns[best[place, day]]), float(np.sqrt(gain[place, day])))
            for day in np.flatnonzero(off[place])
        }
        yield from runs(panel, place, marks, metric="order_clock")


def arrival_breaks(panel: Panel, delivered: Floats, lateness_s: Floats, on_time: Floats) -> Iterator[Break]:
    """Days on which arrivals are off by whole half hours.

    Args:
        panel: places and days.
        delivered: orders that arrived, by row of the cells.
        lateness_s: sum of their seconds after the promise.
        on_time: those that kept it.
    """
    count, late, kept = (
        panel.cube.dense(panel.family, part).sum(-1, keepdims=True)
        for part in (delivered, lateness_s, on_time)
    )
    mean = late / np.maximum(count, 1.0)
    usual = panel.usual(late, step=1) / np.maximum(panel.usual(count, step=1), 1.0)
    shift = (mean - usual)[..., 0]
    steps = np.round(shift / _STEP_S)
    off = (steps != 0) & (np.abs(shift - steps * _STEP_S) <= _NEAR_S)
    off &= (kept <= _HARDLY_ON_TIME * count)[..., 0] & (count[..., 0] >= LEAST_ORDERS)
    off &= panel.tested & panel.good
    for place in range(len(panel.family.values)):
        marks = {
            int(day): Mark(0.0, float(shift[place, day]) / 3600, 2 * LEAST_Z)
            for day in np.flatnonzero(off[place])
        }
        yield from runs(panel, place, marks, metric="delivery_clock")


def _misfit(orders: Floats, profile: Floats) -> Floats:
    """Deviance of a day's hours from a profile, shape (places, days)."""
    total = np.maximum(orders.sum(-1, keepdims=True), 1.0)
    share = orders / total
    ratio = np.log(np.where(share > 0, share, 1.0) / profile)
    return np.asarray(2 * (orders * np.where(share > 0, ratio, 0.0)).sum(-1))
