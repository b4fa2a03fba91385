"""Did the promise move, or reality?"""

import numpy as np

from tools.decomposition import shift_of
from tools.errors import ToolFailure
from tools.incident_frame import SpanArguments, incident_frame
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


@tool()
def promise_shift(context: ToolContext, arguments: SpanArguments) -> PromiseShiftResult:
    """Whether promises became shorter or delivery became slower."""
    frame = incident_frame(context, arguments)
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
    )
