"""An incident's orders as the mechanisms read them: every measured node of the causal graph, by order."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.causal_graph import MIX, OUTCOME, CausalGraph, graph
from tools.decomposition import SECONDS, decomposition, regressor
from tools.errors import ToolFailure
from tools.incident_frame import MIN_ORDERS, Flags, IncidentArguments, IncidentFrame
from tools.loads import couriers_of, demand_of
from tools.mechanisms import Floats, Ints, Orders
from tools.memo import memo
from tools.registry import ToolContext

MOST_ORDERS: Final = 20_000
"""Of either period; every k-th is taken of more."""
MOST_UNKNOWN: Final = 0.2
"""A node that more orders do not have is not measured."""
DISTANCES: Final = 3
STORES: Final = 8
"""Groups of stores, by how long they prepare on other days."""
LARGEST_BATCH: Final = 4
_MEASURED: Final = ("batched", "prep_s", "dasher_wait_s", "items_bad", "promise_s")
_COVARIATES: Final = ("distance", "basket_value")


class MechanismOrders(NamedTuple):
    """Orders, the graph of what is measured of them, and what a bootstrap draws together."""

    orders: Orders
    graph: CausalGraph
    block: Ints
    """Store and day, by order."""
    outcome_metric: str


def mechanism_orders(context: ToolContext, arguments: IncidentArguments) -> MechanismOrders:
    """The orders of an incident's slice, before it and during it, memoised on the dataset.

    Raises:
        ToolFailure: too few orders, a duration without lateness, or nothing measured that could explain it.
    """
    days = context.settings.baseline_days
    key = ("mechanism_orders", arguments.slice, arguments.start, arguments.end, arguments.metric, days)
    return memo(context.dataset, key, lambda: _read(context, arguments))


def _read(context: ToolContext, arguments: IncidentArguments) -> MechanismOrders:
    parts = decomposition(context, arguments)
    if parts is None or parts.outcome_metric in SECONDS:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}, or it is a duration")
    frame = parts.frame
    nodes = _nodes(context, frame)
    rows = frame.inside & ~np.isnan(parts.outcome)
    known = {n: v for n, v in nodes.items() if rows.any() and np.isnan(v[rows]).mean() <= MOST_UNKNOWN}
    for values in known.values():
        rows = rows & ~np.isnan(values)
    rows = _thin(rows, frame.during)
    if min(int((rows & frame.during).sum()), int((rows & ~frame.during).sum())) < MIN_ORDERS:
        raise ToolFailure("not testable: too few orders of which every measured driver is known")
    if len(np.unique(parts.outcome[rows])) < 2:
        raise ToolFailure("not testable: the outcome is the same for all orders")
    measured = graph().measured(frozenset((*known, MIX, OUTCOME)))
    if not set(known) - {"demand_ratio", "items_bad"}:
        raise ToolFailure("not testable: no driver of the outcome is recorded")
    orders = Orders(
        values={name: known[name][rows] for name in measured.nodes if name in known},
        mix=_mix(frame, rows),
        covariates=_covariates(frame, rows),
        failed=parts.outcome[rows],
        during=frame.during[rows],
    )
    return MechanismOrders(orders, measured, _blocks(frame, rows), parts.outcome_metric)


def _nodes(context: ToolContext, frame: IncidentFrame) -> Mapping[str, Floats]:
    found: dict[str, Floats] = {}
    for name in _MEASURED:
        if name in frame.rows or (name == "items_bad" and "items_ok" in frame.rows):
            found[name] = regressor(frame, name)
    if "batch_size" in frame.rows:
        # Two orders together or four: the flag cannot tell them apart.
        sizes = frame.column("batch_size")
        found["batched"] = np.minimum(
            np.where(np.isnan(sizes), 1.0 + found.get("batched", 0.0), sizes), LARGEST_BATCH
        )
    if "batched" in frame.rows:
        found["carried_share"] = _carried_share(frame)
    if "region" in frame.rows:
        rows = frame.rows.assign(cohort=frame.during, weekend=frame.rows["weekday"] >= 5)
        found["demand_ratio"] = demand_of(context.dataset, rows).to_numpy(np.float64)
        if context.dataset.has("supply_snapshots.couriers_online"):
            found["couriers_ratio"] = couriers_of(context.dataset, rows).to_numpy(np.float64)
    return found


def _carried_share(frame: IncidentFrame) -> Floats:
    """Share of the orders of the same region, category and hour that are carried with another, by order."""
    rows = frame.rows
    keys = [
        rows["order_time"].dt.floor("h"),
        *(rows[name] for name in ("region", "category") if name in rows),
    ]
    batched = pd.Series(frame.column("batched"), index=rows.index)
    return batched.groupby(keys, observed=True).transform("mean").to_numpy(np.float64)


def _thin(rows: Flags, during: Flags) -> Flags:
    """Every k-th order of either period; no random state."""
    thin = np.zeros(len(rows), dtype=bool)
    for period in (rows & during, rows & ~during):
        chosen = np.flatnonzero(period)
        thin[chosen[:: max(-(-len(chosen) // MOST_ORDERS), 1)]] = True
    return thin


def _mix(frame: IncidentFrame, rows: Flags) -> tuple[Ints, ...]:
    """Kinds of orders: category, how far, how long the store prepares on other days, and the hour."""
    found: list[Ints] = []
    if "category" in frame.rows:
        found.append(_dense(np.asarray(frame.rows["category"].cat.codes, dtype=np.int64)[rows]))
    if "distance" in frame.rows:
        found.append(_groups(np.nan_to_num(frame.column("distance"))[rows], DISTANCES))
    if frame.store is not None and "prep_s" in frame.rows:
        found.append(_groups(_usual_prep(frame, frame.store)[rows], STORES))
    return (*found, _dense(frame.hour_kind[rows]))


def _covariates(frame: IncidentFrame, rows: Flags) -> Mapping[str, Floats]:
    """What the outcome and the durations owe to the order's own numbers, on any scale."""
    found = {name: np.nan_to_num(frame.column(name)[rows]) for name in _COVARIATES if name in frame.rows}
    if frame.store is not None and "prep_s" in frame.rows:
        found["usual_prep_s"] = _usual_prep(frame, frame.store)[rows]
    return found


def _usual_prep(frame: IncidentFrame, store: Ints) -> Floats:
    """Mean preparation of each order's store in the baseline, seconds."""
    prep = frame.column("prep_s")
    past = ~frame.during & ~np.isnan(prep)
    size = int(store.max()) + 1
    count = np.bincount(store[past], minlength=size)
    total = np.bincount(store[past], weights=prep[past], minlength=size)
    overall = float(prep[past].mean()) if past.any() else 0.0
    return np.asarray(np.divide(total, count, out=np.full(size, overall), where=count > 0)[store])


def _groups(values: Floats, number: int) -> Ints:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, number + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, values, side="right"), dtype=np.int64)


def _dense(codes: npt.NDArray[np.int64]) -> Ints:
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)


def _blocks(frame: IncidentFrame, rows: Flags) -> Ints:
    store = frame.store if frame.store is not None else frame.hour_kind
    return _dense((frame.day[rows] - frame.day.min()) * (int(store.max()) + 1) + store[rows])
