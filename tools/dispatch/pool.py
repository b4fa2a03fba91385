"""What all orders before the incident say together: how batching, waits and customers answer to load and lateness.

A slice has its own levels; these answers are taken as the same everywhere, because one slice alone says little about
them. Load and busy couriers are known with much chance (an hour's count, a moment's snapshot), which would hide most of
an answer; so each is replaced by what busy couriers an hour before say of it, whose chance is another (instrumental variables;
J. Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, chapter 5).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from tools import logit
from tools.loads import hourly_supply, load_of

Floats = npt.NDArray[np.float64]

SAVING: Final = 0.5
"""Assumed: an order carried besides takes half of the courier time of one carried alone."""
WAIT_UNIT_S: Final = 600.0
"""Cancellation answers to waits in units of ten minutes."""
_MOST_CANCEL_ROWS: Final = 12_000
_RIDGE: Final = 1.0
"""Pseudo-information of the answer of cancellation: it keeps few cancellations from saying much."""
BUSIEST: Final = 0.97
"""Share of the couriers that are busy at most: some are always between two trips."""
_ENOUGH_COURIERS: Final = 20
"""Couriers online whose busy share says something: of fewer, one courier more or less hides everything."""
_READ: Final = (
    "day",
    "hour",
    "stamp",
    "extra",
    "batched",
    "prep_s",
    "dasher_wait_s",
    "fulfilment_s",
    "fulfilled",
    "promise_s",
    "distance",
    "canceled",
)
"""Columns of the orders that are needed."""
_HOUR: Final = pd.Timedelta(hours=1)


class Answers(NamedTuple):
    """How orders answer, wherever they are."""

    batching_to_load: float
    """Log-odds of being batched for every whole usual load above the usual one."""
    wait_to_busy: float
    """Elasticity of the wait of an order carried alone to the odds that a courier is busy; 1 in the queue M/M/1."""
    cancel_per_wait: float
    """Log-odds of cancelling for ten minutes of waiting."""
    cancel_per_late: float
    """And for ten minutes behind the promise."""


def trip_part(extra: Floats) -> Floats:
    """Courier time of an order as a share of that of one carried alone."""
    return np.asarray((1 + extra * (1 - SAVING)) / (1 + extra))


def burden(wait_s: Floats, late_s: Floats) -> Floats:
    """What makes a customer cancel, shape (orders, 2): waiting and lateness in units of ten minutes."""
    return np.column_stack([wait_s, np.maximum(late_s, 0.0)]) / WAIT_UNIT_S


def pooled(dataset: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """Orders before the incident with their load and busy couriers, and those of the hour before.

    Args:
        dataset: for the couriers.
        rows: orders with `stamp` and `extra`.

    Returns:
        What is needed of them, with `place` (region), `load` (orders a courier over its region's mean), `busy`
        (logarithm of the odds that a courier is busy) and `busy_before`; empty where not known.
    """
    names = rows["region"].astype(str) if "region" in rows else pd.Series("", index=rows.index)
    place = names.astype("category")
    load = load_of(dataset, rows)
    kept = rows[[name for name in _READ if name in rows]]
    made = kept.assign(place=place, load=load / load.groupby(place, observed=True).transform("mean"))
    made["busy"] = _busy(dataset, made)
    return _with_hour_before(made)


def _busy(dataset: Dataset, rows: pd.DataFrame) -> Floats:
    known = all(dataset.has(f"supply_snapshots.couriers_{name}") for name in ("online", "busy"))
    if not known:
        return np.full(len(rows), np.nan)
    supply = hourly_supply(dataset).rename(columns={"region": "place"})
    found = rows[["place", "stamp"]].astype({"place": str}).merge(supply, on=["place", "stamp"], how="left")
    enough = found["couriers_online"] >= min(_ENOUGH_COURIERS, float(found["couriers_online"].max()))
    busy = (found["couriers_busy"] / found["couriers_online"].clip(lower=1)).where(enough)
    return odds_log(busy.to_numpy(np.float64))


def odds_log(busy: Floats | float) -> Floats:
    """Logarithm of the odds that a courier is busy; a few are always neither all busy nor all idle."""
    kept = np.clip(np.asarray(busy, np.float64), 1 - BUSIEST, BUSIEST)
    return np.asarray(np.log(kept / (1 - kept)))


def _with_hour_before(rows: pd.DataFrame) -> pd.DataFrame:
    hours = rows.drop_duplicates(["place", "stamp"])[["place", "stamp", "busy"]]
    later = hours.assign(stamp=hours["stamp"] + _HOUR).rename(columns={"busy": "busy_before"})
    return rows.merge(later, on=["place", "stamp"], how="left")


def answers(pool: pd.DataFrame) -> Answers:
    """Read the common answers off orders that `pooled` made."""
    batched = pool["batched"]
    share = float(batched.mean())
    alone = pool[pool["extra"] == 0]
    wait = alone["dasher_wait_s"]
    to_load = _instrumented(pool, batched, "load") / max(share * (1 - share), 1e-3)
    to_busy = _instrumented(alone, wait, "busy") / max(float(wait.mean()), 1.0)
    per_wait, per_late = _cancelling(pool)
    return Answers(max(to_load, 0.0), max(to_busy, 0.0), per_wait, per_late)


def _instrumented(rows: pd.DataFrame, y: "pd.Series[float]", name: str) -> float:
    """Slope of y in a column within regions and hours of day, by how busy couriers were an hour earlier; 0 where not known."""
    columns = pd.DataFrame({"y": y, "x": rows[name], "z": rows["busy_before"]}).astype(np.float64)
    known = columns.notna().all(axis=1)
    if not known.any():
        return 0.0
    kept = columns[known]
    groups = [rows.loc[known, "place"], rows.loc[known, "hour"]]
    inside = (kept - kept.groupby(groups, observed=True).transform("mean")).to_numpy(np.float64)
    strength = float(inside[:, 1] @ inside[:, 2])
    return float(inside[:, 0] @ inside[:, 2] / strength) if strength > 0 else 0.0


def _cancelling(pool: pd.DataFrame) -> tuple[float, float]:
    """Log-odds for waiting and for lateness; lateness as expected, because what is cancelled has no arrival."""
    needed = ["prep_s", "dasher_wait_s", "promise_s"]
    if "canceled" not in pool:
        return 0.0, 0.0
    known = pool[pool[needed].notna().all(axis=1)]
    part = known.iloc[:: -(-len(known) // _MOST_CANCEL_ROWS)]
    wait = part["dasher_wait_s"].to_numpy(np.float64)
    late = (part["prep_s"] + part["dasher_wait_s"] + _expected_travel(part) - part["promise_s"]).to_numpy(
        np.float64
    )
    model = logit.fit(burden(wait, late), part["canceled"].to_numpy(np.float64), ridge=_RIDGE)
    return float(model.coefficients[0]), float(model.coefficients[1])


def _expected_travel(rows: pd.DataFrame) -> "pd.Series[float]":
    """What remains after preparation and wait, by distance."""
    left = (rows["fulfilment_s"] - rows["prep_s"] - rows["dasher_wait_s"]).where(rows["fulfilled"] > 0)
    if "distance" not in rows:
        return pd.Series(float(left.mean()), index=rows.index)
    miles = rows["distance"].fillna(rows["distance"].mean())
    slope = float(left.cov(miles) / max(miles.var(), 1e-9))
    return float(left.mean()) + slope * (miles - float(miles[left.notna()].mean()))
