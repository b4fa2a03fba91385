"""Did scope and rest run side by side before the change? All leads of an event study, tested together.

Two tests, as each is blind to what the other sees. Errors clustered by store allow any memory of a store's own, but not
that all stores of a scope have a bad day together; held against how much the days before differ anyway, such days are
allowed for, but not a store's memory. Leads count as moved only where both say so.

That they do not stand out says little where the tests could not have seen a trend: the smallest one that they would
have seen is told with them.

References:
    K. Krishnamoorthy, J. Yu (2004), Modified Nel and Van der Merwe test for the multivariate Behrens-Fisher problem:
        the Wald statistic of two groups with few clusters is held against Hotelling's distribution.
    S. Donald, K. Lang (2007), Inference with difference in differences and other panel data: the days as cells.
    J. Roth (2022), Pretest with caution: event-study estimates after testing for parallel trends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tools.errors import ToolFailure
from tools.event_study import EventStudy, dummies
from tools.power import ALPHA, POWER
from tools.unit_periods import Flags, Floats, UnitPeriods, regress

MIN_REFERENCE: Final = 3
"""Days that must tell how much days differ."""
STORES_A_LEAD: Final = 3
"""Least number of stores on each side, for each lead: with fewer the clustered test rejects too often."""
MAX_NONCENTRALITY: Final = 1e3
"""A trend that makes an F so large is seen if any is; beyond it the distribution function loses its digits."""
_NOTHING: Final = 1e-30


@dataclass(frozen=True)
class LeadTest:
    """Whether all leads are zero together."""

    f: float
    leads: int
    freedom: float
    """Of the denominator."""
    p: float
    detectable_slope: float
    """The linear trend that is seen with 80 % power at the 5 % level, in the outcome's unit per period; infinite where
    none is."""


@dataclass(frozen=True)
class PreTrend:
    """What both tests say."""

    clustered: LeadTest | None
    by_days: LeadTest

    @property
    def p(self) -> float:
        """The larger of the two."""
        return max(test.p for test in self._tests)

    @property
    def detectable_slope(self) -> float:
        """The larger of the two."""
        return max(test.detectable_slope for test in self._tests)

    @property
    def _tests(self) -> tuple[LeadTest, ...]:
        return (self.by_days,) if self.clustered is None else (self.clustered, self.by_days)


def pre_trend(study: EventStudy) -> PreTrend:
    """Test the leads of a study whose reference are earlier days; by days alone where clusters are few.

    Raises:
        ToolFailure: the reference has too few days.
    """
    by_days = by_days_test(study)
    try:
        return PreTrend(clustered_test(study), by_days)
    except ToolFailure:
        return PreTrend(None, by_days)


def clustered_test(study: EventStudy) -> LeadTest:
    """The joint Wald test with errors clustered by unit.

    Raises:
        ToolFailure: the clusters are too few, for the test or for so many leads.
    """
    sides = (study.in_scope, ~study.in_scope)
    sizes = [study.panel.seen(side) for side in sides]
    q = int(study.before.sum())
    if study.few_clusters() or min(sizes) < STORES_A_LEAD * q:
        raise ToolFailure(
            f"not testable: {sizes[0]} treated and {sizes[1]} other stores are too few for {q} leads"
        )
    parts = [_part(study, side, size) for side, size in zip(sides, sizes, strict=True)]
    covariance = parts[0] + parts[1]
    if np.linalg.matrix_rank(covariance, hermitian=True) < q:
        raise ToolFailure(f"not testable: {q} leads do not vary independently among the stores")
    freedom = _freedom(covariance, parts, sizes)
    leads, slope = study.effects[study.before], _leads_of_a_trend(study)
    wald, of_slope = (float(x @ np.linalg.solve(covariance, x)) for x in (leads, slope))
    second = freedom - q + 1
    return _tested(f=wald * second / (freedom * q), leads=q, freedom=second, noncentrality=of_slope)


def _part(study: EventStudy, side: Flags, size: int) -> Floats:
    """What the stores of a side bring to the covariance of the leads, corrected for their own number."""
    effects = study.fitted.scores[side] @ study.fitted.bread
    return np.asarray(effects.T @ effects)[np.ix_(study.before, study.before)] * size / (size - 1)


def _freedom(covariance: Floats, parts: list[Floats], sizes: list[int]) -> float:
    q = len(covariance)
    inverse = np.linalg.inv(covariance)
    lost = 0.0
    for part, size in zip(parts, sizes, strict=True):
        ratio = part @ inverse
        lost += float(np.trace(ratio @ ratio) + np.trace(ratio) ** 2) / (size - 1)
    return (q + q * q) / lost


def _leads_of_a_trend(study: EventStudy) -> Floats:
    """What a trend of one unit per period in the scope adds to the leads, by the study's own regression."""
    panel = study.panel
    y = np.where(study.in_scope[:, None], panel.periods.astype(np.float64), 0.0)
    design = dummies(panel, study.in_scope, study.periods)
    return regress(UnitPeriods(panel.units, panel.periods, y, panel.w), design).effects[study.before]


def by_days_test(study: EventStudy) -> LeadTest:
    """The leads against the mean of the reference's days, by how much those differ from each other.

    Raises:
        ToolFailure: the reference has too few days.
    """
    panel = study.panel
    first = int(study.periods[0])
    count = int((panel.periods < first).sum())
    if study.reference != "earlier days" or count < MIN_REFERENCE:
        raise ToolFailure(f"not testable: {count} days before the leads, {MIN_REFERENCE} are needed")
    gaps = np.zeros(len(panel.periods))
    gaps[1:] = regress(panel, dummies(panel, study.in_scope, panel.periods[1:])).effects
    known, leads = gaps[:count], gaps[count:][panel.periods[count:] < 0]
    q = len(leads)
    variance = max(float(np.var(known, ddof=1)), _NOTHING)
    days = panel.periods.astype(np.float64)
    drift = days[count : count + q] - days[:count].mean()
    return _tested(
        f=_squared(leads - known.mean(), count) / (q * variance),
        leads=q,
        freedom=count - 1.0,
        noncentrality=_squared(drift, count) / variance,
        inflation=float(np.var(days[:count], ddof=1)) / variance,
    )


def _squared(leads: Floats, reference: int) -> float:
    """Squared length where all leads share the error of the mean of `reference` days."""
    return float(leads @ leads - leads.sum() ** 2 / (reference + len(leads)))


def _tested(
    *, f: float, leads: int, freedom: float, noncentrality: float, inflation: float = 0.0
) -> LeadTest:
    """The test and its power.

    Args:
        f: statistic.
        leads: degrees of freedom of the numerator.
        freedom: of the denominator.
        noncentrality: that a slope of one gives the numerator; it grows with the slope's square.
        inflation: of the denominator by a slope of one, as a trend makes the reference's own days differ; likewise.
    """
    from scipy import special

    limit = float(special.fdtri(leads, freedom, 1 - ALPHA))

    def missed(squared: float) -> float:
        higher = limit * (1 + inflation * squared)
        return float(special.ncfdtr(leads, freedom, noncentrality * squared, higher)) - (1 - POWER)

    slope = np.sqrt(_root(missed, MAX_NONCENTRALITY / noncentrality))
    return LeadTest(f, leads, freedom, float(special.fdtrc(leads, freedom, f)), float(slope))


def _root(missed: Callable[[float], float], limit: float) -> float:
    """The square at which as much is missed as wanted; infinite where none below the limit is enough."""
    from scipy import optimize

    high = limit / 2**20
    while missed(high) > 0:
        high *= 2
        if high > limit:
            return np.inf
    return float(optimize.brentq(missed, 0.0, high))
