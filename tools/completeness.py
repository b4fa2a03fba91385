"""Are the records of the incident as complete as usual?"""

import numpy as np
import numpy.typing as npt

from tools.decomposition import SECONDS, decomposition, shift_of
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments
from tools.outcomes import harm
from tools.registry import Result, ToolContext, tool
from tools.volume_shift import orders_shift

Floats = npt.NDArray[np.float64]


class CompletenessResult(Result):
    """Unknown outcomes and row counts of the incident's slice."""

    unknown_baseline_share: float
    """Orders whose outcome is not recorded, before."""
    unknown_current_share: float
    """During the incident."""
    unknown_change_pp: float
    z: float
    """In standard errors between days; positive is more unknown."""
    orders_change_share: float
    """Orders against the same hours of the week: lost or doubled records show here."""
    z_orders: float
    quarantined_orders: int
    """Rows of all tables that broke a rule and were set aside, over the whole dataset."""
    explained_share: float
    """At most this share of the worsening could come from orders becoming unknown."""


@tool()
def completeness(context: ToolContext, arguments: IncidentArguments) -> CompletenessResult:
    """Whether records are missing or doubled in the incident, and how much of the worsening that could make."""
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    frame = parts.frame
    if "outcome_known" in frame.rows:
        unknown = (frame.column("outcome_known") <= 0).astype(np.float64)
    else:
        unknown = np.isnan(harm(frame.rows, arguments.metric)).astype(np.float64)
    shift = shift_of(frame, unknown, frame.inside)
    orders = orders_shift(frame)
    if shift is None:
        raise ToolFailure("not testable: too few orders in the window or before it")
    worse = parts.whole.change
    lost = abs(shift.change)
    if parts.outcome_metric in SECONDS:
        past = parts.outcome[frame.inside & ~frame.during & ~np.isnan(parts.outcome)]
        lost = selected(past, lost)
    bound = lost / abs(worse) if worse and shift.z > 2 else 0.0
    return CompletenessResult(
        unknown_baseline_share=shift.baseline,
        unknown_current_share=shift.current,
        unknown_change_pp=100.0 * shift.change,
        z=shift.z,
        orders_change_share=orders.change if orders else 0.0,
        z_orders=orders.z if orders else 0.0,
        quarantined_orders=_quarantined(context),
        explained_share=min(bound, 1.0),
    )


def selected(values: Floats, share: float) -> float:
    """How far a mean rises where the lowest `share` of the values is not known any more.

    Example:
        >>> selected(np.array([4.0, 1.0, 2.0, 3.0]), 0.5)
        1.0
    """
    gone = min(round(share * len(values)), len(values) - 1)
    return float(np.sort(values)[gone:].mean() - values.mean()) if len(values) else 0.0


def _quarantined(context: ToolContext) -> int:
    counts = getattr(context.dataset, "quarantine", None)
    return int(sum(counts.values())) if isinstance(counts, dict) else 0
