"""What each cell was expected to be: the hour-of-week baseline over trailing days, shrunk to its parents.

A leaf (one value of every dimension of few values) starts from all orders at that hour, is scaled by how the
leaf compares with all orders, then corrected by what the leaf itself showed at that hour and at that hour of
the week, each with the weight of its own orders against `PRIOR_ORDERS`. Because expectations are formed at the
leaves, a slice's expectation already contains its mix.

Only days before the tested one are used. Days within the warm-up, which are never tested, are compared with the
rest of the warm-up, so that they tell how far a normal day strays.

References:
    D. Neill (2009), Expectation-based scan statistics for monitoring spatial time series data.
"""

from typing import Final, NamedTuple

import numpy as np

from tools.cube import Floats

PRIOR_ORDERS: Final = 30.0
WEEK: Final = 7


class Span(NamedTuple):
    """Which days a day is compared with."""

    baseline_days: int
    warmup_days: int


def trailing(values: Floats, span: Span, *, step: int = 1) -> Floats:
    """Sums over the baseline of each day, along the last axis but one.

    Args:
        values: shape (..., days, hours).
        span: length of the baseline and of the warm-up.
        step: 1 for all its days, 7 for the same weekday alone.

    Returns:
        Same shape. Within the warm-up: the other days of the warm-up.

    Example:
        >>> trailing(np.ones((5, 1)), Span(2, 3)).ravel().tolist()
        [2.0, 2.0, 2.0, 2.0, 2.0]
    """
    sums = _before(values, span.baseline_days, step)
    warm = min(span.warmup_days, values.shape[-2])
    head = values[..., :warm, :]
    for offset in range(min(step, warm)):
        same = head[..., offset::step, :]
        sums[..., offset:warm:step, :] = same.sum(axis=-2, keepdims=True) - same
    return sums


def _before(values: Floats, length: int, step: int) -> Floats:
    days = values.shape[-2]
    if step == 1:
        total = np.concatenate([np.zeros_like(values[..., :1, :]), np.cumsum(values, axis=-2)], axis=-2)
        first = np.maximum(np.arange(days) - length, 0)
        return np.asarray(total[..., :days, :] - total[..., first, :])
    sums = np.zeros_like(values)
    for back in range(step, min(length, days - 1) + 1, step):
        sums[..., back:, :] += values[..., :-back, :]
    return sums


class Baseline(NamedTuple):
    """Expected harm per trial, and how much history stands behind it."""

    rate: Floats
    """By leaf, day and hour."""
    support: Floats
    """Trials at the same hour of the week within the baseline, same shape."""


def baseline(harm: Floats, trials: Floats, span: Span) -> Baseline:
    """The expected rate of every leaf, day and hour.

    Args:
        harm: bad events (or summed seconds) by (leaf, day, hour), zero where history is left out.
        trials: what they are counted among, same shape.
        span: which days to compare with.
    """
    near, near_n = trailing(harm, span), trailing(trials, span)
    weekly, weekly_n = trailing(harm, span, step=WEEK), trailing(trials, span, step=WEEK)
    overall = _ratio(near.sum(axis=(0, 2)), near_n.sum(axis=(0, 2)))[None, :, None]
    hourly = _shrink(near.sum(0, keepdims=True), near_n.sum(0, keepdims=True), overall)
    of_week = _shrink(weekly.sum(0, keepdims=True), weekly_n.sum(0, keepdims=True), hourly)
    scale = _relative(near, near_n, hourly, overall)
    at_hour = _shrink(near, near_n, hourly * scale)
    prior = at_hour * _ratio(of_week, hourly)
    return Baseline(_shrink(weekly, weekly_n, prior), weekly_n)


def _relative(near: Floats, near_n: Floats, hourly: Floats, overall: Floats) -> Floats:
    """How a leaf's rate compares with all orders at the same hours."""
    expected = (near_n * hourly).sum(-1, keepdims=True) + PRIOR_ORDERS * overall
    return _ratio(near.sum(-1, keepdims=True) + PRIOR_ORDERS * overall, expected)


def _shrink(harm: Floats, trials: Floats, prior: Floats) -> Floats:
    return (harm + PRIOR_ORDERS * prior) / (trials + PRIOR_ORDERS)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
