"""Guardrails of a running experiment: how much harm is shown or ruled out, however often it is read.

References:
    Waudby-Smith, I. et al. (2024). Time-uniform central limit theory. Annals of Statistics 52.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from tools.arm_difference import Units, difference
from tools.experiment import PlanMetric
from tools.monitor_report import GuardrailStatus
from tools.plan_text import COLLAPSE_SDS
from tools.sequential import confidence_radius
from tools.switch_windows import START

Floats = npt.NDArray[np.float64]

LEAST_UNITS: Final = 4
"""Units of each arm before a guardrail is read."""


class Bound(NamedTuple):
    """A difference with a radius that holds at every reading."""

    estimate: float
    radius: float
    once: float
    """The radius of the one-sided interval that is read a single time, on the last day."""
    control: float


def bound_of(given: Units, *, alpha: float, best_at: float) -> Bound | None:
    """A one-sided bound of a difference that holds however often it is read; None while units are too few.

    The radius is that of the normal mixture for the estimate's own error, wider by Student's quantile over the
    normal one while units are few.

    Args:
        given: units seen so far.
        alpha: one-sided level over the whole run.
        best_at: units at which the bound is to be tightest.

    Raises:
        ToolFailure: no stratum has both arms.
    """
    known = given.keep(given.known)
    if min(known.treated.sum(), (~known.treated).sum()) < LEAST_UNITS:
        return None
    seen = difference(known)
    if seen.standard_error <= 0:
        return Bound(seen.estimate, 0.0, 0.0, seen.control)
    count, quantile = len(known.top), float(stats.t.isf(alpha, seen.freedom))
    spread = seen.standard_error * math.sqrt(count) * quantile / float(stats.norm.isf(alpha))
    radius = confidence_radius(count, spread, alpha=alpha, best_at=best_at, sides=1)
    return Bound(seen.estimate, radius, quantile * seen.standard_error, seen.control)


class Rule(NamedTuple):
    """What a guardrail is held against."""

    metric: PlanMetric
    alpha: float
    """One-sided, over the whole run."""
    best_at: float
    """Units of the whole run."""
    last: bool
    """Whether its last day has come, on which the plain interval rules harm out, too."""


def judge(rule: Rule, bound: Bound, *, collapsed: bool) -> tuple[GuardrailStatus, str]:
    """Where a guardrail stands, and why."""
    margin = rule.metric.margin
    if margin is None:
        return "open", "no limit was set: today's value is not in the data"
    harm = -bound.estimate if rule.metric.direction == "increase" else bound.estimate
    if harm - bound.radius > margin:
        return "crossed", "harm beyond the margin is shown"
    if collapsed:
        return (
            "crossed",
            f"two treated windows in a row fell beyond the margin by {COLLAPSE_SDS} spreads of a window",
        )
    if harm + bound.radius < margin or (rule.last and harm + bound.once < margin):
        return "cleared", "harm beyond the margin is ruled out"
    return "open", "neither shown nor ruled out yet"


def collapses(metric: PlanMetric, given: Units, windows: pd.DataFrame) -> bool:
    """Whether two treated windows of a region, one after the other, were worse than any margin and chance explain.

    Each is held against its own past, less what the control windows are off theirs.

    Args:
        metric: its margin and the spread of its windows; without either nothing is said.
        given: the windows' counts.
        windows: `window_start` and perhaps `region`, in the same order.
    """
    if metric.margin is None or metric.unit_sd is None:
        return False
    known = given.known
    calm = known & ~given.treated
    if not calm.any():
        return False
    off = _off(given)
    harm = -off if metric.direction == "increase" else off
    usual = float(np.average(harm[calm], weights=given.bottom[calm]))
    beyond = harm - usual > metric.margin + COLLAPSE_SDS * metric.unit_sd
    keys = [name for name in ("region", START) if name in windows]
    treated = windows[keys].assign(beyond=beyond)[known & given.treated].sort_values(keys)
    before = treated.groupby("region")["beyond"].shift() if "region" in treated else treated["beyond"].shift()
    return bool((treated["beyond"] & before.eq(True)).any())


def _off(given: Units) -> Floats:
    trials = np.where(given.bottom > 0, given.bottom, 1.0)
    return np.asarray(given.top / trials - given.past, np.float64)
