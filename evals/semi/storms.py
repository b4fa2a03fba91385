"""Storms moved in time: real days of bad weather at an airport, lived through by the flights of another day there."""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from data.rules import parse_scope
from evals.semi.history import Flags, History, Place, midnight

STORM_HOURS: Final = 6
"""Hours of bad weather by day that make a day at an airport stormy."""
DAYLIGHT: Final = range(6, 22)
"""Local hours that count for it."""


class Storms:
    """The stormy days of a year.

    Args:
        year: all flights, and the hours of bad weather as events.
    """

    def __init__(self, year: History) -> None:
        self._year = year
        self._events = located(year)
        daylight = self._events[self._events["hour"].isin(DAYLIGHT)]
        hours = daylight.groupby(["region", "day"]).size().reset_index(name="hours")
        stormy = hours[hours["hours"] >= STORM_HOURS]
        self._days = list(zip(stormy["region"].tolist(), stormy["day"].tolist(), strict=True))

    def inject(self, rng: np.random.Generator, history: History, place: Place, *, reported: bool) -> History:
        """Each day of the place has the delays and cancellations of a stormy day out of other weeks.

        A flight takes those of a random one that left the same airport in the same hour of the stormy day. The
        hours of bad weather come with them where they are `reported`; otherwise those days have none.
        """
        region = str(place.scope.get("region"))
        own = history.orders["day"].to_numpy(dtype=np.int64)
        donors = [day for where, day in self._days if where == region and not own[0] <= day <= own[-1]]
        rows = place.rows(history.orders)
        days = np.unique(own[rows])
        pairs = {int(day): int(rng.choice(donors)) for day in days}
        changed = history
        for day, donor in pairs.items():
            changed = self._lived_through(rng, changed, rows & (own == day), region, donor)
        return replace(changed, events=self._reported(history, region, pairs, reported=reported))

    def _lived_through(
        self, rng: np.random.Generator, history: History, rows: Flags, region: str, donor: int
    ) -> History:
        start, end = (midnight(day, self._year.mapping) for day in (donor, donor + 1))
        there = self._year.between(start, end).orders
        there = there[(there["region"] == region).to_numpy()].reset_index(drop=True)
        theirs = self._alike(rng, history.orders["hour"].to_numpy()[rows], there)
        promise, took = history.column("promise_s"), history.column("fulfilment_s")
        canceled, fulfilled = history.column("canceled"), history.column("fulfilled")
        late = (theirs["fulfilment_s"] - theirs["promise_s"]).to_numpy(np.float64)
        took[rows] = np.maximum(promise[rows] + late, 60.0)
        canceled[rows], fulfilled[rows] = theirs["canceled"], theirs["fulfilled"]
        return history.with_columns(fulfilment_s=took, canceled=canceled, fulfilled=fulfilled)

    @staticmethod
    def _alike(rng: np.random.Generator, hours: np.ndarray, there: pd.DataFrame) -> pd.DataFrame:
        """A random flight of the same hour for each, or of the nearest hour that has one."""
        found = np.empty(len(hours), dtype=np.int64)
        hour = there["hour"].to_numpy(dtype=np.int64)
        for one in np.unique(hours):
            gap = np.abs(hour - one)
            candidates = np.flatnonzero(gap == gap.min())
            mine = hours == one
            found[mine] = rng.choice(candidates, size=int(mine.sum()))
        return there.iloc[found]

    def _reported(
        self, history: History, region: str, pairs: dict[int, int], *, reported: bool
    ) -> pd.DataFrame:
        own = located(history)
        kept = own[~((own["region"] == region) & own["day"].isin(pairs))]
        parts = [kept]
        for day, donor in pairs.items() if reported else ():
            storm = self._events[(self._events["region"] == region) & (self._events["day"] == donor)]
            shift = midnight(day, history.mapping) - midnight(donor, history.mapping)
            parts.append(storm.assign(start=storm["start"] + shift, end=storm["end"] + shift))
        moved = pd.concat(parts, ignore_index=True).drop(columns=["region", "day", "hour"])
        return moved.sort_values(["start", "scope"], ignore_index=True)


def located(history: History) -> pd.DataFrame:
    """Its events, with their region and the local day and hour of their start."""
    events = history.events
    if events is None:
        raise ValueError("this history has no events")
    local = events["start"].dt.tz_convert(history.mapping.zone_of(None)).dt.tz_localize(None)
    return events.assign(
        region=[str(parse_scope(text).get("region")) for text in events["scope"]],
        day=(local - pd.Timestamp(0)).dt.days,
        hour=local.dt.hour,
    )
