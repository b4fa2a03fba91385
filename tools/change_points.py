"""When a metric of a slice changed its level: the present level's onset with its posterior, and all earlier dates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

import numpy as np
from pydantic import Field

from data.errors import DataError
from data.slices import ALL_ORDERS, Slice
from tools import signals
from tools.bocpd import run_lengths
from tools.buckets import moment_of
from tools.cohorts import in_slice
from tools.cube import Floats
from tools.detection import Frame, prepare
from tools.errors import ToolFailure
from tools.incidents import Grain
from tools.metrics import METRICS
from tools.registry import Arguments, Cost, Result, ToolContext, tool
from tools.segments import segments, whitened

LEAST_PERIODS: Final = 10
RECENT: Final = 7
"""Periods within which a change counts as recent."""
NAMED: Final = 3
"""Most onsets that are named."""
_LEAST: Final = 1e-9


class ChangePointArguments(Arguments):
    """The series to look at."""

    metric: str
    """Id of a metric that is a rate, such as `on_time`."""
    slice: Slice = ALL_ORDERS
    """Which orders."""
    grain: Grain = "day"
    """Periods of the series: `day`, or `hour` (hours without orders are left out)."""
    hazard: Annotated[float, Field(gt=0, lt=1)] = 1 / 150
    """Chance, before looking, that any one period begins a new level."""


class Onset(Result):
    """A moment at which the present level may have begun."""

    at: datetime
    p_onset: float


class ChangePoints(Result):
    """When a metric's level changed."""

    metric: str
    changed_at: tuple[datetime, ...]
    """Dates of an off-line segmentation of the whole series (empty: one level throughout)."""
    onsets: tuple[Onset, ...]
    """Most probable beginnings of the present level, most probable first."""
    p_recent: float
    """Probability of a change within the last seven periods."""
    n_periods: int


class _Series(NamedTuple):
    at: Sequence[datetime]
    harm: Floats
    expected: Floats
    trials: Floats


@tool(cost=Cost.MODERATE)
def change_points(context: ToolContext, arguments: ChangePointArguments) -> ChangePoints:
    """When a metric's level changed in a slice, with the probability of each moment.

    Use it to date an onset. The baseline's hour-of-week pattern is taken out first. It says when, never why.
    """
    series = _series(context, arguments)
    rate = float(series.expected.sum() / series.trials.sum())
    scale = rate * series.trials / np.maximum(series.expected, _LEAST)
    level = np.minimum(series.harm * scale, series.trials)
    found = run_lengths(level, series.trials, min(max(rate, _LEAST), 1 - 1e-6), hazard=arguments.hazard)
    onset = found.onset()[0]
    best = [int(index) for index in np.argsort(-onset, kind="stable")[:NAMED]]
    chance = series.expected * (1 - np.minimum(series.expected / series.trials, 1 - 1e-6))
    z = (series.harm - series.expected) / np.sqrt(np.maximum(chance, _LEAST))
    return ChangePoints(
        metric=arguments.metric,
        changed_at=tuple(series.at[index] for index in segments(_unit(whitened(z)))),
        onsets=tuple(Onset(at=series.at[index], p_onset=float(onset[index])) for index in best),
        p_recent=float(found.changed_within(RECENT)[0]),
        n_periods=len(series.at),
    )


def _unit(z: Floats) -> Floats:
    """Scaled by its ordinary spread, which a change of level does not touch."""
    spread = float(np.median(np.abs(z - np.median(z)))) * 1.4826
    return z / max(spread, 1.0)


def _series(context: ToolContext, arguments: ChangePointArguments) -> _Series:
    metric = METRICS.get(arguments.metric)
    if metric is None or metric.kind != "rate":
        rates = ", ".join(name for name, one in METRICS.items() if one.kind == "rate")
        raise ToolFailure(f"metric = {arguments.metric!r}: rates are {rates}")
    try:
        frame = prepare(context.dataset, grain=arguments.grain, settings=context.settings)
        inside = in_slice(frame.cells, arguments.slice)
    except (DataError, ValueError) as error:
        raise ToolFailure(str(error)) from error
    if metric not in frame.metrics:
        raise ToolFailure(f"not testable: no column {metric.needs[-1]}")
    (heard,) = signals.build(
        frame.cells,
        frame.cube,
        (metric,),
        ripe=[frame.ripe[metric.maturity]],
        history=np.ones(len(frame.cells), dtype=bool),
        span=frame.span,
    )
    hours = 24 if arguments.grain == "hour" else 1
    period = frame.cube.day * hours + (frame.cube.hour if hours > 1 else 0)
    size = frame.cube.days * hours
    harm, expected, trials = (
        np.bincount(period[inside], weights=part[inside], minlength=size).astype(np.float64)
        for part in (heard.harm, heard.expected, heard.trials)
    )
    kept = np.flatnonzero((trials > 0) & (expected > 0))
    if len(kept) < LEAST_PERIODS:
        raise ToolFailure(
            f"{metric.id} of {arguments.slice}: {len(kept)} periods with orders, at least {LEAST_PERIODS} are needed"
        )
    at = _moments(context, frame, arguments.slice, kept, hours)
    return _Series(at, harm[kept], expected[kept], trials[kept])


def _moments(
    context: ToolContext, frame: Frame, slice_: Slice, periods: np.ndarray, hours: int
) -> list[datetime]:
    zone = context.dataset.mapping.zone_of(slice_.get("region"))
    return [
        moment_of(zone, frame.cube.first_day + int(p) // hours, int(p) % hours if hours > 1 else 0)
        for p in periods
    ]
