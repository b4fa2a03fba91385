"""How far the incident's metric moved, against how far its days differ anyway."""

from scipy.stats import norm

from tools.decomposition import decomposition, shift_of
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments, incident_frame
from tools.metrics import METRICS
from tools.outcomes import harm, value
from tools.registry import Result, ToolContext, tool
from tools.shift import Shift


class OutcomeShiftResult(Result):
    """The metric in the slice; positive `z` is worse for customers."""

    baseline_share: float | None
    """The metric before, for rates."""
    current_share: float | None
    change_pp: float | None
    baseline_s: float | None
    """The metric before, for durations."""
    current_s: float | None
    change_s: float | None
    baseline_score: float | None
    """The metric before, for the CX index."""
    current_score: float | None
    change_score: float | None
    z: float
    """Of its harm at like hours, days and stores, in standard errors between days."""
    p_chance: float
    """One-sided probability of so large a worsening by chance, before any correction for searching."""
    window_orders: int
    n_baseline_days: int


@tool()
def outcome_shift(context: ToolContext, arguments: IncidentArguments) -> OutcomeShiftResult:
    """How far the metric moved in standard errors between days."""
    frame = incident_frame(context, arguments)
    parts = decomposition(context, arguments)
    same = parts is not None and parts.outcome_metric == arguments.metric
    shift = (
        parts.whole if parts and same else shift_of(frame, harm(frame.rows, arguments.metric), frame.inside)
    )
    if shift is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    return OutcomeShiftResult(
        **_levels(arguments.metric, shift),
        z=shift.z,
        p_chance=float(norm.sf(shift.z)),
        window_orders=shift.orders,
        n_baseline_days=frame.baseline_days,
    )


def _levels(metric: str, shift: Shift) -> dict[str, float | None]:
    unit = METRICS[metric].unit if metric in METRICS else "score"
    before, after = value(metric, shift.baseline), value(metric, shift.current)
    change = (after - before) * (100.0 if unit == "share" else 1.0)
    levels: dict[str, float | None] = {}
    for name, change_name in (("share", "pp"), ("s", "s"), ("score", "score")):
        mine = name == unit
        levels[f"baseline_{name}"] = before if mine else None
        levels[f"current_{name}"] = after if mine else None
        levels[f"change_{change_name}"] = change if mine else None
    return levels
