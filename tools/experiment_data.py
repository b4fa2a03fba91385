"""The data of an experiment: orders of its scope joined with who got which arm, one row an order and one a unit.

An assignment names orders, or whole units; both come to the same here. What makes the reading impossible is
refused; what makes it doubtful (a skewed split, missing outcomes) is left to `experiment_health`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from data.dataset import Dataset
from data.slices import Slice
from tools.assignment import TREATMENT
from tools.assignment_file import ORDER, AssignmentError, keys_of
from tools.experiment import Unit
from tools.incidents import Window
from tools.interventions import orders_between, rows_in
from tools.switch_windows import END, START, calendar, place, window_of
from tools.wording import scope_words

CLUSTER: Final[dict[Unit, str]] = {"store_cluster": "store_id", "customer": "user_id"}
_SHOWN: Final = 3


@dataclass(frozen=True)
class Design:
    """What is needed of the plan to join the data."""

    scope: Slice
    unit: Unit
    window_hours: int | None
    share: float
    """Chance of the treatment where the assignment names none."""
    history_days: int


@dataclass(frozen=True)
class Trial:
    """The experiment's orders and units."""

    design: Design
    orders: pd.DataFrame
    """Fact rows of the scope while it ran, with `unit` (row number of `units`; -1 for none), `trial_day` (1 is the
    first), and for windows `since_s`, seconds from the window's start."""
    units: pd.DataFrame
    """One row a unit: what names it, `treated`, `share`, `trial_day` of its start, `mixed` (orders of both arms);
    windows with `region`, `position`, `window_start` and `window_end`."""
    history: pd.DataFrame
    """Fact rows of the scope in the days before, with `day` and `position` of their window where there are windows."""
    start: datetime
    first_day: int
    """Local day of the start."""
    unknown_orders: int
    """Assigned orders that the data do not have."""
    armless_orders: int
    """Orders of the scope, while it ran, without an arm."""


def bind(dataset: Dataset, assignment: pd.DataFrame, design: Design) -> Trial:
    """Join a clean assignment (`assignment_file.checked`) with the orders of the scope.

    Raises:
        AssignmentError: the assignment does not fit the data, or there is no traffic.
        NotTestableError: the data have no such unit.
    """
    facts = _facts(dataset, design)
    rows = assignment.assign(
        treated=assignment["arm"] == TREATMENT,
        share=pd.to_numeric(assignment["share"]) if "share" in assignment else design.share,
    )
    by_order = keys_of(rows, design.unit) == [ORDER]
    if by_order:
        joined, unknown = _by_order(facts, rows[~rows[ORDER].isin(dataset.orders_to_come())])
        trial = _of_orders(dataset, joined, design)
    else:
        unknown = 0
        trial = _of_units(dataset, facts, rows, design)
    orders, units, start, armless = trial
    first_day = int(orders["day"].min())
    orders = orders.assign(trial_day=_trial_days(orders, units, design) - first_day + 1)
    before = Window(start=start - timedelta(days=design.history_days), end=start)
    history = facts[orders_between(facts, before)]
    if design.unit == "switchback":
        history = history.drop(columns="day").join(place(history, design.scope, _hours(design)))
    return Trial(
        design,
        orders.reset_index(drop=True),
        units.assign(trial_day=units["day"] - first_day + 1 if "day" in units else 1),
        history,
        start,
        first_day,
        unknown,
        armless,
    )


_Joined = tuple[pd.DataFrame, pd.DataFrame, datetime, int]
"""Orders with `unit`, units, start, orders without an arm."""


def _facts(dataset: Dataset, design: Design) -> pd.DataFrame:
    facts = dataset.facts()
    inside = facts[rows_in(facts, design.scope)]
    if inside.empty:
        raise AssignmentError(
            f"no traffic in {scope_words(design.scope)}: there is no experiment to read there"
        )
    cluster = CLUSTER.get(design.unit)
    if cluster == "user_id":
        return inside.merge(dataset.customers(), on=ORDER, how="left")
    if cluster is not None:
        dataset.require(f"orders.{cluster}")
        return inside.assign(**{cluster: inside[cluster].astype("string")})
    return inside


def _by_order(facts: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The scope's orders from the first to the last assigned one, with their arm where they have one."""
    known = rows.merge(facts[[ORDER, "order_time"]], on=ORDER)
    if known.empty:
        ids = ", ".join(map(str, rows[ORDER].head(_SHOWN)))
        raise AssignmentError(
            f"none of the {len(rows):,} assigned orders ({ids}, ...) is an order of the plan's scope in these data; "
            "check that plan, data and assignment belong together, and the as-of time"
        )
    late = known["assigned_at"] > known["order_time"]
    if late.any():
        ids = ", ".join(map(str, known.loc[late, ORDER].head(_SHOWN)))
        raise AssignmentError(
            f"{int(late.sum()):,} of {len(known):,} orders were assigned after they were placed (first: {ids}): an arm "
            "that is drawn afterwards can depend on the order; log the assignment when it is made"
        )
    span = Window(
        start=_at(known["order_time"].min()), end=_at(known["order_time"].max()) + timedelta(seconds=1)
    )
    during = facts[orders_between(facts, span)]
    joined = during.merge(rows[[ORDER, "treated", "share"]], on=ORDER, how="left")
    return joined, len(rows) - len(known)


def _of_orders(dataset: Dataset, joined: pd.DataFrame, design: Design) -> _Joined:
    """Units out of orders: the window, store or customer of each."""
    armless = int(joined["treated"].isna().sum())
    if design.unit == "switchback":
        windows = _windows(dataset, joined, design)
        placed = joined.assign(unit=window_of(joined, windows))
        windows = windows.join(_arms(placed, "unit"), how="inner")
        return _renumbered(placed, windows, armless)
    cluster = CLUSTER[design.unit]
    units = _arms(joined, cluster).reset_index()
    number = pd.Series(np.arange(len(units)), index=units[cluster])
    orders = joined.assign(unit=joined[cluster].map(number).fillna(-1).astype(np.int64))
    return orders, units, _at(joined["order_time"].min()), armless


def _arms(orders: pd.DataFrame, key: str) -> pd.DataFrame:
    """Arm of each unit: that of most of its orders."""
    known = orders[orders["treated"].notna()]
    plain = known.assign(treated=known["treated"].astype(float)).groupby(key, observed=True)
    found = plain.agg(treated=("treated", "mean"), share=("share", "median"))
    mixed = (found["treated"] > 0) & (found["treated"] < 1)
    return found.assign(mixed=mixed, treated=found["treated"] > 0.5)


def _windows(dataset: Dataset, orders: pd.DataFrame, design: Design) -> pd.DataFrame:
    day = place(orders, design.scope, _hours(design))["day"]
    regions = sorted(orders["region"].astype(str).unique()) if "region" in orders else [None]
    return calendar(
        design.scope,
        _hours(design),
        regions=regions,
        mapping=dataset.mapping,
        first_day=int(day.min()),
        days=int(day.max() - day.min()) + 1,
    )


def _renumbered(orders: pd.DataFrame, windows: pd.DataFrame, armless: int) -> _Joined:
    """Windows numbered from 0, and orders pointing at them."""
    number = pd.Series(np.arange(len(windows)), index=windows.index)
    unit = orders["unit"].map(number).fillna(-1).astype(np.int64)
    windows = windows.reset_index(drop=True)
    begins = windows[START].reindex(unit.to_numpy()).to_numpy()
    since = (orders["order_time"].to_numpy() - begins) / np.timedelta64(1, "s")
    return orders.assign(unit=unit, since_s=since), windows, _at(windows[START].min()), armless


def _of_units(dataset: Dataset, facts: pd.DataFrame, rows: pd.DataFrame, design: Design) -> _Joined:
    if design.unit == "switchback":
        return _of_windows(dataset, facts, rows, design)
    cluster = CLUSTER[design.unit]
    if "assigned_at" not in rows or rows["assigned_at"].isna().any():
        raise AssignmentError(f"the assignment has no assigned_at by {cluster}: when it began cannot be told")
    start = _at(rows["assigned_at"].min())
    during = facts[facts["order_time"] >= start]
    if during.empty:
        raise AssignmentError(f"no traffic in {scope_words(design.scope)} since {start:%Y-%m-%d %H:%M} UTC")
    number = pd.Series(np.arange(len(rows)), index=rows[cluster])
    unit = during[cluster].map(number).fillna(-1).astype(np.int64)
    assigned = rows["assigned_at"].reindex(unit.to_numpy()).to_numpy()
    in_time = (unit == -1) | (during["order_time"].to_numpy() >= assigned)
    orders = during.assign(unit=unit)[in_time]
    units = rows[[cluster, "treated", "share"]].assign(mixed=False)
    return orders, units, start, int((orders["unit"] == -1).sum())


def _of_windows(dataset: Dataset, facts: pd.DataFrame, rows: pd.DataFrame, design: Design) -> _Joined:
    windows = _with_ends(rows, design)
    begun = windows[windows[START] < dataset.as_of]
    if begun.empty:
        raise AssignmentError(
            f"no window has begun as of {dataset.as_of:%Y-%m-%d %H:%M} UTC; the first begins at "
            f"{windows[START].min():%Y-%m-%d %H:%M} UTC"
        )
    keep = ["region"] if "region" in begun else []
    drawn = [name for name in ("block", "slot") if name in begun]
    begun = begun[[*keep, START, END, "treated", "share", *drawn]].sort_values(
        [START, *keep], ignore_index=True
    )
    start = _at(begun[START].min())
    during = facts[orders_between(facts, Window(start=start, end=_at(begun[END].max())))]
    if during.empty:
        raise AssignmentError(f"no traffic in {scope_words(design.scope)} since {start:%Y-%m-%d %H:%M} UTC")
    local = _local(dataset, begun)
    windows = begun.assign(
        mixed=False, day=local.dt.normalize().astype(np.int64) // _DAY_US, position=local.dt.hour
    )
    placed = during.assign(unit=window_of(during, windows))
    return _renumbered(placed, windows, int((placed["unit"] == -1).sum()))


_DAY_US: Final = 86_400_000_000


def _local(dataset: Dataset, windows: pd.DataFrame) -> pd.Series:
    """Local starts, without zone."""
    regions = windows["region"] if "region" in windows else pd.Series([None] * len(windows))
    local = [
        moment.tz_convert(dataset.mapping.zone_of(region)).tz_localize(None)
        for moment, region in zip(windows[START], regions, strict=True)
    ]
    return pd.Series(pd.to_datetime(local), index=windows.index).astype("datetime64[us]")


def _with_ends(rows: pd.DataFrame, design: Design) -> pd.DataFrame:
    ends = rows if END in rows else rows.assign(**{END: rows[START] + timedelta(hours=_hours(design))})
    wrong = ends[END] <= ends[START]
    if wrong.any():
        raise AssignmentError(f"{int(wrong.sum())} windows end before they start")
    if "assigned_at" in ends and (ends["assigned_at"] > ends[START]).any():
        late = int((ends["assigned_at"] > ends[START]).sum())
        raise AssignmentError(f"{late} windows were assigned after they had begun; draw them before")
    by = ["region"] if "region" in ends else []
    ordered = ends.sort_values([*by, START])
    follows = ordered.groupby(by)[END].shift() if by else ordered[END].shift()
    if (follows > ordered[START]).any():
        at = ordered.loc[follows > ordered[START], START].iloc[0]
        raise AssignmentError(
            f"two windows share the time from {at:%Y-%m-%d %H:%M} UTC on; each hour has one arm"
        )
    return ends


def _trial_days(orders: pd.DataFrame, units: pd.DataFrame, design: Design) -> pd.Series:
    """Local day of the order's window, or of the order."""
    if design.unit != "switchback":
        return orders["day"]
    days = units["day"].reindex(orders["unit"].to_numpy()).to_numpy(np.float64)
    return pd.Series(np.where(np.isnan(days), orders["day"], days), index=orders.index).astype(np.int64)


def _hours(design: Design) -> int:
    if design.window_hours is None:
        raise AssignmentError("the plan is a switchback without window_hours; design it again")
    return design.window_hours


def _at(moment: pd.Timestamp) -> datetime:
    return pd.Timestamp(moment).to_pydatetime()
