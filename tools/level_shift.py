"""How a level (orders, couriers) of an hour moved against what the hour of the week has."""

from typing import Final

import numpy as np
import numpy.typing as npt

from tools.shift import Shift, codes, measure

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

ENOUGH_WEEKS: Final = 2
"""Other baseline days that an hour of the week needs to be its own yardstick; else all of its kind of day are."""
_THURSDAY: Final = 3
"""Weekday of day 0, 1 January 1970; Monday is 0."""


def level_shift(level: Floats, *, day: Ints, kind: Ints, during: Flags) -> Shift | None:
    """Shift of the daily ratio of a level to what its hours of the week have on the other days of the baseline.

    A baseline day is held against the others alone, so that its ratio is as uncertain as that of a new day.

    Args:
        level: one entry an hour (of a region, say), shape (n,).
        day: local day, counted from 1 January 1970.
        kind: code of what makes hours of a day alike: the hour, the region.
        during: hours of the incident.

    Returns:
        Baseline near 1, current the ratio during the incident; None with fewer than three baseline days.

    Example:
        >>> day, hour = np.repeat(np.arange(28), 24), np.tile(np.arange(24), 28)
        >>> level = (10.0 + hour + 0.1 * (day % 3)) * np.where(day % 7 == 2, 1.3, 1.0)
        >>> shift = level_shift(np.where(day >= 26, level * 0.7, level), day=day, kind=hour, during=day >= 26)
        >>> round(shift.current, 2), shift.z < -50
        (0.7, True)
    """
    if during.all() or not during.any():
        return None
    expected = _expected(level, day, kind, during)
    known = expected > 0
    days, inverse = np.unique(day[known], return_inverse=True)
    ratio = np.bincount(inverse, weights=level[known]) / np.bincount(inverse, weights=expected[known])
    later = np.zeros(len(days), dtype=bool)
    later[inverse[during[known]]] = True
    return measure(ratio, days, later)


def _expected(level: Floats, day: Ints, kind: Ints, during: Flags) -> Floats:
    weekday = (day + _THURSDAY) % 7
    own, others = _mean_of_others(level, codes(kind, weekday), ~during)
    wider, _ = _mean_of_others(level, codes(kind, weekday >= 5), ~during)
    return np.where(others >= ENOUGH_WEEKS, own, wider)


def _mean_of_others(level: Floats, alike: Ints, before: Flags) -> tuple[Floats, Floats]:
    """Mean of the other baseline entries of a kind, 0 where there are none, and how many they are."""
    mine = before.astype(np.float64)
    count = np.bincount(alike, weights=mine)[alike] - mine
    total = np.bincount(alike, weights=level * mine)[alike] - level * mine
    return np.divide(total, count, out=np.zeros(len(level)), where=count > 0), count
