"""A published data set with the faults that can be put into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd

from data.slices import HourRange, Slice
from evals.semi.calendar import WEEK, dealt
from evals.semi.fault import SCOPES, Fault
from evals.semi.history import History, Place, midnight
from tools.metrics import CX_INDEX

LASTS: Final = (3, 8)
"""Least and most days from the onset to the end of the data."""


@dataclass(frozen=True)
class Recording:
    """What was published, as one history and with its outcomes.

    Its first and last local day must be whole.
    """

    name: str
    history: History
    facts: pd.DataFrame
    """The same orders in the same order, with their outcomes as they really were."""
    faults: tuple[Fault, ...]
    """In turn."""
    metrics: Mapping[str, float]
    """Of windows that are bad by chance, by how often."""
    days: int
    """Length of a case's history, as far as there are so many."""
    least_days: int
    """The shortest history of a case."""
    hours: tuple[HourRange, ...]
    """Hours that a scope may fix."""
    regions: frozenset[str]
    """Where a fault may be put."""
    least_orders: int
    """A day, of a scope."""
    pool_days: int
    """Length of the history that chance calendars are dealt from."""
    dealt_by: tuple[str, ...]
    """Dimensions that make the parts whose days are dealt, each for itself."""
    blind: frozenset[str] = frozenset({"other"})
    """Causes of faults that no column shows."""

    @property
    def _span(self) -> tuple[int, int]:
        """First local day, and the one after the last."""
        day = self.facts["day"]
        return int(day.iloc[0]), int(day.iloc[-1]) + 1

    def weeks(self, place: Place) -> History:
        """The real history that ends with a place."""
        return self.history.between(place.finish - timedelta(days=self.days), place.finish)

    def place(self, rng: np.random.Generator, fault: Fault) -> Place | None:
        """A random scope of a fault and a random day for its onset; None where the scope has too few orders."""
        first, stop = self._span
        length = int(rng.integers(LASTS[0], LASTS[1] + 1))
        finish = int(rng.integers(min(first + self.least_days, stop), stop + 1))
        mapping = self.history.mapping
        begin, end = midnight(finish - length, mapping), midnight(finish, mapping)
        orders = self.history.between(begin, end).orders
        scope = self.scope(rng, orders, fault.scopes, some_hours=fault.some_hours)
        place = Place(scope, begin, end)
        return place if int(place.rows(orders).sum()) >= self.least_orders * length else None

    def scope(
        self,
        rng: np.random.Generator,
        orders: pd.DataFrame,
        dimensions: Sequence[tuple[str, ...]] = SCOPES,
        *,
        some_hours: bool = True,
    ) -> Slice:
        """That of a random one of some orders, by some of its dimensions, sometimes at some hours only."""
        allowed = orders[orders["region"].isin(self.regions)]
        order = allowed.iloc[int(rng.integers(len(allowed)))]
        fixed = dimensions[int(rng.integers(len(dimensions)))]
        narrow = some_hours and rng.random() < 0.4
        hour = self.hours[int(rng.integers(len(self.hours)))] if narrow else None
        return Slice(values=tuple((name, str(order[name])) for name in fixed), hour=hour)

    def by_chance(self, rng: np.random.Generator) -> History:
        """A history in which nothing differs but by chance."""
        first, stop = self._span
        last = int(rng.integers(min(first + self.pool_days, stop), stop + 1))
        begin, end = (
            midnight(day, self.history.mapping) for day in (max(last - self.pool_days, first), last)
        )
        pool = self.history.between(begin, end)
        metrics = [name for name in self.metrics if name != CX_INDEX]
        return dealt(rng, pool, metrics=metrics, weeks=self.days // WEEK, by=self.dealt_by)
