"""Splits the worsening of an incident's orders: through batching, through each driver, and the rest.

Of orders `carried alone` the outcome is regressed on the measured drivers, over baseline and incident together
(`tools.response`). Then

    share of batching  = 1 - worsening of orders carried alone / worsening of all
    share of a driver  = what taking its own shift back would undo / worsening of all
    share unexplained  = what the drivers do not predict of the worsening / worsening of all

With batching not recorded every order counts as carried alone. The parts describe where the worsening went
through; which part is a cause and which a consequence is decided by `mechanism_shift` and adjudication.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from tools.incident_frame import MIN_ORDERS, Flags, IncidentArguments, IncidentFrame, incident_frame
from tools.load import load_by_order
from tools.memo import memo
from tools.metrics import METRICS
from tools.outcomes import harm
from tools.registry import ToolContext
from tools.response import Response, fit_response
from tools.shift import Ints, Shift, measure, residualise

Floats = npt.NDArray[np.float64]

DRIVERS: Final = ("dasher_wait_s", "prep_s", "promise_s", "items_bad")
"""Measured drivers of an order, as far as the data have them."""
COVARIATES: Final = ("distance",)
OCCURRENCES: Final = ("items_bad",)
"""Drivers that are something that happens to some orders and not to most."""
UNEXPLAINED: Final = "unexplained"
BATCHED: Final = "batched"
SECONDS: Final = tuple(name for name, metric in METRICS.items() if metric.unit == "s")


@dataclass(frozen=True)
class Decomposition:
    """The worsening of an incident's slice, ready to be read per driver."""

    frame: IncidentFrame
    outcome: Floats
    """Harm by order, shape (rows,)."""
    outcome_metric: str
    """The metric decomposed: the incident's, or on_time where drivers are unknown for failed orders."""
    alone: Flags
    """Carried alone, or all where batching is not recorded."""
    whole: Shift
    """Of the harm, over the slice."""

    @cached_property
    def unbatched(self) -> Shift | None:
        """Of the harm, over the slice's orders carried alone."""
        return shift_of(self.frame, self.outcome, self.frame.inside & self.alone)

    @cached_property
    def response(self) -> Response | None:
        """Of the harm to the drivers, among orders carried alone; None where no driver is recorded."""
        return _response(self.frame, self.outcome, self.frame.inside & self.alone, self.outcome_metric)

    def of_some(self, whole: Shift, unbatched: Shift | None) -> "Decomposition":
        """The same response, with the shifts of some of its orders."""
        other = replace(self, whole=whole)
        vars(other).update(unbatched=unbatched, response=self.response)
        return other

    @property
    def through_batching(self) -> float:
        """Share of the worsening that orders carried alone did not have."""
        if BATCHED not in self.frame.rows or self.unbatched is None or self.whole.change == 0:
            return 0.0
        return float(np.clip(1.0 - self.unbatched.change / self.whole.change, -1.0, 1.0))


def driver_values(frame: IncidentFrame, name: str) -> Floats:
    """A driver by order, shape (rows,); raises `ToolFailure` where the data do not have it."""
    if name == "items_bad":
        return harm(frame.rows, "item_accuracy")
    return frame.column(name)


def regressor(frame: IncidentFrame, name: str) -> Floats:
    """A driver as a regression sees it: an order without delivered lines had none that was bad."""
    values = driver_values(frame, name)
    return np.nan_to_num(values, nan=0.0) if name == "items_bad" else values


def carried_alone(frame: IncidentFrame) -> Flags:
    """Orders that were not batched, shape (rows,); all where batching is not recorded."""
    if BATCHED not in frame.rows:
        return np.ones(len(frame.rows), dtype=bool)
    return np.asarray(frame.column(BATCHED) != 1.0)


def composition(frame: IncidentFrame, rows: Flags) -> tuple[Ints, ...]:
    """What differs between orders whatever was done to them: local hour, weekend or not, and the store."""
    hours = frame.hour_kind[rows]
    return (hours,) if frame.store is None else (hours, frame.store[rows])


@dataclass(frozen=True)
class Track:
    """A quantity of some orders, freed of what its parents explain; its mean can be compared between any of them."""

    rows: Ints
    """Positions of the orders in their frame, ascending, shape (n,)."""
    day: Ints
    """Local day, shape (n,)."""
    values: Floats
    residuals: Floats
    """Values after `residualise`, learned on the frame's baseline."""

    def shift(self, during: Flags, among: Flags | None = None) -> Shift | None:
        """Shift of the mean between two sets of the frame's orders; None with too few of them.

        Args:
            during: the later ones, shape (frame's rows,).
            among: the orders looked at, shape (frame's rows,); all where None.
        """
        mine = during[self.rows]
        keep = np.ones(len(mine), dtype=bool) if among is None else among[self.rows]
        if min(int((keep & mine).sum()), int((keep & ~mine).sum())) < MIN_ORDERS:
            return None
        return measure(self.values[keep], self.day[keep], mine[keep], residuals=self.residuals[keep])


def track_of(frame: IncidentFrame, values: Floats, rows: Flags) -> Track:
    """Values of some rows, for like hours, days and stores."""
    keep = rows & ~np.isnan(values)
    kept = values[keep]
    residuals = residualise(kept, frame.during[keep], composition(frame, keep))
    return Track(np.flatnonzero(keep), frame.day[keep], kept, residuals)


def shift_of(frame: IncidentFrame, values: Floats, rows: Flags) -> Shift | None:
    """Shift of values over some rows, for like hours, days and stores; None with too few orders."""
    return track_of(frame, values, rows).shift(frame.during)


def decompose(frame: IncidentFrame, metric: str) -> Decomposition | None:
    """Decompose an incident's worsening; None where the outcome has too few orders in either period.

    Raises:
        ToolFailure: the metric is unknown or absent.
    """
    outcome, used = _usable_outcome(frame, metric)
    whole = shift_of(frame, outcome, frame.inside)
    if whole is None:
        return None
    alone = carried_alone(frame)
    return Decomposition(frame=frame, outcome=outcome, outcome_metric=used, alone=alone, whole=whole)


def decomposition(context: ToolContext, arguments: IncidentArguments) -> Decomposition | None:
    """`decompose` for a tool's arguments, memoised on the dataset."""
    frame = incident_frame(context, arguments)
    days = context.settings.baseline_days
    key = ("decomposition", arguments.slice, arguments.start, arguments.end, arguments.metric, days)
    return memo(context.dataset, key, lambda: decompose(frame, arguments.metric))


def load(context: ToolContext, arguments: IncidentArguments) -> Floats | None:
    """Courier load by row of the incident's frame, memoised; None where supply is not recorded."""
    if not context.dataset.has("supply_snapshots"):
        return None
    frame = incident_frame(context, arguments)
    if "region" not in frame.rows:
        return None
    key = ("load", arguments.slice, arguments.start, arguments.end, context.settings.baseline_days)
    return memo(context.dataset, key, lambda: load_by_order(frame.rows, context.dataset.supply()))


def _usable_outcome(frame: IncidentFrame, metric: str) -> tuple[Floats, str]:
    """The metric's harm; or lateness, where the failed orders have no drivers to explain them by."""
    outcome = harm(frame.rows, metric)
    if metric == "on_time" or not METRICS["on_time"].columns <= set(frame.rows):
        return outcome, metric
    failed = frame.inside & (np.nan_to_num(outcome) > 0.5)
    known = [name for name in DRIVERS[:2] if name in frame.rows]
    if not failed.any() or not known:
        return outcome, metric
    unknown = np.isnan(frame.rows[known].to_numpy(dtype=np.float64, na_value=np.nan)[failed]).any(axis=1)
    return (harm(frame.rows, "on_time"), "on_time") if unknown.mean() > 0.5 else (outcome, metric)


def _response(frame: IncidentFrame, outcome: Floats, rows: Flags, metric: str) -> Response | None:
    names = [
        n
        for n in (*DRIVERS, *COVARIATES)
        if n in frame.rows or (n == "items_bad" and "items_ok" in frame.rows)
    ]
    if metric == "cancellation":
        names = [name for name in names if name != "items_bad"]
    columns = {name: regressor(frame, name) for name in names}
    known = {n: c for n, c in columns.items() if rows.any() and np.isnan(c[rows]).mean() < 0.5}
    keep = rows & ~np.isnan(outcome)
    for column in known.values():
        keep = keep & ~np.isnan(column)
    if not known or int(keep.sum()) < MIN_ORDERS + len(known):
        return None
    kept = {name: column[keep] for name, column in known.items()}
    return fit_response(
        kept, outcome[keep], frame.during[keep], bounded=metric not in SECONDS, occurrences=OCCURRENCES
    )
