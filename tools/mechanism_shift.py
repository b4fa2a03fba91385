"""Did a driver move by itself? Its shift given its parents, beside its plain shift.

A driver that moved only because something upstream moved is a consequence of that (a mediator), not a cause:
preparation and waiting are read among orders carried alone, batching at like courier load, the rest at like
hours, days and stores.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tools import logit
from tools.causal_graph import graph
from tools.checks import CheckResult
from tools.decomposition import (
    BATCHED,
    SECONDS,
    UNEXPLAINED,
    Decomposition,
    Track,
    composition,
    decomposition,
    driver_values,
    load,
    regressor,
    shift_of,
)
from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentArguments, IncidentFrame, incident_frame
from tools.memo import memo
from tools.outcomes import harm
from tools.registry import Cost, Result, ToolContext, tool
from tools.shift import DETECTABLE, Shift, residualise

Floats = npt.NDArray[np.float64]
Driver = Literal["dasher_wait_s", "prep_s", "batched", "promise_s", "items_bad", "unexplained"]

HARMFUL: Final[dict[str, float]] = {"promise_s": -1.0}
"""Sign of a harmful shift, where it is not +1: a shorter promise is what hurts."""
MEDIATED: Final = tuple(name for name, node in graph().nodes.items() if node.extra_of == BATCHED)
"""Drivers that batching moves; read among orders carried alone."""
WAIT: Final = "dasher_wait_s"


ENOUGH_DAYS: Final = 14


class MechanismArguments(IncidentArguments):
    """Which driver of which incident."""

    driver: Driver
    """The measured quantity; `unexplained` is the worsening that no measured driver explains."""


class MechanismShiftResult(Result):
    """How a driver moved between baseline and incident.

    Levels and changes stand in seconds or in shares and points, by the driver's kind; the others are empty.
    """

    driver: str
    baseline_s: float | None
    """Mean before, in the slice."""
    current_s: float | None
    """Mean during the incident."""
    marginal_change_s: float | None
    """Change at like hours, days and stores."""
    change_s: float | None
    """Change given the parents as well: the driver's own."""
    baseline_share: float | None
    current_share: float | None
    marginal_change_pp: float | None
    change_pp: float | None
    z_marginal: float
    """Of the marginal change, in standard errors between days; positive is harmful."""
    z_conditional: float
    """Of the own change, in standard errors between days; positive is harmful."""
    outside_ratio: float
    """Change outside the slice at the same hours, over the change in it."""
    contrast_share: float
    """1: only the slice moved; 0: the rest moved as much; -1: only the rest moved."""
    explained_share: float
    """Share of the incident's worsening that the own change accounts for."""
    detectable_share: float
    """Smallest share that this test would have seen four times in five."""
    outcome_metric: str
    """The metric whose worsening is shared out."""
    conditioned_on: str
    """The parents that were held."""
    window_orders: int
    """Orders of the incident that the own change was read from."""
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True)
class _Reading:
    """A conditional shift and how it translates into the outcome."""

    conditional: Shift
    outside: Shift | None
    share: float
    detectable: float
    parents: str


@tool(cost=Cost.MODERATE)
def mechanism_shift(context: ToolContext, arguments: MechanismArguments) -> MechanismShiftResult:
    """Whether a driver moved by itself, given what is upstream of it, and how much of the worsening that explains.

    Use it to tell a cause from a consequence. Do not use it to judge a policy change: see policy_effect.
    """
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric} in the window or before it")
    days = context.settings.baseline_days
    track = batching_at_load(context, arguments)
    at_load = None if track is None else track.shift(parts.frame.during)
    return memo(
        context.dataset, ("mechanism_shift", arguments, days), lambda: read(parts, arguments.driver, at_load)
    )


def read(parts: Decomposition, driver: Driver, at_load: Shift | None = None) -> MechanismShiftResult:
    """`mechanism_shift` on a decomposition.

    Args:
        parts: the incident's decomposition.
        driver: which driver.
        at_load: shift of the batched share at like courier load; None where that is not recorded.

    Raises:
        ToolFailure: the driver is not recorded for enough orders.
    """
    frame = parts.frame
    values = values_of(frame, parts, driver)
    marginal = shift_of(frame, values, frame.inside)
    if marginal is None:
        raise ToolFailure(f"not testable: {driver} is known for too few orders in the window or before it")
    reading = (
        _batching(parts, values, marginal, at_load)
        if driver == BATCHED
        else _plain(parts, driver, values, marginal, at_load)
    )
    sign = HARMFUL.get(driver, 1.0)
    outside = reading.outside.change if reading.outside is not None else 0.0
    own = reading.conditional
    return MechanismShiftResult(
        driver=driver,
        **_levels(driver, parts.outcome_metric, marginal, own),
        z_marginal=sign * marginal.z,
        z_conditional=sign * own.z,
        outside_ratio=float(np.clip(outside / own.change, -9.0, 9.0)) if own.change else 0.0,
        contrast_share=_contrast(own.change, outside),
        explained_share=float(np.clip(reading.share, -1.0, 2.0)),
        detectable_share=min(reading.detectable, 9.0),
        outcome_metric=parts.outcome_metric,
        conditioned_on=reading.parents,
        window_orders=own.orders,
        checks=_checks(frame),
    )


def _levels(driver: str, metric: str, marginal: Shift, own: Shift) -> dict[str, float | None]:
    seconds = driver.endswith("_s") or (driver == UNEXPLAINED and metric in SECONDS)
    levels = (marginal.baseline, marginal.current, marginal.change, own.change)
    in_s = levels if seconds else (None, None, None, None)
    shares = (None, None, None, None) if seconds else (*levels[:2], 100.0 * levels[2], 100.0 * levels[3])
    names_s = ("baseline_s", "current_s", "marginal_change_s", "change_s")
    names_share = ("baseline_share", "current_share", "marginal_change_pp", "change_pp")
    return dict(zip((*names_s, *names_share), (*in_s, *shares), strict=True))


def _plain(
    parts: Decomposition, driver: str, values: Floats, marginal: Shift, at_load: Shift | None
) -> _Reading:
    frame = parts.frame
    sign = HARMFUL.get(driver, 1.0)
    keep = own_rows(frame, parts.alone, driver)
    conditional = (
        shift_of(frame, values, frame.inside & keep) if driver in (*MEDIATED, UNEXPLAINED) else marginal
    )
    if conditional is None:
        raise ToolFailure(f"not testable: too few orders carried alone to read {driver} by itself")
    batched = _batched(parts) if driver == WAIT and at_load is not None else None
    recorded = driver in (*MEDIATED, UNEXPLAINED) and BATCHED in frame.rows
    return _Reading(
        conditional,
        shift_of(frame, values, _elsewhere(frame) & keep),
        explained_share(parts, driver, conditional, batched=batched, at_load=at_load),
        _detectable(_harm(parts, driver, sign * DETECTABLE * conditional.error), parts),
        "hour, weekend, store, carried alone" if recorded else "hour, weekend, store",
    )


def _batching(parts: Decomposition, values: Floats, marginal: Shift, at_load: Shift | None) -> _Reading:
    frame = parts.frame
    shift = at_load or marginal
    return _Reading(
        shift,
        shift_of(frame, values, _elsewhere(frame)),
        explained_share(parts, BATCHED, shift, batched=marginal),
        _detectable(DETECTABLE * shift.error * _batched_gap(parts), parts),
        "hour, weekend, store, courier load" if at_load is not None else "hour, weekend, store",
    )


def own_rows(frame: IncidentFrame, alone: Flags, driver: str) -> Flags:
    """The orders among which a driver is read by itself, wherever they are, shape (rows,)."""
    return alone if driver in (*MEDIATED, UNEXPLAINED) else np.ones(len(frame.rows), dtype=bool)


def explained_share(
    parts: Decomposition, driver: str, own: Shift, *, batched: Shift | None, at_load: Shift | None = None
) -> float:
    """Share of an incident's worsening that a driver's own shift accounts for.

    Args:
        parts: the worsening.
        driver: which driver.
        own: its shift, given its parents.
        batched: plain shift of the batched share; it is needed for batching, and for waits where load is known.
        at_load: shift of the batched share at like courier load; None where load is not recorded.
    """
    if driver == BATCHED:
        return parts.through_batching * _own_part(own, batched)
    share = _harm(parts, driver, own.change) / parts.whole.change if parts.whole.change else 0.0
    if driver == WAIT and own.change > 0:
        share += _through_load(parts, batched, at_load)
    return share


def _batched(parts: Decomposition) -> Shift | None:
    frame = parts.frame
    return shift_of(frame, driver_values(frame, BATCHED), frame.inside)


def _own_part(shift: Shift, batched: Shift | None) -> float:
    """Of the batched share's rise, the part that the couriers' load does not explain."""
    if batched is None or batched.change <= 0:
        return 0.0
    return float(np.clip(shift.change / batched.change, 0.0, 1.0))


def _through_load(parts: Decomposition, batched: Shift | None, at_load: Shift | None) -> float:
    """Share of the worsening that went through batching because the couriers' load rose."""
    if at_load is None or batched is None or batched.change <= 0:
        return 0.0
    return parts.through_batching * (1.0 - _own_part(at_load, batched))


def batching_at_load(context: ToolContext, arguments: IncidentArguments) -> Track | None:
    """`track_at_load` of an incident, memoised on the dataset."""
    key = ("at_load", arguments.slice, arguments.start, arguments.end, context.settings.baseline_days)
    frame, busy = incident_frame(context, arguments), load(context, arguments)
    return memo(context.dataset, key, lambda: track_at_load(frame, busy))


def track_at_load(frame: IncidentFrame, busy: Floats | None) -> Track | None:
    """The slice's batched share, freed of what the couriers' load explains of it; None with too few orders.

    By a logistic model of the baseline.

    Args:
        frame: the incident's frame.
        busy: orders per courier by row; None where it is not recorded.
    """
    if busy is None or BATCHED not in frame.rows:
        return None
    values = driver_values(frame, BATCHED)
    keep = frame.inside & ~np.isnan(values) & ~np.isnan(busy)
    during = frame.during[keep]
    if min(int(during.sum()), int((~during).sum())) < 100:
        return None
    features = _load_features(frame, busy, keep)
    before = ~during
    model = logit.fit(features[before], values[keep][before], ridge=1.0)
    residuals = values[keep] - model.probability(features) + float(values[keep][before].mean())
    residuals = residualise(residuals, during, composition(frame, keep))
    return Track(np.flatnonzero(keep), frame.day[keep], values[keep], residuals)


def _load_features(frame: IncidentFrame, busy: Floats, keep: Flags) -> Floats:
    load_ = busy[keep]
    before = ~frame.during[keep]
    centre, spread = float(load_[before].mean()), float(load_[before].std()) or 1.0
    columns = [np.clip((load_ - centre) / spread, -10.0, 10.0)]
    for dimension in ("region", "category"):
        if dimension in frame.rows:
            code = frame.rows[dimension].cat.codes.to_numpy()[keep]
            columns += [(code == value).astype(np.float64) for value in np.unique(code)[1:]]
    return np.column_stack(columns)


def values_of(frame: IncidentFrame, parts: Decomposition, driver: str) -> Floats:
    """A driver by order of a frame, shape (rows,); what is unexplained, by the incident's own response.

    Args:
        frame: the incident's frame, or another one of the same data.
        parts: the incident's decomposition.
        driver: which driver.

    Raises:
        ToolFailure: the data do not have it.
    """
    if driver != UNEXPLAINED:
        return driver_values(frame, driver)
    outcome = parts.outcome if frame is parts.frame else harm(frame.rows, parts.outcome_metric)
    if parts.response is None:
        return outcome
    columns = {name: regressor(frame, name) for name in parts.response.names}
    return np.asarray(outcome - parts.response.predict(columns))


def _elsewhere(frame: IncidentFrame) -> Flags:
    hours = np.unique(frame.rows["hour"].to_numpy()[frame.inside & frame.during])
    return ~frame.inside & np.isin(frame.rows["hour"].to_numpy(), hours)


def _contrast(inside: float, outside: float) -> float:
    if inside * outside < 0:
        outside = 0.0
    total = abs(inside) + abs(outside)
    return (abs(inside) - abs(outside)) / total if total else 0.0


def _harm(parts: Decomposition, driver: str, change: float) -> float:
    """What a change of a driver adds to the harm of an incident's order."""
    if driver == UNEXPLAINED:
        return change
    return parts.response.undone(driver, change) if parts.response else 0.0


def _detectable(harm: float, parts: Decomposition) -> float:
    return abs(harm / parts.whole.change) if parts.whole.change and harm else 9.0


def _batched_gap(parts: Decomposition) -> float:
    frame = parts.frame
    known = frame.inside & ~np.isnan(parts.outcome)
    batched, alone = known & ~parts.alone, known & parts.alone
    if not batched.any() or not alone.any():
        return 0.0
    return float(parts.outcome[batched].mean() - parts.outcome[alone].mean())


def _checks(frame: IncidentFrame) -> tuple[CheckResult, ...]:
    days = frame.baseline_days
    return (
        CheckResult(name="baseline", passed=days >= ENOUGH_DAYS, text=f"{days} days before the incident"),
    )
