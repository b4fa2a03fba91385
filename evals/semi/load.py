"""How long an order takes at a courier load: the real relation, learned from what was noted with each order.

Load is the orders of a market that were open when an order was placed, over its couriers on shift. What is neither
placing the order nor driving (as the marketplace estimated both) is preparation and waiting; its mean over load rises
steadily, and that rise over the quietest load is the wait that load makes.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pandas as pd

from evals.semi.history import Flags, Floats

QUIET: Final = 0.05
"""Quantile of load at which nobody waits for a courier."""


def load(orders: pd.DataFrame) -> Floats:
    """Open orders a courier on shift, by order, shape (orders,); NaN where it was not noted."""
    online, outstanding = (orders[name].to_numpy(np.float64) for name in ("online", "outstanding"))
    known = (online > 0) & (outstanding >= 0)
    return np.where(known, outstanding / np.where(known, online, 1.0), np.nan)


def remainder(orders: pd.DataFrame) -> Floats:
    """Seconds of each order that are neither placing nor driving, at least none; NaN where those were not estimated."""
    rest = orders["fulfilment_s"] - orders["place_s"] - orders["drive_s"]
    return np.asarray(np.maximum(rest.to_numpy(np.float64, na_value=np.nan), 0.0))


@dataclass(frozen=True)
class Relation:
    """Mean remainder by load, never falling."""

    loads: Floats
    seconds: Floats

    @classmethod
    def of(cls, orders: pd.DataFrame) -> Self:
        """Isotonic regression over all orders whose load and arrival are known."""
        from sklearn.isotonic import IsotonicRegression

        at, took = load(orders), remainder(orders)
        known: Flags = ~np.isnan(at) & ~np.isnan(took) & (orders["fulfilled"] > 0).to_numpy(dtype=bool)
        # Single orders of extreme load would be steps of their own: load is cut where one order in a hundred lies.
        low, high = np.quantile(at[known], [QUIET, 0.99])
        fitted = IsotonicRegression(out_of_bounds="clip").fit(np.clip(at[known], low, high), took[known])
        return cls(np.asarray(fitted.X_thresholds_), np.asarray(fitted.y_thresholds_))

    def at(self, loads: Floats) -> Floats:
        """Mean remainder at some loads; NaN where a load is."""
        found = np.interp(np.nan_to_num(loads), self.loads, self.seconds)
        return np.where(np.isnan(loads), np.nan, found)

    def waiting(self, loads: Floats) -> Floats:
        """Share of the remainder that is waiting for a courier."""
        return np.asarray(1.0 - self.seconds[0] / self.at(loads))


def split(orders: pd.DataFrame, relation: Relation) -> pd.DataFrame:
    """The orders with `dasher_wait_s` and `prep_s`: their own remainder, split as their load splits the mean one."""
    took, share = remainder(orders), relation.waiting(load(orders))
    return orders.assign(dasher_wait_s=took * share, prep_s=took * (1.0 - share))


def at_new_load(orders: pd.DataFrame, relation: Relation, loads: Floats) -> pd.DataFrame:
    """The orders as they had gone at other loads: each stays as much faster or slower than its like as it was.

    Orders whose load or remainder is not known stay as they are.
    """
    more = np.nan_to_num(remainder(orders) * (relation.at(loads) / relation.at(load(orders)) - 1.0))
    changed = orders.assign(fulfilment_s=orders["fulfilment_s"] + more)
    return (
        changed
        if "dasher_wait_s" not in orders
        else changed.assign(dasher_wait_s=orders["dasher_wait_s"] + more)
    )
