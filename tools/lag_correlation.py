"""Does a driver lead the outcome from hour to hour? Lagged correlation of what is unusual in both.

Two quantities with a daily rhythm, or that wander, go together at some lag by themselves. So the rhythm is taken out
(hour of day, apart on weekends), each series is reduced to its own surprises (an autoregression), and the best of all
lags is charged for the choice. Even so it is weak evidence: what moves both at once looks the same.

References:
    L. Haugh (1976), Checking the independence of two covariance-stationary time series.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from tools.decomposition import UNEXPLAINED, decomposition, driver_values
from tools.errors import ToolFailure
from tools.incident_frame import Flags, slice_mask
from tools.mechanism_shift import HARMFUL, MechanismArguments
from tools.registry import Cost, Result, ToolContext, tool

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_LAG: Final = 12
ORDER: Final = 3
"""Hours that an autoregression looks back."""
LEAST_HOURS: Final = 7 * 24
LEAST_ORDERS: Final = 3
"""An hour with fewer says nothing."""
ALPHA: Final = 0.05
_HOUR_S: Final = 3600


class Lead(NamedTuple):
    """The lag at which one series best foretells another."""

    lag: int
    """Steps by which the first is ahead."""
    correlation: float
    p: float
    """One-sided, for the best of all lags."""
    pairs: int


class LagCorrelationResult(Result):
    """How a driver's unusual hours go together with the outcome's."""

    driver: str
    best_lag_s: float
    """By how much the driver is ahead at the best lag."""
    correlation_share: float
    """At the best lag; positive where a harmful driver goes with a worse outcome."""
    p_chance: float
    """Of a correlation this large at any of the lags."""
    leads: bool
    """It is no chance, and the driver is ahead or at once."""
    n_hours: int


@tool(cost=Cost.MODERATE)
def lag_correlation(context: ToolContext, arguments: MechanismArguments) -> LagCorrelationResult:
    """Whether unusual hours of a driver come before unusual hours of the outcome; weak evidence by itself.

    Use it beside onset_order. Do not conclude a cause from it.
    """
    if arguments.driver == UNEXPLAINED:
        raise ToolFailure("driver = 'unexplained': what remains has no series of its own")
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    frame = parts.frame
    place = slice_mask(frame.rows, arguments.slice.model_copy(update={"hour": None}))
    hour = (frame.rows["order_time"].dt.as_unit("s").astype("int64").to_numpy() // _HOUR_S).astype(np.int64)
    hour -= hour.min()
    driver = HARMFUL.get(arguments.driver, 1.0) * driver_values(frame, arguments.driver)
    series = [hourly(values, hour, place) for values in (driver, parts.outcome)]
    kind = np.zeros(int(hour.max()) + 1, dtype=np.int64)
    kind[hour] = frame.hour_kind
    found = lead(series[0], series[1], kind)
    if found is None:
        raise ToolFailure(f"not testable: fewer than {LEAST_HOURS} hours with both series")
    return LagCorrelationResult(
        driver=arguments.driver,
        best_lag_s=float(found.lag * _HOUR_S),
        correlation_share=found.correlation,
        p_chance=found.p,
        leads=found.p <= ALPHA,
        n_hours=found.pairs,
    )


def hourly(values: Floats, hour: Ints, rows: Flags) -> Floats:
    """Means by hour, shape (hours,); NaN where too few orders have a value."""
    keep = rows & ~np.isnan(values)
    size = int(hour.max()) + 1
    count = np.bincount(hour[keep], minlength=size)
    total = np.bincount(hour[keep], weights=values[keep], minlength=size)
    return np.where(count >= LEAST_ORDERS, total / np.maximum(count, 1), np.nan)


def lead(driver: Floats, outcome: Floats, season: Ints) -> Lead | None:
    """The lag from 0 to `MOST_LAG` at which the driver best foretells the outcome.

    Args:
        driver: by hour, NaN where unknown.
        outcome: by hour.
        season: code of the hours that share a place in the rhythm.

    Returns:
        None with fewer than `LEAST_HOURS` hours that both series have.
    """
    one, two = surprises(driver, season), surprises(outcome, season)
    best: Lead | None = None
    for lag in range(MOST_LAG + 1):
        early, late = one[: len(one) - lag], two[lag:]
        both = ~np.isnan(early) & ~np.isnan(late)
        pairs = int(both.sum())
        if pairs < LEAST_HOURS:
            return None
        a, b = early[both], late[both]
        scale = float(np.sqrt((a @ a) * (b @ b)))
        correlation = float(a @ b) / scale if scale > 0 else 0.0
        p = min(1.0, (MOST_LAG + 1) * float(special.ndtr(-correlation * np.sqrt(pairs))))
        if best is None or p < best.p:
            best = Lead(lag, correlation, p, pairs)
    return best


def surprises(values: Floats, season: Ints) -> Floats:
    """A series without its rhythm and without what its own past foretells; NaN where it or its past is unknown."""
    known = ~np.isnan(values)
    count = np.bincount(season[known], minlength=int(season.max()) + 1)
    total = np.bincount(season[known], weights=values[known], minlength=int(season.max()) + 1)
    rest = values - (total / np.maximum(count, 1))[season]
    past = np.column_stack(
        [np.concatenate([np.full(back, np.nan), rest[:-back]]) for back in range(1, ORDER + 1)]
    )
    usable = ~np.isnan(rest) & ~np.isnan(past).any(axis=1)
    found = np.full(len(values), np.nan)
    if int(usable.sum()) > 4 * ORDER:
        weights = np.linalg.lstsq(past[usable], rest[usable], rcond=None)[0]
        found[usable] = rest[usable] - past[usable] @ weights
    return found
