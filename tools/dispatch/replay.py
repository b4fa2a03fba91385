"""The simulator held against what was observed, before anyone may ask it what would have been.

The weeks before are replayed as calibrated. The incident is replayed without fitting again, changing only what is
recorded to have changed: the policy's level, couriers online, arrivals, promises, and how long stores took for an order
that is carried as it was. A level of batching that was never seen before has one thing that no calibration can tell: how
eagerly dispatch uses it. That is read from how orders were carried on other days of the incident, never from whether
they were late, and each part of the days is replayed by what was read from the rest.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from data.mapping import OnTime
from tools.dispatch.calibration import Calibrated
from tools.dispatch.draws import draw
from tools.dispatch.fleet import Fleet
from tools.dispatch.journey import USUAL, Arm, Response, as_recorded, play
from tools.dispatch.response import read_response
from tools.errors import ToolFailure

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_REPLICATIONS: Final = 30
_SURE: Final = 1.96
_FOLDS: Final = 5
_ON_TIME_BEFORE, _ON_TIME_NOW, _BATCHED, _WAIT = 0.01, 0.03, 0.03, 0.10
_WIDEST: Final = 2.0
"""Bands at most so many times as wide, where chance alone would leave them."""


class ReplayRow(BaseModel):
    """One metric, observed and simulated; shares, or seconds for times."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    metric: str
    observed: float
    simulated: float
    difference: float
    """Simulated minus observed."""
    band: float | None
    """The most that the difference may be; None where it is only shown."""
    tolerance: float | None
    """The band, or 1.96 standard errors of what was observed or simulated where that is more, up to twice the band."""

    @property
    def in_band(self) -> bool:
        """Whether the difference lies within the band itself."""
        return self.band is None or abs(self.difference) <= self.band

    @property
    def passes(self) -> bool:
        """Whether it lies within the tolerance."""
        return self.tolerance is None or abs(self.difference) <= self.tolerance


class Replay(BaseModel):
    """A span of the slice's orders, replayed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    span: str
    """`before` or `incident`."""
    how: str
    """What was known to the simulator."""
    orders: int
    rows: tuple[ReplayRow, ...]

    def row(self, metric: str) -> ReplayRow | None:
        """The row of a metric."""
        return next((row for row in self.rows if row.metric == metric), None)

    @property
    def misses(self) -> tuple[ReplayRow, ...]:
        """What lies outside of its tolerance."""
        return tuple(row for row in self.rows if not row.passes)


@dataclass(frozen=True)
class Replayed:
    """Both replays, and the incident's arm for what comes after."""

    before: Replay
    incident: Replay
    arm: Arm
    """The incident as recorded."""

    @property
    def reason(self) -> str | None:
        """Why the simulator must not be used; None where it may."""
        told = [
            f"{row.metric} {replay.span}: simulated {row.simulated:.4g}, observed {row.observed:.4g}, "
            f"off by {row.difference:+.4g} where {row.tolerance:.4g} is allowed"
            for replay in (self.before, self.incident)
            for row in replay.misses
        ]
        return "; ".join(told) or None


def replay(fleet: Fleet, fitted: Calibrated, rule: OnTime, *, seed: int) -> Replayed:
    """Replay the weeks before and the incident.

    Raises:
        ToolFailure: a level of batching was never seen before, and the incident has one day only.
    """
    usual = as_recorded(fleet, fitted, ~fleet.during)
    bands = {"on_time": _ON_TIME_BEFORE, "batched_share": _BATCHED, "wait": _WAIT}
    before = _compare(fleet, fitted, rule, [usual], seed, span="before", how="as calibrated", bands=bands)
    arms, how = _incident_arms(fleet, fitted, seed)
    incident = _compare(
        fleet, fitted, rule, arms, seed, span="incident", how=how, bands={"on_time": _ON_TIME_NOW}
    )
    whole = recorded_incident(fleet, fitted, fleet.during, _response(fleet, fitted, fleet.during, seed))
    return Replayed(before, incident, whole)


def recorded_incident(fleet: Fleet, fitted: Calibrated, chosen: Bools, response: Response) -> Arm:
    """The arm of some of the incident's orders, with all that is recorded to have changed."""
    arm = as_recorded(fleet, fitted, chosen, response)
    return replace(arm, load_ratio=fleet.couriers.load_ratio, slowness=slowness(fleet, fitted))


def slowness(fleet: Fleet, fitted: Calibrated) -> float:
    """Preparation in the incident over the usual one of orders that were carried alike."""
    rows = fleet.rows[fleet.now]
    usual = fitted.prep_s[fleet.now] * (
        1 + fitted.parameters.prep_per_extra * rows["extra"].to_numpy(np.float64)
    )
    known = rows["prep_s"].notna().to_numpy() & ~np.isnan(usual)
    return float(rows["prep_s"].to_numpy(np.float64)[known].mean() / usual[known].mean())


def _response(fleet: Fleet, fitted: Calibrated, days: Bools, seed: int) -> Response:
    return read_response(fleet, fitted, days, seed=seed) if fleet.changed_level else USUAL


def _incident_arms(fleet: Fleet, fitted: Calibrated, seed: int) -> tuple[list[Arm], str]:
    if fleet.changed_level is None:
        whole = recorded_incident(fleet, fitted, fleet.during, USUAL)
        return [whole], "recorded changes only, nothing fitted again"
    day = fleet.rows["day"].to_numpy()
    days = np.unique(day[fleet.now])
    if len(days) < 2:
        raise ToolFailure(
            f"level {fleet.changed_level} of {fleet.policy} was never seen before and the incident has one day: "
            "nothing is left to check against; ask again after another day"
        )
    folds = min(len(days), _FOLDS)
    arms = []
    for fold in range(folds):
        left_out = fleet.during & np.isin(day, days[fold::folds])
        read = _response(fleet, fitted, fleet.during & ~left_out, seed)
        arms.append(recorded_incident(fleet, fitted, left_out, read))
    return arms, f"use of level {fleet.changed_level} read from other days of the incident, {folds} parts"


def _compare(
    fleet: Fleet,
    fitted: Calibrated,
    rule: OnTime,
    arms: list[Arm],
    seed: int,
    *,
    span: str,
    how: str,
    bands: dict[str, float],
) -> Replay:
    chosen = np.any([arm.chosen for arm in arms], axis=0) & fleet.measured
    rows = fleet.rows[chosen]
    seen, errors = observed(rows)
    made, spread = _played(fleet, fitted, arms, rule, seed)
    return Replay(
        span=span,
        how=how,
        orders=len(rows),
        rows=tuple(
            _row(name, seen[name], made[name], max(errors.get(name, 0.0), spread[name]), bands)
            for name in seen
            if name in made
        ),
    )


def _row(metric: str, seen: float, made: float, error: float, bands: dict[str, float]) -> ReplayRow:
    band = bands.get(metric)
    if band is not None and metric == "wait":
        band *= seen
    tolerance = None if band is None else min(max(band, _SURE * error), _WIDEST * band)
    return ReplayRow(
        metric=metric, observed=seen, simulated=made, difference=made - seen, band=band, tolerance=tolerance
    )


def _played(
    fleet: Fleet, fitted: Calibrated, arms: list[Arm], rule: OnTime, seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Mean metrics of all arms' orders together, and how they vary from replication to replication."""
    weight = np.array([float((arm.chosen & fleet.measured).sum()) for arm in arms])
    found: list[dict[str, float]] = []
    for number in range(_REPLICATIONS):
        of_arms = [
            play(fleet, fitted, arm, draw(int(arm.chosen.sum()), seed=seed, replication=number)).metrics(rule)
            for arm in arms
        ]
        found.append(
            {name: float(weight @ [one[name] for one in of_arms] / weight.sum()) for name in of_arms[0]}
        )
    values = {name: np.array([one[name] for one in found]) for name in found[0]}
    return (
        {name: float(each.mean()) for name, each in values.items()},
        {name: float(each.std()) for name, each in values.items()},
    )


def observed(rows: pd.DataFrame) -> tuple[dict[str, float], dict[str, float]]:
    """Metrics of recorded orders as `Played.metrics` names them, and standard errors of the means."""
    delivered, fulfilled = rows["delivered"] > 0, rows["fulfilled"] > 0
    known = rows["dasher_wait_s"].notna()
    columns = {
        "on_time": rows["on_time"][delivered],
        "fulfilment": rows["fulfilment_s"][fulfilled],
        "wait": rows["dasher_wait_s"][known],
        "batched_share": rows["batched"][known],
        "prep": rows["prep_s"][known],
    }
    if "canceled" in rows:
        columns["cancellation"] = rows["canceled"][rows["outcome_known"] > 0]
    seen = {name: float(values.mean()) for name, values in columns.items()}
    errors = {name: _error(values, rows["day"]) for name, values in columns.items()}
    return seen | {"wait_p90": float(columns["wait"].quantile(0.9))}, errors


def _error(values: "pd.Series[float]", day: "pd.Series[int]") -> float:
    """Standard error of a mean: that of days where they differ by more than their orders would."""
    off = values.astype(np.float64) - float(values.mean())
    by_day = off.groupby(day.loc[off.index]).sum().to_numpy(np.float64)
    return float(np.sqrt(max((by_day**2).sum(), (off**2).sum())) / max(len(off), 1))
