"""Faults of flights: promises cut, arrivals delayed or lost, storms moved to another week.

An order is a flight, its promise the schedule. What these data cannot speak to has no column: couriers, preparation,
batching, items. A mix of other flights is no fault here either: the store is the origin, and the three origins differ
too little in punctuality for their mix to be an incident.
"""

from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from data.dataset import Dataset
from data.mapping import shipped
from evals.pseudo_incidents import HOURS
from evals.semi.fault import Fault, recorded, some
from evals.semi.history import History, Place
from evals.semi.recording import Recording
from evals.semi.storms import Storms

NAME: Final = "flights_2013"
SHORTER_S: Final = (900.0, 2_700.0)
"""What a promise loses."""
DELAYED: Final = (0.3, 0.7)
"""Share of the flights that are held back."""
CANCELED: Final = (0.05, 0.2)
"""Share of the flights that are cancelled."""
LOST: Final = (0.8, 1.0)
"""Share of the early arrivals that are not recorded."""
LONGEST_S: Final = 3 * 3_600.0
"""Longer delays are not handed on."""

_ORDERS: Final = (
    "order_id",
    "order_time",
    "day",
    "hour",
    "weekday",
    "region",
    "store_id",
    "category",
    "dest",
)
_MEASURED: Final = ("canceled", "fulfilled", "fulfilment_s", "distance", "promise_s")


@cache
def read(folder: Path) -> Recording:
    """The flights of 2013 under a folder of published data.

    Raises:
        DataError: they are not there.
    """
    whole = Dataset.open(folder / NAME, mapping=shipped()[NAME])
    facts = whole.facts()
    events = pd.DataFrame(
        {
            "kind": event.kind,
            "scope": event.scope.model_dump_json(),
            "start": pd.Timestamp(event.start),
            "end": pd.Timestamp(event.end),
            "value": event.value,
        }
        for event in whole.context_events()
    )
    history = History(facts[[*_ORDERS, *_MEASURED]], whole.mapping, events)
    return Recording(
        name=NAME,
        history=history,
        facts=facts,
        faults=_faults(history),
        metrics={"on_time": 0.6, "cancellation": 0.2, "cx_index": 0.2},
        days=42,
        least_days=42,
        hours=tuple(hour for hour in HOURS if hour is not None),
        regions=frozenset(str(region) for region in facts["region"].cat.categories),
        least_orders=30,
        pool_days=112,
        dealt_by=("region", "category"),
    )


def _faults(year: History) -> tuple[Fault, ...]:
    late, any_ = {"on_time": 0.8, "cx_index": 0.2}, {"on_time": 0.6, "cancellation": 0.2, "cx_index": 0.2}
    weather = Storms(year)
    airport = (("region",),)
    return (
        Fault("shorter promises", "eta_model", late, shorter_promises),
        Fault("held back by a recorded change", "policy_change", late, recorded(held_back)),
        Fault("storm", "external_shock", any_, partial(weather.inject, reported=True), airport, False),
        Fault("early arrivals lost", "data_quality", late, early_lost),
        Fault("held back", "other", late, held_back),
        Fault("cancelled", "other", {"cancellation": 0.8, "cx_index": 0.2}, cancelled),
        Fault("storm not recorded", "other", any_, partial(weather.inject, reported=False), airport, False),
    )


def shorter_promises(rng: np.random.Generator, history: History, place: Place) -> History:
    """Every promise of the scope ends some whole minutes earlier; nothing else changes."""
    cut = 60.0 * round(rng.uniform(*SHORTER_S) / 60.0)
    promise = history.column("promise_s")
    promise[place.rows(history.orders)] -= cut
    return history.with_columns(promise_s=promise)


def held_back(rng: np.random.Generator, history: History, place: Place) -> History:
    """Some flights come later by the delay of a real late flight of the weeks before; no column says why."""
    orders = history.orders
    arrived = (orders["fulfilled"] > 0).to_numpy(dtype=bool)
    late = history.column("fulfilment_s") - history.column("promise_s")
    before = (orders["order_time"] < place.onset).to_numpy(dtype=bool)
    real = late[before & arrived & (late > 900.0) & (late <= LONGEST_S)]
    chosen = some(rng, place.rows(orders) & arrived, *DELAYED)
    took = history.column("fulfilment_s")
    took[chosen] += rng.choice(real, size=int(chosen.sum()))
    return history.with_columns(fulfilment_s=took)


def cancelled(rng: np.random.Generator, history: History, place: Place) -> History:
    """Some flights do not leave; no column says why."""
    chosen = some(rng, place.rows(history.orders), *CANCELED)
    return history.with_columns(
        canceled=np.where(chosen, 1.0, history.column("canceled")),
        fulfilled=np.where(chosen, 0.0, history.column("fulfilled")),
    )


def early_lost(rng: np.random.Generator, history: History, place: Place) -> History:
    """Most arrivals before their schedule are not recorded: a feed that takes a negative delay for an error."""
    late = history.column("fulfilment_s") - history.column("promise_s")
    chosen = some(rng, place.rows(history.orders) & (late < 0), *LOST)
    return history.with_columns(fulfilled=np.where(chosen, 0.0, history.column("fulfilled")))
