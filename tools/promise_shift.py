"""Did the promise move, or reality? And what would its old length have made of the orders that were late?"""

import numpy as np

from data.mapping import OnTime
from tools.decomposition import Decomposition, decomposition, shift_of
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments
from tools.outcomes import harm
from tools.promise import punctuality
from tools.registry import Result, ToolContext, tool


class PromiseShiftResult(Result):
    """Promised and actual durations at like hours, days and stores."""

    promise_baseline_s: float
    promise_current_s: float
    promise_change_s: float
    """Negative: promises became shorter."""
    z: float
    """Of the promise, in standard errors between days; positive is harmful (shorter)."""
    fulfilment_change_s: float
    """Positive: delivery became slower."""
    z_fulfilment: float
    """Of delivery, in standard errors between days."""
    promise_part_share: float
    """Of the loss of slack between promise and delivery, the part that shorter promises made."""
    explained_share: float
    """Of the incident's worsening, what is gone when every promise in it is as long as before: counted order by order, as
    far as the metric is made of punctuality; 0 where it is not."""


@tool()
def promise_shift(context: ToolContext, arguments: IncidentArguments) -> PromiseShiftResult:
    """Whether promises became shorter or delivery became slower, and how much of the worsening shorter promises made."""
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    return read(parts, context.dataset.mapping.on_time)


def read(parts: Decomposition, rule: OnTime) -> PromiseShiftResult:
    """`promise_shift` on a decomposition.

    Args:
        parts: the incident's decomposition.
        rule: how early and how late still counts as on time.

    Raises:
        ToolFailure: too few orders have a promise or arrived.
    """
    frame = parts.frame
    promise = shift_of(frame, frame.column("promise_s"), frame.inside)
    arrived = frame.column("fulfilled") > 0
    actual = np.where(arrived, frame.column("fulfilment_s"), np.nan)
    reality = shift_of(frame, actual, frame.inside)
    if promise is None or reality is None:
        raise ToolFailure("not testable: too few orders with a promise and an arrival")
    shorter, slower = max(0.0, -promise.change), max(0.0, reality.change)
    return PromiseShiftResult(
        promise_baseline_s=promise.baseline,
        promise_current_s=promise.current,
        promise_change_s=promise.change,
        z=-promise.z,
        fulfilment_change_s=reality.change,
        z_fulfilment=reality.z,
        promise_part_share=shorter / (shorter + slower) if shorter + slower > 0 else 0.0,
        explained_share=_explained(parts, rule, add_s=-promise.change),
    )


def _explained(parts: Decomposition, rule: OnTime, *, add_s: float) -> float:
    """Share of the worsening that is gone with promises longer by `add_s`."""
    now = parts.frame.inside & parts.frame.during & ~np.isnan(parts.outcome)
    rows = parts.frame.rows[now]
    if not {"lateness_s", "delivered"} <= set(rows) or parts.whole.change <= 0:
        return 0.0
    moved = punctuality(rows, add_s=add_s, rule=rule)
    otherwise = rows.assign(on_time=moved["on_time"], eta_error_s=moved["eta_error"])
    gone = parts.outcome[now] - harm(otherwise, parts.outcome_metric)
    return float(np.clip(np.nanmean(gone) / parts.whole.change, -1.0, 2.0))
