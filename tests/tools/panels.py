"""Simulated panels of stores and days around a change."""

import numpy as np

from tools.unit_periods import UnitPeriods


def panel(
    rng: np.random.Generator,
    *,
    units: int = 60,
    treated: int = 25,
    before: int = 28,
    after: int = 5,
    effect: float = 0.0,
    slope: float = 0.0,
    shock: float = 0.0,
    memory: float = 0.3,
) -> tuple[UnitPeriods, np.ndarray]:
    """A panel and which of its units the change reached, the first ones.

    Args:
        rng: of all that is random.
        units: stores.
        treated: of them, in the scope.
        before: days before the change.
        after: days under it.
        effect: of the change.
        slope: of the scope's trend, per day.
        shock: standard deviation of days that all stores of the scope share.
        memory: autocorrelation of a store's days.
    """
    days = np.arange(-before, after)
    in_scope = np.arange(units) < treated
    noise = rng.normal(size=(units, len(days)))
    for day in range(1, len(days)):
        noise[:, day] = memory * noise[:, day - 1] + np.sqrt(1 - memory**2) * noise[:, day]
    own = slope * days + shock * rng.normal(size=len(days)) + effect * (days >= 0)
    level = rng.normal(size=units)[:, None] + rng.normal(size=len(days))
    y = level + noise + np.where(in_scope[:, None], own, 0.0)
    w = rng.integers(5, 15, size=y.shape).astype(float)
    return UnitPeriods(np.arange(units), days, y, w), in_scope
