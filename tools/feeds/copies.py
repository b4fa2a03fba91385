"""Orders that are recorded again under new ids: the same moment, place and amounts.

It is looked for only where there are many more orders than usual, because it needs every single order.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from tools.cube import Floats
from tools.feeds.base import Bools, Break, Mark, Panel, runs

LEAST_SHARE: Final = 0.15
"""Of a day's orders that are copies, beyond the share on usual days."""
_SAME: Final = ("order_time", "region", "category", "store_id", "basket_value", "distance", "promise_s")
_ENOUGH: Final = 3
"""Columns that must agree; fewer are the same by chance."""


class Copied(NamedTuple):
    """Orders one by one."""

    orders: pd.DataFrame
    again: Floats | None
    """1 for an order that repeats an earlier one; None where too little is known of orders to tell."""


def copied(orders: pd.DataFrame) -> Copied:
    """Which orders repeat another one."""
    same = [name for name in _SAME if name in orders.columns]
    if len(same) < _ENOUGH:
        return Copied(orders, None)
    return Copied(orders, orders.duplicated(same).to_numpy(np.float64))


def breaks(panel: Panel, surged: Bools, known: Copied) -> Iterator[Break]:
    """Days of duplicated orders, by place.

    Args:
        panel: places and days.
        surged: days with many orders, shape (places, days).
        known: the orders.
    """
    if known.again is None:
        return
    for place in np.flatnonzero(surged.any(axis=1)).tolist():
        marks = _marks(panel, place, surged[place], known.orders, known.again)
        yield from runs(panel, place, marks, metric="order_copies")


def _marks(panel: Panel, place: int, surged: Bools, orders: pd.DataFrame, again: Floats) -> dict[int, Mark]:
    day = orders["day"].to_numpy(np.int64) - panel.cube.first_day
    inside = (day >= 0) & (day < panel.cube.days)
    for name, value in zip(panel.family.dims, panel.family.values[place], strict=True):
        inside &= (orders[name].astype(str) == value).to_numpy(bool)
    count, copies = (
        np.bincount(day[inside], weights=part, minlength=panel.cube.days) for part in (None, again[inside])
    )
    share, usual_days = copies / np.maximum(count, 1.0), (count > 0) & ~surged
    usual = float(np.median(share[usual_days])) if usual_days.any() else 0.0
    spread = np.sqrt(max(usual, 0.001) / np.maximum(count, 1.0))
    return {
        int(one): Mark(usual, float(share[one]), float((share[one] - usual) / spread[one]))
        for one in np.flatnonzero(surged & (share >= usual + LEAST_SHARE))
    }
