"""A table that stopped while orders went on: no tickets, no ratings, no deliveries.

Fewer tickets look like happier customers; next to none are a feed that stopped. The rows of a table are compared
with those that so many orders usually bring.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from data.mapping import Family
from tools.cube import Floats
from tools.feeds.base import LEAST_ORDERS, LEAST_Z, Bools, Break, Mark, Panel, runs

SILENT: Final = 0.25
"""Part of the rows that the orders of a day usually bring."""


class Feed(NamedTuple):
    """A table as the cells count it."""

    metric: str
    rows: str
    """Column of the cells that counts its rows."""
    among: tuple[str, ...]
    """Columns that count what could have one; the first that there is."""
    family: Family
    spoils: frozenset[str]


_DELIVERY: Final = frozenset({"on_time", "cancellation", "item_accuracy", "eta_error", "fulfilment"})
FEEDS: Final = (
    Feed("deliveries_feed", "outcome_known", ("orders",), "delivery", _DELIVERY),
    Feed("items_feed", "items", ("fulfilled", "orders"), "delivery", frozenset({"item_accuracy", "refund"})),
    Feed("support_events_feed", "contacted", ("contactable",), "support", frozenset({"support_contact"})),
    Feed("ratings_feed", "ratable", ("orders",), "rating", frozenset({"rating"})),
)


def breaks(
    panel: Panel, feed: Feed, rows: Floats, among: Floats, last: Mapping[Family, int]
) -> Iterator[Break]:
    """Days on which a table is silent, by place.

    Args:
        panel: places and days.
        feed: the table.
        rows: its rows by row of the cells, ripe ones only.
        among: what could have one, likewise.
        last: by family of outcomes, the first day that has not ripened.
    """
    seen, base = (panel.cube.dense(panel.family, part).sum(-1, keepdims=True) for part in (rows, among))
    rate = panel.usual(seen, step=1) / np.maximum(panel.usual(base, step=1), 1.0)
    expected = rate * base
    some = np.maximum(expected, 1.0)
    phi = panel.strays((seen - expected) ** 2 / some, np.maximum(expected / 4, 4.0))
    z = (seen - expected) / np.sqrt(phi * some)
    silent: Bools = (seen < SILENT * expected) & (z < -LEAST_Z) & (expected >= LEAST_ORDERS)
    ripe = panel.tested & (np.arange(panel.cube.days) < last[feed.family])
    silent = silent[..., 0] & ripe
    for place in range(len(panel.family.values)):
        marks = {
            int(day): Mark(*(float(part[place, day, 0]) for part in (expected, seen, z)))
            for day in np.flatnonzero(silent[place])
        }
        yield from runs(panel, place, marks, metric=feed.metric, spoils=feed.spoils)
