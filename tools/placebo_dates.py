"""Placebo dates: the same estimate as if the change had come earlier, on nothing but the days before it.

Windows are as long as the real one and do not overlap, as neighbouring windows share most of their days and are no
separate evidence. Unlike the space-time placebos of `tools.placebo`, all dates are those of the change's own scope.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tools.errors import ToolFailure
from tools.unit_periods import Flags, Floats, Ints, UnitPeriods, regress

MIN_BEFORE: Final = 7
"""Periods before a placebo date, so that every weekday is known."""
MIN_DATES: Final = 2


@dataclass(frozen=True)
class PlaceboDates:
    """Effects found where nothing was changed."""

    dates: Ints
    """First period of each window, latest first."""
    effects: Floats
    """Same shape, in the outcome's unit."""

    def as_large(self, effect: float) -> float:
        """Share of the placebo effects that are at least as large, in either direction.

        Example:
            >>> PlaceboDates(np.array([-2, -4]), np.array([0.01, -0.03])).as_large(0.02)
            0.5
        """
        return float(np.mean(np.abs(self.effects) >= abs(effect)))


def placebo_dates(
    panel: UnitPeriods, in_scope: Flags, *, window: int, min_before: int = MIN_BEFORE
) -> PlaceboDates:
    """Estimate a change of the scope at every earlier date that leaves enough before it.

    Args:
        panel: units by periods relative to the change; only those below 0 are looked at.
        in_scope: which units the change reached, shape (units,).
        window: periods under the change.
        min_before: least number of periods before a placebo date; at least as many as the window has are asked.

    Raises:
        ToolFailure: too little lies before the change for two dates.
    """
    first = int(panel.periods.min())
    last_date = first + max(window, min_before)
    found = []
    for date in range(-window, last_date - 1, -window):
        known = (panel.periods < date + window) & panel.shared(in_scope)
        after = panel.periods[known] >= date
        if after.any() and not after.all():
            design = (in_scope[:, None] & after)[None].astype(np.float64)
            found.append((date, float(regress(panel.keep(known), design).effects[0])))
    if len(found) < MIN_DATES:
        raise ToolFailure(
            f"not testable: {-first} days before the change hold {len(found)} windows of {window} days with as many "
            f"before them, {MIN_DATES} are needed"
        )
    return PlaceboDates(np.array([date for date, _ in found]), np.array([effect for _, effect in found]))
