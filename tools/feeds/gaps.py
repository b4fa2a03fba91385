"""Hours without orders: a feed that stopped for a while.

An hour with next to nothing where many orders were expected is silent; hours beside a silent one that are clearly
short belong to the same gap, for a gap of ninety minutes begins and ends within an hour.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import numpy as np

from data.slices import HourRange
from tools.cube import Floats
from tools.feeds.base import LEAST_ORDERS, LEAST_Z, Bools, Break, Mark, Panel, runs

SILENT: Final = 0.35
"""Part of the usual orders of an hour; all orders."""
SILENT_PLACE: Final = 0.1
"""In one region, where storms and strikes keep customers away too."""
_SHORT: Final = 0.8
_SHORT_Z: Final = -4.0


def breaks(panel: Panel) -> Iterator[Break]:
    """Gaps within days that are good as a whole, by place."""
    seen = panel.orders
    expected = panel.usual(seen)
    some = np.maximum(expected, 1.0)
    phi = panel.strays((seen - expected) ** 2 / some, np.maximum(expected / 4, 4.0))
    z = (seen - expected) / np.sqrt(phi * some)
    limit = SILENT_PLACE if panel.family.dims else SILENT
    silent = (seen < limit * expected) & (z < -LEAST_Z) & (expected >= LEAST_ORDERS)
    silent &= panel.tested[..., None]
    gap = _with_edges(silent, (seen < _SHORT * expected) & (z < _SHORT_Z))
    for place in range(len(panel.family.values)):
        yield from _place(panel, place, gap[place], expected[place], z[place])


def _with_edges(silent: Bools, short: Bools) -> Bools:
    gap = silent.copy()
    gap[..., 1:] |= silent[..., :-1] & short[..., 1:]
    gap[..., :-1] |= silent[..., 1:] & short[..., :-1]
    return gap


def _place(panel: Panel, place: int, gap: Bools, expected: Floats, z: Floats) -> Iterator[Break]:
    marks: dict[tuple[int, int], dict[int, Mark]] = {}
    for day in np.flatnonzero(gap.any(axis=1)).tolist():
        for begin, end in _stretches(gap[day]):
            hours = slice(begin, end)
            score = float(z[day, hours].sum() / np.sqrt(end - begin))
            mark = Mark(
                float(expected[day, hours].sum()), float(panel.orders[place, day, hours].sum()), score
            )
            marks.setdefault((begin, end), {})[day] = mark
    for (begin, end), days in sorted(marks.items()):
        hour = None if end - begin == 24 else HourRange(start=begin, end=end)
        yield from runs(panel, place, days, metric="order_volume", hour=hour)


def _stretches(hours: Bools) -> list[tuple[int, int]]:
    numbered = enumerate(np.flatnonzero(hours).tolist())
    found = [[hour for _, hour in run] for _, run in groupby(numbered, key=lambda item: item[1] - item[0])]
    return [(run[0], run[-1] + 1) for run in found]
