"""Leads and lags of a change: what its scope did day by day beside the rest, before the change as well as after it.

Whether the leads are zero together is asked in `tools.pre_trend`.

References:
    A. Rambachan, J. Roth (2023), A more credible approach to parallel trends (bounds on relative magnitudes).
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from tools.did import enough_clusters
from tools.errors import ToolFailure
from tools.unit_periods import Fitted, Flags, Floats, Ints, UnitPeriods, regress

Reference = Literal["day before", "earlier days"]
LEADS: Final = 7


@dataclass(frozen=True)
class EventStudy:
    """Effects by period relative to the change, in the outcome's unit."""

    reference: Reference
    panel: UnitPeriods
    """The periods that were looked at, those of the reference included."""
    in_scope: Flags
    """Shape (units,)."""
    periods: Ints
    """Shape (effects,); the reference's are left out."""
    fitted: Fitted

    @property
    def effects(self) -> Floats:
        """Same shape as the periods."""
        return self.fitted.effects

    @property
    def before(self) -> Flags:
        """Which effects are leads."""
        return np.asarray(self.periods < 0)

    @property
    def covariance(self) -> Floats | None:
        """Of the effects, clustered by unit; None where the clusters are too few for it to be honest."""
        return None if self.few_clusters() else self.fitted.covariance()

    @property
    def errors(self) -> Floats | None:
        """Standard errors of the effects."""
        found = self.covariance
        return None if found is None else np.sqrt(np.maximum(np.diag(found), 0.0))

    @property
    def largest_step(self) -> float:
        """The largest move from one lead to the next; the reference, which is zero, is one of them."""
        leads = self.effects[self.before]
        path = np.append(leads, 0.0) if self.reference == "day before" else np.insert(leads, 0, 0.0)
        return float(np.abs(np.diff(path)).max())

    def bound(self, effect: float, *, magnitude: float = 1.0) -> tuple[float, float]:
        """What an effect may be if scope and rest drifted apart by `magnitude` x the largest step before."""
        return effect - magnitude * self.largest_step, effect + magnitude * self.largest_step

    def few_clusters(self) -> str | None:
        """Why errors clustered by unit would not be honest, if so."""
        treated, others = self.panel.seen(self.in_scope), self.panel.seen(~self.in_scope)
        if enough_clusters(treated, treated + others):
            return None
        return f"not testable: {treated} treated of {treated + others} stores, too few for clustered errors"


def event_study(
    panel: UnitPeriods, in_scope: Flags, *, leads: int = LEADS, reference: Reference = "earlier days"
) -> EventStudy:
    """Effects of being in the scope, period by period; period 0 is the first one under the change.

    Args:
        panel: units by periods relative to the change.
        in_scope: which units the change reached, shape (units,).
        leads: with `earlier days`, the periods before the change that are told apart; those before them are the
            reference together.
        reference: `day before`: period -1, every other one is told apart.

    Raises:
        ToolFailure: the reference has no orders in the scope or none outside it, or no lead has.

    Example:
        One store that was worse by 0.2 from the change on, beside one that was not:

        >>> y = np.array([[0.1, 0.2, 0.1, 0.3], [0.1, 0.2, 0.1, 0.1]])
        >>> panel = UnitPeriods(np.arange(2), np.arange(-3, 1), y, np.ones((2, 4)))
        >>> found = event_study(panel, np.array([True, False]), reference="day before")
        >>> found.periods.tolist(), (found.effects.round(6) + 0.0).tolist()
        ([-3, -2, 0], [0.0, 0.0, 0.2])
    """
    base = panel.periods == -1 if reference == "day before" else panel.periods < -leads
    both = panel.shared(in_scope)
    if not (base & both).any():
        raise ToolFailure(f"not testable: nothing is known of the reference ({reference}) on both sides")
    chosen = both & ~base
    periods = panel.periods[chosen]
    if not (periods < 0).any():
        raise ToolFailure("not testable: no day before the change is known beside the reference")
    used = panel.keep((base & both) | chosen)
    return EventStudy(reference, used, in_scope, periods, regress(used, dummies(used, in_scope, periods)))


def dummies(panel: UnitPeriods, in_scope: Flags, periods: Ints) -> Floats:
    """One regressor a period, 1 in the scope's cells of it, shape (periods given, units, periods)."""
    at = panel.periods == periods[:, None]
    return np.asarray(at[:, None, :] & in_scope[None, :, None], dtype=np.float64)
