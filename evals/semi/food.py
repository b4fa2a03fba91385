"""Faults of food deliveries: fewer couriers, more orders, slower kitchens, other stores, arrivals lost.

As published there is no promise, so the metric is how long an order takes, and neither waiting nor preparation has a
column; so a lack of couriers, a surge and slow kitchens cannot be told from each other, and `other` is right. In the
other half of the cases the two columns are there, as `evals.semi.load.split` makes them of each order's own duration.
What never has a column: promises, cancellations, batching, items, events.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from data.dataset import Dataset
from data.mapping import shipped
from data.slices import HourRange
from evals.semi.fault import Fault, recorded, some
from evals.semi.history import Flags, Floats, History, Place
from evals.semi.load import Relation, at_new_load, load, split
from evals.semi.recording import Recording

NAME: Final = "doordash_sample"
FEWER: Final = (0.2, 0.5)
"""Share of the couriers that is missing."""
MORE: Final = (0.3, 1.0)
"""Orders that come on top, as a share of those there were."""
SLOWER_S: Final = (300.0, 1_200.0)
"""What preparation takes longer."""
HELD: Final = (0.3, 0.7)
"""Share of the orders that are held up."""
HELD_S: Final = (900.0, 2_400.0)
"""How long, on average."""
OTHER_STORES: Final = (0.6, 0.95)
"""Share of the orders that go to slow stores instead."""
LOST: Final = (0.8, 1.0)
"""Share of the quick deliveries that are not recorded."""
QUICK: Final = 0.7
"""Quantile of durations below which a delivery is quick."""
SLOW: Final = 0.85
"""Quantile of stores, by their mean duration, from which on a store is slow."""
KNOWN_STORE: Final = 8
"""Orders that say how slow a store is."""

_TIME: Final = {"fulfilment": 1.0}
_OF_TIME: Final = ("courier_supply", "demand_surge", "merchant_prep")
"""Causes that nothing but waiting and preparation can show."""
_COUNTS: Final = {
    "row_in_historical_data": "order_id",
    "total_onshift_dashers": "online",
    "total_busy_dashers": "busy",
    "total_outstanding_orders": "outstanding",
    "estimated_order_place_duration": "place_s",
    "estimated_store_to_consumer_driving_duration": "drive_s",
}
_FACTS: Final = (
    "order_id", "order_time", "day", "hour", "weekday", "region", "store_id", "category", "basket_value", "fulfilled",
    "fulfilment_s",
)  # fmt: skip


@cache
def read(folder: Path, *, columns_of_time: bool) -> Recording:
    """The deliveries of early 2015 under a folder of published data.

    Args:
        folder: holds `doordash_sample`.
        columns_of_time: with waiting and preparation as columns.

    Raises:
        DataError: they are not there.
    """
    whole = Dataset.open(folder / NAME, mapping=shipped()[NAME])
    noted = pd.read_csv(folder / NAME / "deliveries.csv", usecols=list(_COUNTS)).rename(columns=_COUNTS)
    facts = _whole_days(whole.facts())
    orders = facts[list(_FACTS)].merge(
        noted.assign(order_id=noted["order_id"].astype(str)), on="order_id", how="left"
    )
    relation = Relation.of(orders)
    history = History(split(orders, relation) if columns_of_time else orders, whole.mapping)
    return Recording(
        name=NAME,
        history=history,
        facts=facts,
        faults=_faults(relation),
        metrics=_TIME,
        days=28,
        least_days=20,
        hours=(HourRange(start=0, end=5), HourRange(start=1, end=4), HourRange(start=18, end=23)),
        regions=frozenset("12345"),
        least_orders=30,
        pool_days=28,
        dealt_by=("region",),
        blind=frozenset({"other"} if columns_of_time else {"other", *_OF_TIME}),
    )


def _whole_days(facts: pd.DataFrame) -> pd.DataFrame:
    """Without the first and the last day, which are cut, and what lies far before them."""
    day = facts["day"].to_numpy(dtype=np.int64)
    days, counts = np.unique(day, return_counts=True)
    busy = days[counts > np.median(counts) / 2]
    whole: pd.DataFrame = facts[(day > busy[0]) & (day < busy[-1])]
    return whole.reset_index(drop=True)


def _faults(relation: Relation) -> tuple[Fault, ...]:
    market, any_ = (("region",),), (("region",), ("category",))
    return (
        Fault("fewer couriers", "courier_supply", _TIME, Couriers(relation).fewer, market),
        Fault("more orders", "demand_surge", _TIME, Couriers(relation).busier, market),
        Fault("slower kitchens", "merchant_prep", _TIME, slower_kitchens, any_),
        Fault("held up by a recorded change", "policy_change", _TIME, recorded(held_up), any_),
        Fault("quick deliveries lost", "data_quality", _TIME, quick_lost, any_),
        Fault("slower stores ordered from", "mix_shift", _TIME, slower_stores, market),
        Fault("held up", "other", _TIME, held_up, any_),
    )


class Couriers:
    """What a lack of couriers or a surge of orders does, by the real relation of waiting to load.

    That orders which take longer also leave more of them open, and so add to the load, is left out.

    Args:
        relation: of the published data.
    """

    def __init__(self, relation: Relation) -> None:
        self._relation = relation

    def fewer(self, rng: np.random.Generator, history: History, place: Place) -> History:
        """Some of the couriers on shift are missing; those who are left wait no longer than for an order."""
        left = 1.0 - rng.uniform(*FEWER)
        rows = place.rows(history.orders)
        online = np.where(rows, np.round(history.column("online") * left), history.column("online"))
        online = np.where(rows & (online < 1), np.minimum(history.column("online"), 1.0), online)
        busy = np.where(rows, np.minimum(history.column("busy"), online), history.column("busy"))
        return self._with(history, rows, online=online, busy=busy)

    def busier(self, rng: np.random.Generator, history: History, place: Place) -> History:
        """More orders of the market's own kinds, at the times when people order; as many more are open."""
        more = 1.0 + rng.uniform(*MORE)
        rows = place.rows(history.orders)
        known = history.column("outstanding")
        outstanding = np.asarray(np.where(rows, np.round(known * more), known), dtype=np.float64)
        online = history.column("online")
        busy = np.where(rows, np.minimum(history.column("busy") * more, online), history.column("busy"))
        surged = self._with(history, rows, outstanding=outstanding, busy=busy)
        copies = self._copies(rng, surged, place, rows, round((more - 1.0) * int(rows.sum())))
        both = pd.concat([surged.orders, copies], ignore_index=True)
        return replace(surged, orders=both.sort_values(["order_time", "order_id"], ignore_index=True))

    def _with(self, history: History, rows: Flags, **noted: Floats) -> History:
        """The orders at what is noted now."""
        changed = history.orders.assign(**noted)
        loads = np.where(rows, load(changed), load(history.orders))
        return replace(history, orders=at_new_load(history.orders, self._relation, loads).assign(**noted))

    def _copies(
        self, rng: np.random.Generator, history: History, place: Place, rows: Flags, number: int
    ) -> pd.DataFrame:
        """Orders of earlier days that come again, each beside one of the surge, and wait as it does."""
        orders = history.orders
        earlier = _like_place(orders, place)
        beside = orders.iloc[rng.choice(np.flatnonzero(rows), size=number)].reset_index(drop=True)
        again = orders.iloc[rng.choice(np.flatnonzero(earlier), size=number)].reset_index(drop=True)
        moved = at_new_load(again, self._relation, load(beside))
        names = ("order_time", "day", "hour", "weekday", "region", "online", "busy", "outstanding")
        ids = [f"{old}+{n}" for n, old in enumerate(again["order_id"])]
        return moved.assign(order_id=ids, **{name: beside[name] for name in names})


def _like_place(orders: pd.DataFrame, place: Place) -> Flags:
    """The scope's orders before the onset."""
    began = Place(place.scope, orders["order_time"].iloc[0].to_pydatetime(), place.onset)
    return began.rows(orders)


def slower_kitchens(rng: np.random.Generator, history: History, place: Place) -> History:
    """Every order takes some minutes longer to prepare."""
    rows = place.rows(history.orders)
    return _longer(history, np.where(rows, rng.uniform(*SLOWER_S), 0.0), "prep_s")


def held_up(rng: np.random.Generator, history: History, place: Place) -> History:
    """Some orders take longer, each by an exponential time; no column says where."""
    chosen = some(rng, place.rows(history.orders), *HELD)
    typical = rng.uniform(*HELD_S)
    return _longer(history, np.where(chosen, rng.exponential(typical, size=len(chosen)), 0.0))


def _longer(history: History, seconds: Floats, column: str | None = None) -> History:
    more = {"fulfilment_s": history.column("fulfilment_s") + seconds}
    if column is not None and column in history.orders:
        more[column] = history.column(column) + seconds
    return history.with_columns(**more)


def quick_lost(rng: np.random.Generator, history: History, place: Place) -> History:
    """Most quick deliveries are not recorded: a feed that takes them for errors."""
    took, arrived = history.column("fulfilment_s"), history.column("fulfilled")
    rows = place.rows(history.orders)
    quick = took < np.quantile(took[_like_place(history.orders, place) & (arrived > 0)], QUICK)
    chosen = some(rng, rows & quick, *LOST)
    return history.with_columns(fulfilled=np.where(chosen, 0.0, arrived))


def slower_stores(rng: np.random.Generator, history: History, place: Place) -> History:
    """Some orders go to slow stores instead, and go as real orders of these did in the weeks before."""
    orders = history.orders
    earlier = _like_place(orders, place) & (orders["fulfilled"] > 0).to_numpy(dtype=bool)
    pace = orders[earlier].groupby("store_id", observed=True)["fulfilment_s"].agg(["mean", "size"])
    pace = pace[pace["size"] >= KNOWN_STORE]
    slow = pace.index[pace["mean"] >= pace["mean"].quantile(SLOW)]
    donors = np.flatnonzero(earlier & orders["store_id"].isin(slow).to_numpy(dtype=bool))
    chosen = np.flatnonzero(some(rng, place.rows(orders), *OTHER_STORES))
    theirs = orders.iloc[rng.choice(donors, size=len(chosen))]
    stays = {"order_id", "order_time", "day", "hour", "weekday", "region", "online", "busy", "outstanding"}
    changed = orders.copy()
    for name in (name for name in orders if name not in stays):
        changed[name] = changed[name].astype(object) if changed[name].dtype == "category" else changed[name]
        changed.loc[chosen, name] = theirs[name].to_numpy()
    return replace(history, orders=changed)
