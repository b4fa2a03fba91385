"""How far the incident's metric moved, against how far its days differ anyway."""

from scipy.stats import norm

from tools.decomposition import shift_of
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments, incident_frame
from tools.metrics import METRICS
from tools.outcomes import harm, value
from tools.registry import Result, ToolContext, tool


class OutcomeShiftResult(Result):
    """The metric in the slice; positive `z` is worse for customers."""

    baseline_level: float
    """The metric before: share, CX points or seconds."""
    current_level: float
    """During the incident."""
    change_pp: float
    """Of the metric, in percentage points; 0 for durations."""
    change_s: float
    """Of the metric, in seconds; 0 for rates."""
    z: float
    """Of its harm at like hours, days and stores, in standard errors between days."""
    p_chance: float
    """One-sided probability of so large a worsening by chance, before any correction for searching."""
    window_orders: int
    baseline_days: int


@tool()
def outcome_shift(context: ToolContext, arguments: IncidentArguments) -> OutcomeShiftResult:
    """How far the metric moved in standard errors between days."""
    frame = incident_frame(context, arguments)
    shift = shift_of(frame, harm(frame.rows, arguments.metric), frame.inside)
    if shift is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    seconds = arguments.metric in METRICS and METRICS[arguments.metric].unit == "s"
    before, after = value(arguments.metric, shift.baseline), value(arguments.metric, shift.current)
    points = 1.0 if arguments.metric not in METRICS else 100.0
    return OutcomeShiftResult(
        baseline_level=before,
        current_level=after,
        change_pp=0.0 if seconds else points * (after - before),
        change_s=after - before if seconds else 0.0,
        z=shift.z,
        p_chance=float(norm.sf(shift.z)),
        window_orders=shift.orders,
        baseline_days=frame.baseline_days,
    )
