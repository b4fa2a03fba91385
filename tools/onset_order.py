"""Which moved first: the driver or the outcome? The likeliest start of a step, in 24-hour periods.

Beside it stands how sure that order is, from the posteriors of both steps (`tools.step_posterior`).
"""

from datetime import timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from tools.decomposition import UNEXPLAINED, Decomposition, composition, decompose, driver_values
from tools.errors import ToolFailure
from tools.incident_frame import MIN_ORDERS, Flags, IncidentFrame, cut
from tools.mechanism_shift import HARMFUL, MEDIATED, Driver, MechanismArguments
from tools.memo import memo
from tools.registry import Cost, Result, ToolContext, tool
from tools.shift import compare, residualise, summarise
from tools.step_posterior import no_later, step_posterior

Floats = npt.NDArray[np.float64]

LOOK_BACK_DAYS: Final = 3
DAY_S: Final = 86_400.0
THRESHOLD_Z: Final = 2.5


class OnsetOrderResult(Result):
    """Beginnings of the steps, in seconds from the incident's onset."""

    driver: str
    driver_moved: bool
    outcome_moved: bool
    driver_onset_s: float
    """From the onset to the first period of the driver's step; 0 where it never did."""
    outcome_onset_s: float
    """The same of the outcome."""
    lead_s: float
    """Positive: the driver moved first; 0 where one of them never moved."""
    z_driver_peak: float
    """Largest z of the driver over the periods; positive is harmful."""
    in_order: bool
    """Both moved, and the driver not after the outcome."""
    p_driver_moved: float
    """That the driver has a lasting harmful step at all."""
    p_driver_first: float
    """That its step began no later than the outcome's, given that both have one."""


@tool(cost=Cost.MODERATE)
def onset_order(context: ToolContext, arguments: MechanismArguments) -> OnsetOrderResult:
    """Whether a driver moved before or with the outcome; a cause never moves after its effect."""
    if arguments.driver == UNEXPLAINED:
        raise ToolFailure("driver = 'unexplained': what remains has no onset of its own")
    begin = arguments.start - timedelta(days=LOOK_BACK_DAYS)
    days = context.settings.baseline_days
    key = ("onset_frame", arguments.slice, begin, arguments.end, days)
    facts = context.dataset.facts()
    frame = memo(
        context.dataset,
        key,
        lambda: cut(facts, slice=arguments.slice, start=begin, end=arguments.end, baseline_days=days),
    )
    parts = memo(context.dataset, (*key, arguments.metric), lambda: decompose(frame, arguments.metric))
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    period = memo(context.dataset, (*key, "periods"), lambda: _periods(frame, arguments))
    outcome = memo(
        context.dataset,
        (*key, arguments.metric, "outcome"),
        lambda: _z_by_period(frame, parts.outcome, frame.inside, period),
    )
    driver = memo(
        context.dataset,
        (*key, arguments.metric, arguments.driver),
        lambda: _driver_z(parts, arguments.driver, period),
    )
    return _order(arguments.driver, driver, outcome)


def _driver_z(parts: Decomposition, driver: Driver, period: npt.NDArray[np.int64]) -> Floats:
    frame = parts.frame
    rows = frame.inside & (parts.alone if driver in MEDIATED else True)
    return HARMFUL.get(driver, 1.0) * _z_by_period(frame, driver_values(frame, driver), rows, period)


def _periods(frame: IncidentFrame, arguments: MechanismArguments) -> npt.NDArray[np.int64]:
    since = (frame.rows["order_time"] - arguments.start).dt.total_seconds().to_numpy()
    return np.asarray(np.floor(since / DAY_S).astype(np.int64) + LOOK_BACK_DAYS)


def _z_by_period(frame: IncidentFrame, values: Floats, rows: Flags, period: npt.NDArray[np.int64]) -> Floats:
    keep = rows & ~np.isnan(values)
    during = frame.during[keep]
    if not during.any() or int((~during).sum()) < MIN_ORDERS:
        raise ToolFailure("not testable: too few orders with the driver")
    residuals = residualise(values[keep], during, composition(frame, keep))
    day = frame.day[keep]
    before = summarise(residuals[~during], day[~during])
    later, later_day, later_period = residuals[during], day[during], period[keep][during]
    last = int(period[frame.during].max())
    z = np.zeros(last + 1)
    for number in range(last + 1):
        chosen = later_period == number
        if int(chosen.sum()) >= 5:
            shift = compare(before, summarise(later[chosen], later_day[chosen]))
            z[number] = shift.z if shift else 0.0
    return z


def _order(name: str, driver: Floats, outcome: Floats) -> OnsetOrderResult:
    first_driver, first_outcome = step_start(driver), step_start(outcome)
    p_driver = step_posterior(driver)
    both = first_driver is not None and first_outcome is not None
    lead = (
        DAY_S * (first_outcome - first_driver)
        if first_driver is not None and first_outcome is not None
        else 0.0
    )
    return OnsetOrderResult(
        driver=name,
        driver_moved=first_driver is not None,
        outcome_moved=first_outcome is not None,
        driver_onset_s=DAY_S * (first_driver - LOOK_BACK_DAYS) if first_driver is not None else 0.0,
        outcome_onset_s=DAY_S * (first_outcome - LOOK_BACK_DAYS) if first_outcome is not None else 0.0,
        lead_s=lead,
        z_driver_peak=float(driver.max()),
        in_order=both and lead >= 0,
        p_driver_moved=1.0 - float(p_driver[-1]),
        p_driver_first=no_later(p_driver, step_posterior(outcome)),
    )


def step_start(z: Floats) -> int | None:
    """Where a lasting step up most likely began; None where its joint z stays below the threshold.

    The least-squares start of a step from zero: it maximises `sum(z[k:]) / sqrt(n - k)`, so that one stray period
    before it does not count as its beginning.

    Example:
        >>> step_start(np.array([2.6, 0.0, -0.5, 6.0, 7.0])), step_start(np.zeros(4))
        (3, None)
    """
    lengths = np.arange(len(z), 0, -1)
    joint = np.cumsum(z[::-1])[::-1] / np.sqrt(lengths)
    best = int(np.argmax(joint))
    return best if joint[best] >= THRESHOLD_Z else None
