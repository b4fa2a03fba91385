"""The CX of a slice day by day, with the band in which its days before the incident lie.

It answers "is it back to normal?" for the very slice that an incident was about, where the sweep of detection looks at
everything at once.
"""

from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.slices import Slice
from tools.buckets import local_day, moment_of
from tools.errors import ToolFailure
from tools.incidents import Point
from tools.interventions import rows_in
from tools.metrics import CX_INDEX
from tools.outcomes import harm, value
from tools.series import BAND_Z
from tools.shift import Days, summarise

Floats = npt.NDArray[np.float64]

FEWEST_DAYS: Final = 7
"""Days before the incident that make a band."""


def slice_band(
    dataset: Dataset, where: Slice, *, before: datetime, metric: str = CX_INDEX, days: int = 28
) -> tuple[Point, ...]:
    """A slice's metric by local day, oldest first, from the band's days on to the newest day of which all is known.

    The band is the mean of the days before the incident and `BAND_Z` standard deviations of a day of that many orders:
    what days differ by, and the luck of the orders.

    Args:
        dataset: bound to its as-of time.
        where: the slice.
        before: when the incident began; only earlier days make the band.
        metric: that the points have; shares, seconds or CX points.
        days: that make the band, at most.

    Raises:
        ToolFailure: too few days with orders before the incident.
    """
    facts = dataset.facts()
    rows = facts[rows_in(facts, where)]
    failed = harm(rows, metric)
    told = rows["day"].to_numpy(np.int64)
    zone = dataset.mapping.zone_of(where.get("region"))
    first = local_day(dataset.mapping, where.get("region"), before)
    known = ~np.isnan(failed) & np.isin(told, _complete(rows))
    past = known & (told >= first - days) & (told < first)
    usual = summarise(failed[past], told[past])
    if len(usual.counts) < FEWEST_DAYS:
        raise ToolFailure(
            f"{where}: {len(usual.counts)} days with orders before the incident; a band needs {FEWEST_DAYS}"
        )
    shown = known & (told >= first - days)
    every = summarise(failed[shown], told[shown])
    spread = _spread(usual, every.counts)
    return tuple(
        _point(moment_of(zone, int(day), 0), metric, (float(mean), usual.mean, float(sigma)), int(count))
        for day, mean, sigma, count in zip(
            np.unique(told[shown]), every.means, spread, every.counts, strict=True
        )
    )


def _complete(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Days of whose orders every outcome is known."""
    flags = [name for name in rows if str(name).startswith("mature_")]
    mature = rows[flags].all(axis=1).groupby(rows["day"]).all()
    return np.asarray(mature.index[mature], dtype=np.int64)


def _spread(usual: Days, counts: Floats) -> Floats:
    """Standard deviation of a day's mean: between days, and by the luck of so many orders."""
    chance = usual.within * float((1.0 / usual.counts).mean())
    between = max(0.0, float(usual.means.var(ddof=1)) - chance)
    return np.asarray(np.sqrt(between + usual.within / counts))


def _point(t: datetime, metric: str, harms: tuple[float, float, float], orders: int) -> Point:
    mean, centre, sigma = harms
    low, high = sorted(value(metric, centre + BAND_Z * side * sigma) for side in (-1.0, 1.0))
    return Point(
        t=t, value=value(metric, mean), expected=value(metric, centre), low=low, high=high, orders=orders
    )
