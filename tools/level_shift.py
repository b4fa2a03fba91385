"""How a level (orders, couriers) of an hour moved against what the hour of the week has."""

import numpy as np
import numpy.typing as npt

from tools.shift import Shift, measure

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def level_shift(level: Floats, *, day: Ints, kind: Ints, during: Flags) -> Shift | None:
    """Shift of the daily ratio of a level to what its kind of hour has in the baseline.

    Args:
        level: one entry an hour (of a region, say), shape (n,).
        day: local day.
        kind: code of what makes hours alike: hour of day, weekend, region.
        during: hours of the incident.

    Returns:
        Baseline near 1, current the ratio during the incident; None with fewer than three baseline days.

    Example:
        >>> day, hour = np.repeat(np.arange(20), 24), np.tile(np.arange(24), 20)
        >>> level = 10.0 + hour + 0.1 * (day % 3)
        >>> shift = level_shift(np.where(day >= 18, level * 0.7, level), day=day, kind=hour, during=day >= 18)
        >>> round(shift.current, 2), shift.z < -10
        (0.7, True)
    """
    before = ~during
    if not before.any() or not during.any():
        return None
    size = int(kind.max()) + 1
    count = np.bincount(kind[before], minlength=size)
    mean = np.bincount(kind[before], weights=level[before], minlength=size) / np.maximum(count, 1)
    expected = mean[kind]
    known = expected > 0
    days, inverse = np.unique(day[known], return_inverse=True)
    ratio = np.bincount(inverse, weights=level[known]) / np.bincount(inverse, weights=expected[known])
    later = np.zeros(len(days), dtype=bool)
    later[inverse[during[known]]] = True
    return measure(ratio, days, later)
