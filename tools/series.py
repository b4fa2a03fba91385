"""Every metric over time, all orders, with the range in which it was expected."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from data.dataset import Dataset
from tools.baseline import PRIOR_ORDERS, Span
from tools.buckets import moment_of
from tools.cube import Cube, Floats
from tools.dispersion import Windows, dispersion
from tools.incidents import Grain, Point, Series
from tools.metrics import CX_INDEX, CX_SCORE
from tools.score import cx
from tools.signals import Signal

Bools = npt.NDArray[np.bool_]

BAND_Z: Final = 2.5
"""Half width of the expected range, in sigma: the classic threshold."""


class _Track(NamedTuple):
    """One signal of all orders by period; shape (periods,)."""

    signal: Signal
    trials: Floats
    harm: Floats
    expected: Floats
    sigma: Floats
    """Of the harm's share or mean."""


def series(
    dataset: Dataset, cube: Cube, heard: Sequence[Signal], span: Span, *, grain: Grain
) -> tuple[Series, ...]:
    """One series a metric, the CX index and the CX Score last.

    Days are those of the default zone. The warm-up has values and no expectation.
    """
    tracks = [_track(cube, signal, span, grain) for signal in heard]
    orders = _sum(cube, cube.orders, grain).ravel()
    times = _times(dataset, cube, grain)
    known = np.repeat(np.arange(cube.days) >= span.warmup_days, 24 if grain == "hour" else 1)
    found = [Series(metric=t.signal.metric.id, points=_points(t, times, orders, known)) for t in tracks]
    weighted = [track for track in tracks if track.signal.metric.weight]
    found += [
        Series(metric=name, points=tuple(_composite(name, weighted, times, orders, known)))
        for name in (CX_INDEX, CX_SCORE)
        if weighted
    ]
    return tuple(found)


def _sum(cube: Cube, weights: Floats, grain: Grain) -> Floats:
    """Sums over all orders, shape (1, periods' days, hours or 1)."""
    whole = next(one for one in cube.families if not one.dims)
    dense = cube.dense(whole, weights)
    return dense if grain == "hour" else dense.sum(-1, keepdims=True)


def _track(cube: Cube, signal: Signal, span: Span, grain: Grain) -> _Track:
    trials, harm, expected, support = (
        _sum(cube, part, grain) for part in (signal.trials, signal.harm, signal.expected, signal.support)
    )
    counts = signal.metric.kind == "rate"
    chance = expected * (1 - _share(expected, trials)) if counts else trials
    variance = chance * (1 + trials / (support + PRIOR_ORDERS))
    known = dispersion(
        Windows(harm, expected, trials, variance, np.zeros_like(harm)), span, floor=1.0 if counts else 0.0
    )
    sigma = _share(np.sqrt(known.phi * variance), trials)
    return _Track(signal, *(part.ravel() for part in (trials, harm, expected, sigma)))


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _times(dataset: Dataset, cube: Cube, grain: Grain) -> list[datetime]:
    hours = range(24) if grain == "hour" else (0,)
    zone = dataset.mapping.zone_of(None)
    return [moment_of(zone, cube.first_day + day, hour) for day in range(cube.days) for hour in hours]


def _points(track: _Track, times: Sequence[datetime], orders: Floats, known: Bools) -> tuple[Point, ...]:
    metric = track.signal.metric
    top = 1.0 if metric.kind == "rate" else None
    points = []
    for index, t in enumerate(times):
        if not track.trials[index]:
            points.append(_empty(t, orders[index]))
            continue
        value = metric.value(track.harm[index] / track.trials[index])
        centre = metric.value(track.expected[index] / track.trials[index]) if known[index] else None
        points.append(_point(t, value, centre, BAND_Z * track.sigma[index], orders[index], top))
    return tuple(points)


def _composite(
    name: str, tracks: Sequence[_Track], times: Sequence[datetime], orders: Floats, known: Bools
) -> Iterator[Point]:
    for index, t in enumerate(times):
        live = [track for track in tracks if track.trials[index]]
        value = _cx(name, {k.signal.metric.id: _rate(k, k.harm[index] / k.trials[index]) for k in live})
        centre = _cx(name, {k.signal.metric.id: _rate(k, k.expected[index] / k.trials[index]) for k in live})
        if value is None:
            yield _empty(t, orders[index])
            continue
        sigma = float(np.sqrt(sum(_slope(name, k, live) ** 2 * k.sigma[index] ** 2 for k in live)))
        yield _point(t, value, centre if known[index] else None, BAND_Z * sigma, orders[index], 100.0)


def _rate(track: _Track, harm: float) -> float:
    return track.signal.metric.value(float(harm))


def _cx(name: str, rates: dict[str, float]) -> float | None:
    result = cx(rates)
    if result is None:
        return None
    return result.score if name == CX_SCORE else result.index


def _slope(name: str, track: _Track, live: Sequence[_Track]) -> float:
    """Points of the composite for a unit of the metric."""
    metric = track.signal.metric
    weight = 100 * metric.weight / sum(one.signal.metric.weight for one in live)
    if name == CX_INDEX or metric.floor is None or metric.target is None:
        return weight
    return weight / (metric.target - metric.floor)


def _empty(t: datetime, orders: float) -> Point:
    return Point(t=t, value=None, expected=None, low=None, high=None, orders=round(orders))


def _point(
    t: datetime, value: float, centre: float | None, half: float, orders: float, top: float | None
) -> Point:
    low = high = None
    if centre is not None:
        low = max(float(centre - half), 0.0)
        high = float(centre + half) if top is None else min(float(centre + half), top)
    plain = None if centre is None else float(centre)
    return Point(t=t, value=float(value), expected=plain, low=low, high=high, orders=round(float(orders)))
