"""Interventions: what could be changed, and the question each puts to the data.

An intervention names a driver and what becomes of it. `pose` turns it into a treatment column, the level
asked for on every order of the incident, the covariates to hold fixed, and the blocks of the interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, model_validator

from data.dataset import Dataset, PolicyChange
from data.slices import Slice
from tools.errors import ToolFailure
from tools.incidents import Window
from tools.loads import expected_load, load_of, store_load
from tools.memo import memo
from tools.settings import AnalysisSettings
from tools.stock_lines import READINGS, believed, hide, still_bad

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

Driver = Literal[
    "policy",
    "batched",
    "batch_size",
    "prep_s",
    "dasher_wait_s",
    "couriers",
    "store_intake",
    "unavailable_items",
    "promise_s",
]

Change = Literal["set", "to_baseline", "shift", "scale", "hide_below"]

COLUMNS: Final = {
    "batched": "batched",
    "batch_size": "batch_size",
    "prep_s": "prep_s",
    "dasher_wait_s": "dasher_wait_s",
}
"""Column of `Dataset.facts()` behind a driver that is measured on every order."""

FORESEEN: Final = ("prep_s", "dasher_wait_s")
"""Drivers whose usual level a promise allows for."""
ENOUGH_FOR_USUAL: Final = 10
"""Orders of a store that tell its usual level."""

LEVELS: Final = 12
"""Quantile bins of a continuous driver, half of them of the weeks before and half of the incident."""
LOADS: Final = 3
FEW_BLOCKS: Final = 5
MOST_VALUES: Final = 8
"""A dimension with more values is not adjusted for."""


class Intervention(BaseModel):
    """A change to one driver.

    Example:
        >>> str(Intervention(driver="prep_s", change="shift", amount=-120))
        'prep_s shift -120'
        >>> str(Intervention(driver="policy", change="set", policy="batching_threshold", level="2"))
        'policy batching_threshold set 2'
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    driver: Driver
    """What is changed. `policy` is a recorded policy; `couriers` and `store_intake` are capacities."""
    change: Change
    """`set` a policy's level; `to_baseline`: back to its distribution before; `shift` by seconds;
    `scale` by a share (0.2 is a fifth more); `hide_below` a probability of being in stock."""
    amount: float | None = None
    """Of a shift or scale, or the limit below which products are hidden."""
    policy: str | None = None
    """Name in `policy_changes`, for `policy`."""
    level: str | None = None
    """The policy's value, for `set`."""

    @model_validator(mode="after")
    def _complete(self) -> "Intervention":
        allowed = _CHANGES.get(self.driver, ("to_baseline", "shift"))
        if self.change not in allowed:
            raise ValueError(f"driver {self.driver} takes {' or '.join(allowed)}, not {self.change}")
        if self.driver == "policy" and (self.policy is None or self.level is None):
            raise ValueError("driver policy needs policy and level")
        if self.change in {"shift", "scale", "hide_below"} and not self.amount:
            raise ValueError(f"{self.change} needs an amount other than zero, not {self.amount!r}")
        if self.change == "scale" and self.amount is not None and self.amount <= -1:
            raise ValueError(f"amount = {self.amount!r}, must be more than -1: nothing would be left")
        if self.change == "hide_below" and self.amount is not None and not 0 < self.amount < 1:
            raise ValueError(f"amount = {self.amount!r}, must lie between 0 and 1: it is a probability")
        return self

    def __str__(self) -> str:
        given = (self.driver, self.policy, self.change, self.level)
        words = [word for word in given if word is not None]
        return " ".join(words + ([f"{self.amount:g}"] if self.amount is not None else []))


_CHANGES: Final[dict[str, tuple[str, ...]]] = {
    "policy": ("set",),
    "batched": ("to_baseline",),
    "batch_size": ("to_baseline",),
    "unavailable_items": ("hide_below",),
    "couriers": ("scale",),
    "store_intake": ("scale",),
    "promise_s": ("shift",),
}


class Place(NamedTuple):
    """The orders that an intervention reaches, and when."""

    where: Slice
    window: Window


@dataclass(frozen=True)
class Question:
    """Everything that `Standardisation` needs, one row an order."""

    rows: pd.DataFrame
    """Orders of the slice, baseline and incident, with `treatment`, the covariates and the blocks."""
    cohort: Bools
    """Orders of the incident."""
    asked: pd.Series
    """Level asked for."""
    otherwise: pd.Series | None
    """The same under another reading of what the intervention comes to; None where there is one reading only."""
    covariates: tuple[str, ...]
    """Adjusted for where they have support."""
    adjust: tuple[str, ...]
    """Adjusted for by their main effect: a storm may come only after the policy changed."""
    modifier: str | None
    block: tuple[str, ...]
    left_out: pd.DataFrame
    """Orders of the incident whose driver is not known; they are taken as unchanged."""

    def narrowed(self) -> "Question":
        """The question without the covariate that was added last."""
        return replace(self, covariates=self.covariates[:-1])

    @property
    def known_share(self) -> float:
        """Share of the incident's orders whose driver is known."""
        known = int(self.cohort.sum())
        return known / (known + len(self.left_out))


def rows_in(facts: pd.DataFrame, where: Slice) -> Bools:
    """Which orders belong to a slice.

    Raises:
        ToolFailure: the slice names a dimension that these data do not have.
    """
    keep = np.ones(len(facts), bool)
    for name, value in where.values:
        if name not in facts:
            raise ToolFailure(f"slice names {name!r}, which these data do not have")
        keep &= (facts[name] == value).to_numpy(bool)
    if where.hour is not None:
        keep &= np.isin(facts["hour"].to_numpy(), where.hour.hours)
    return keep


def orders_between(facts: pd.DataFrame, window: Window) -> Bools:
    """Which orders were placed in a window."""
    placed = facts["order_time"]
    return np.asarray((placed >= window.start) & (placed < window.end), bool)


def history(facts: pd.DataFrame, window: Window, days: int) -> Bools:
    """Which orders were placed in the days before a window."""
    return orders_between(facts, Window(start=window.start - timedelta(days=days), end=window.start))


def recorded(dataset: Dataset, where: Slice, policy: str) -> tuple[PolicyChange, ...]:
    """Changes of a policy that touched a slice, oldest first."""
    changes = (c for c in dataset.policy_changes() if c.policy == policy and c.scope.overlaps(where))
    return tuple(sorted(changes, key=lambda c: (c.changed_at, c.change_id)))


def pose(
    dataset: Dataset,
    *,
    where: Slice,
    window: Window,
    intervention: Intervention,
    settings: AnalysisSettings,
) -> Question:
    """Turn an intervention on the incident's orders into a question for g-computation.

    Raises:
        ToolFailure: the slice has no orders in the window or before it, or the driver is not known.
    """
    key = ("orders asked about", str(where), window.start, window.end, settings.baseline_days)
    rows = memo(dataset, key, lambda: _asked_about(dataset, Place(where, window), settings.baseline_days))
    own, *asked = _treat(dataset, rows, Place(where, window), intervention)
    return _question(rows, own, asked, intervention, settings)


def _asked_about(dataset: Dataset, place: Place, days: int) -> pd.DataFrame:
    """Orders of a slice in the window and before it, with what is held fixed; the same for every intervention."""
    where, window = place
    facts = dataset.facts()
    chosen = rows_in(facts, where)
    now, before = orders_between(facts, window), history(facts, window, days)
    for name, mask in (("in the window", chosen & now), ("in the baseline before it", chosen & before)):
        if not mask.any():
            raise ToolFailure(f"slice {where} has no orders {name}")
    rows = facts[chosen & (now | before)].reset_index(drop=True)
    rows["load"] = _bins(load_of(dataset, rows), LOADS)
    rows["weekend"] = (rows["weekday"] >= 5).astype(int)
    rows["time"] = rows["hour"] if rows["hour"].nunique() <= 4 else rows["hour"].floordiv(4)
    rows["weather"] = in_weather(dataset, rows)
    rows["cohort"] = orders_between(rows, window)
    return rows


def _question(
    rows: pd.DataFrame,
    own: pd.Series,
    asked: Sequence[pd.Series],
    intervention: Intervention,
    settings: AnalysisSettings,
) -> Question:
    rows = rows.assign(treatment=own, asked=asked[0], otherwise=asked[-1])
    known = own.notna() & (asked[0].notna() | ~rows["cohort"])
    kept = rows[known].reset_index(drop=True)
    if not kept["cohort"].any():
        raise ToolFailure(f"not testable: {intervention.driver} is not known for any order of the incident")
    # More couriers are a lower load; it cannot be held fixed beside itself.
    modifier = None if intervention.driver == "couriers" else "load"
    return Question(
        rows=kept,
        cohort=kept["cohort"].to_numpy(bool),
        asked=kept["asked"],
        otherwise=kept["otherwise"] if len(asked) > 1 else None,
        covariates=_covariates(kept, modifier=modifier, smallest=settings.min_slice_orders),
        adjust=("weather",) if kept["weather"].nunique() > 1 else (),
        modifier=modifier,
        block=_block(kept, switched=intervention.driver == "policy"),
        left_out=rows[~known & rows["cohort"]],
    )


def _covariates(rows: pd.DataFrame, *, modifier: str | None, smallest: int) -> tuple[str, ...]:
    """Always the modifier, or the kind of day; then whatever leaves the median stratum enough orders."""
    chosen = [modifier or "weekend"]
    for name in ("time", "region", "category", "weekend"):
        if name in chosen or name not in rows or not 1 < rows[name].nunique() <= MOST_VALUES:
            continue
        sizes = rows.groupby([*chosen, name], observed=True).size()
        if sizes.median() >= 4 * smallest:
            chosen.append(name)
    return tuple(chosen)


def in_weather(dataset: Dataset, rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """1 for orders placed while a recorded weather event lay over them, else 0."""
    found = np.zeros(len(rows), np.int64)
    first, last = rows["order_time"].min(), rows["order_time"].max()
    for event in dataset.context_events():
        if event.kind == "weather" and event.start <= last and event.end > first:
            during = orders_between(rows, Window(start=event.start, end=event.end))
            found[during & rows_in(rows, event.scope)] = 1
    return found


def _block(rows: pd.DataFrame, *, switched: bool) -> tuple[str, ...]:
    """Region-days; finer ones where the incident has too few and the comparison is within blocks."""
    coarse = tuple(name for name in ("region", "day") if name in rows)
    inside = rows[rows["cohort"]]
    if switched or len(inside.drop_duplicates(list(coarse))) >= FEW_BLOCKS:
        return coarse
    return ("store_id", "day") if "store_id" in rows else ("hour", "day")


def _treat(
    dataset: Dataset, rows: pd.DataFrame, place: Place, intervention: Intervention
) -> tuple[pd.Series, ...]:
    """The driver as it was, and as asked under every reading, as categories."""
    if intervention.driver == "policy":
        own = policy_level(dataset, rows, place.where, str(intervention.policy))
        return own, pd.Series(str(intervention.level), index=rows.index).where(own.notna())
    own_value = _driver(dataset, rows, intervention)
    if intervention.driver == "unavailable_items":
        lines = believed(dataset, place.window)
        return own_value, *_offered(lines, rows, own_value, below=float(intervention.amount or 0.0))
    asked_value = _asked(rows, own_value, intervention)
    if own_value.nunique() <= LEVELS and intervention.change == "to_baseline":
        return own_value, asked_value
    edges = level_edges(own_value, rows["cohort"])
    return _cut(own_value, edges), _cut(asked_value, edges)


def level_edges(value: pd.Series, cohort: pd.Series) -> Floats:
    """Bounds between a continuous driver's levels: quantiles of the weeks before and of the incident alike.

    Of all orders together, the incident's own high values would share one or two levels with the highest ones of the
    weeks before, and what sets them apart would be lost: every effect would come out too small.
    """
    at = np.linspace(0, 1, LEVELS // 2 + 1)[1:-1]
    return np.unique(np.concatenate([value[part].quantile(at) for part in (~cohort, cohort)]))


def _cut(values: pd.Series, edges: Floats) -> pd.Series:
    codes = np.searchsorted(edges, values.to_numpy(np.float64), side="right").astype(np.float64)
    return pd.Series(codes, index=values.index).where(values.notna())


def _driver(dataset: Dataset, rows: pd.DataFrame, intervention: Intervention) -> pd.Series:
    if intervention.driver == "couriers":
        return expected_load(dataset, rows)
    if intervention.driver == "store_intake":
        return store_load(rows)
    if intervention.driver == "promise_s":
        return lateness_of(rows)
    if intervention.driver == "unavailable_items":
        return bad_lines(rows)
    column = COLUMNS[intervention.driver]
    if column not in rows or not rows[column].notna().any():
        raise ToolFailure(f"not testable: these data do not hold {intervention.driver} of an order")
    value = rows[column].astype(np.float64)
    return _beyond_usual(value, rows) if intervention.driver in FORESEEN else value


def _beyond_usual(value: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Seconds beyond the store's usual, alone or batched: what a promise could not know.

    A slow store that is known to be slow is not late for it; compared as they are, slow and fast stores would
    hide most of what a change in one store does.
    """
    keys = [name for name in ("store_id", "batched") if name in rows]
    before = value.where(~rows["cohort"])
    usual = pd.Series(before.mean(), index=rows.index)
    for depth in range(1, len(keys) + 1):
        groups = before.groupby([rows[key] for key in keys[:depth]], observed=True)
        usual = groups.transform("mean").where(groups.transform("count") >= ENOUGH_FOR_USUAL, usual)
    return value - usual


def _asked(rows: pd.DataFrame, value: pd.Series, intervention: Intervention) -> pd.Series:
    if intervention.change == "to_baseline":
        return _as_before(rows, value)
    amount = float(intervention.amount or 0.0)
    if intervention.driver == "promise_s":
        return value - amount
    if intervention.driver == "couriers":
        return value / (1 + amount)
    return value * (1 + amount) if intervention.change == "scale" else value + amount


def _as_before(rows: pd.DataFrame, value: pd.Series) -> pd.Series:
    """Each order's value at its own rank in the baseline of the same hours: who waited longest still does."""
    asked = value.copy()
    for index in rows.groupby("time", observed=True).groups.values():
        part = value.loc[index].dropna()
        inside = part[rows.loc[part.index, "cohort"]]
        outside = np.sort(part[~rows.loc[part.index, "cohort"]].to_numpy())
        if len(outside) and len(inside):
            rank = (inside.rank(method="first") - 0.5) / len(inside)
            at = np.minimum((rank * len(outside)).astype(int), len(outside) - 1)
            asked.loc[inside.index] = outside[at.to_numpy()]
    return asked


def bad_lines(rows: pd.DataFrame) -> pd.Series:
    """Lines of an order that were substituted or missing; unknown where nothing was delivered.

    Raises:
        ToolFailure: the data have no order lines.
    """
    if "items_ok" not in rows:
        raise ToolFailure("not testable: no column items.missing_flag")
    lines = rows["items"].astype(np.float64)
    return (lines - rows["items_ok"].astype(np.float64)).where(lines > 0)


def _offered(
    lines: pd.DataFrame, rows: pd.DataFrame, value: pd.Series, *, below: float
) -> tuple[pd.Series, ...]:
    """The bad lines of an order of the incident if doubtful products had not been offered, by either reading."""
    inside = rows[rows["cohort"]]
    own = lines[lines["order_id"].isin(inside["order_id"])]
    avoided = hide(own, below).avoided
    return tuple(_less_avoided(own, inside, value, avoided[name]) for name in READINGS)


def _less_avoided(lines: pd.DataFrame, inside: pd.DataFrame, value: pd.Series, share: float) -> pd.Series:
    gone = lines["bad"].to_numpy(np.int64) - still_bad(lines, share)
    fewer = pd.Series(gone).groupby(lines["order_id"].to_numpy()).sum()
    own = inside["order_id"].map(fewer).fillna(0.0).astype(np.float64)
    return (value - own.reindex(value.index, fill_value=0.0)).clip(lower=0.0)


def policy_level(dataset: Dataset, rows: pd.DataFrame, where: Slice, policy: str) -> pd.Series:
    """A policy's recorded value at each order, as text; unknown where no change touched it.

    Raises:
        ToolFailure: no change of it is recorded for the slice.
    """
    changes = recorded(dataset, where, policy)
    if not changes:
        raise ToolFailure(f"not testable: no change of {policy!r} is recorded for {where}")
    level = pd.Series(pd.NA, index=rows.index, dtype="string")
    for change in changes:
        touched = rows_in(rows, change.scope)
        since = np.asarray(rows["order_time"] >= change.changed_at, bool)
        level = level.mask(touched & ~since & level.isna(), change.old_value or pd.NA)
        # A record that changes nothing says what the level is, but does not take another change back.
        told = touched & since if change.new_value != change.old_value else touched & level.isna()
        level = level.mask(told, change.new_value or pd.NA)
    return level.astype(object).where(level.notna())


def lateness_of(rows: pd.DataFrame) -> pd.Series:
    """Seconds behind the promise, signed; unknown where nothing was delivered.

    Raises:
        ToolFailure: the data do not say when an order was promised.
    """
    if "lateness_s" not in rows or "delivered" not in rows:
        raise ToolFailure("not testable: no column orders.promised_eta")
    return rows["lateness_s"].astype(np.float64).where(rows["delivered"] == 1)


def _bins(values: pd.Series, count: int) -> pd.Series:
    """Quantile bins; unknown values share one of their own."""
    edges = np.unique(values.quantile(np.linspace(0, 1, count + 1)[1:-1]).dropna())
    codes = np.searchsorted(edges, values.to_numpy(np.float64), side="right")
    return pd.Series(np.where(values.isna(), -1, codes), index=values.index)
