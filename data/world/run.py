"""One run of a world: its tables and its metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial

import numpy as np
import pandas as pd

from data.slices import ALL_ORDERS, Slice
from data.world import score, tables
from data.world.actions import Action
from data.world.arrays import Bools
from data.world.catalog import CATEGORIES
from data.world.config import WorldConfig
from data.world.decoys import PolicyChange
from data.world.draws import Draws
from data.world.faults.base import Fault
from data.world.journey import Journey
from data.world.levers import Levers
from data.world.regions import ZONES

COURIER_HOUR = 22.0
"""Cost of a courier for an hour."""
HELPED_ORDER = 1.5
"""Cost of helping a store with an order."""


@dataclass(frozen=True)
class WorldRun:
    """What happened in a world under some faults and actions."""

    config: WorldConfig
    draws: Draws
    journey: Journey
    levers: Levers
    fault: Fault | None
    """The fault that acts in it; None in a twin."""
    changes: tuple[PolicyChange, ...]
    actions: tuple[Action, ...]

    @property
    def zones(self) -> Mapping[str, str]:
        """IANA time zone of every region."""
        return ZONES

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table of `data.contracts` by name; nothing in it tells the fault."""
        builders: dict[str, Callable[[], pd.DataFrame]] = {
            "orders": partial(tables.orders, self.draws, self.journey),
            "deliveries": partial(tables.deliveries, self.journey),
            "items": partial(tables.items, self.journey),
            "inventory_events": partial(
                tables.inventory_events, self.draws, self.levers, seed=self.config.seed
            ),
            "support_events": partial(tables.support_events, self.journey),
            "ratings": partial(tables.ratings, self.journey),
            "policy_changes": partial(tables.policy_changes, self.changes),
            "supply_snapshots": partial(tables.supply_snapshots, self.draws, self.journey),
            "context_events": partial(tables.context_events, self.draws),
        }
        return {name: build() for name, build in builders.items()}

    def select(
        self, scope: Slice = ALL_ORDERS, start: datetime | None = None, end: datetime | None = None
    ) -> Bools:
        """The orders of a slice placed from `start` on and before `end`, as a mask.

        Raises:
            ValueError: the slice names something that the world does not have.
        """
        orders = self.journey.orders
        chosen = self.draws.grid.select(scope)[orders.cell]
        if start is not None:
            chosen = chosen & (orders.time >= start.timestamp())
        return chosen if end is None else chosen & (orders.time < end.timestamp())

    def metrics(
        self, scope: Slice = ALL_ORDERS, start: datetime | None = None, end: datetime | None = None
    ) -> dict[str, float]:
        """Rates, CX Score and money of a slice and time.

        Rates are shares, durations seconds, money in the currency of the baskets.
        """
        return {**score.rates(self.journey, self.select(scope, start, end)), **self._costs(scope, start, end)}

    def _costs(self, scope: Slice, start: datetime | None, end: datetime | None) -> dict[str, float]:
        grid, orders = self.draws.grid, self.journey.orders
        cells = grid.select(scope, since=start)
        if end is not None:
            cells = cells & np.repeat(grid.start < end.timestamp(), len(CATEGORIES))
        helped = float((self.levers.helped & cells)[orders.cell].sum())
        hours = float(self.journey.fleets.couriers[cells].sum())
        busy = float(self.journey.fleets.busy[cells].sum())
        return {
            "courier_hours": hours,
            "courier_busy_hours": busy,
            "courier_cost": COURIER_HOUR * hours,
            "helper_cost": HELPED_ORDER * helped,
        }
