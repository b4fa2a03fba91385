"""Orders against the hour of the week."""

from math import log

import numpy as np

from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentFrame, SpanArguments, incident_frame
from tools.level_shift import level_shift
from tools.registry import Result, ToolContext, tool
from tools.shift import Shift


class VolumeShiftResult(Result):
    """Orders of the slice; positive `z` means more than usual."""

    orders_change_share: float
    """Against the same hours of the week."""
    z: float
    """In standard errors between days."""
    window_orders: int
    """Orders of the incident."""
    detectable_share: float
    """Smallest change that would have been seen four times in five."""


@tool()
def volume_shift(context: ToolContext, arguments: SpanArguments) -> VolumeShiftResult:
    """Whether more (or fewer) orders came in than the hours of the week bring."""
    frame = incident_frame(context, arguments)
    shift = orders_shift(frame)
    if shift is None:
        raise ToolFailure("not testable: too few days before the incident")
    return VolumeShiftResult(
        orders_change_share=shift.change,
        z=shift.z,
        window_orders=int((frame.inside & frame.during).sum()),
        detectable_share=2.8 * shift.error,
    )


def orders_shift(frame: IncidentFrame) -> Shift | None:
    """Shift of the slice's orders an hour; an hour in which only others of its regions ordered counts as zero."""
    nearby = _nearby(frame)
    hour = frame.rows["hour"].to_numpy(dtype=np.int64)
    hours_of_slice = np.unique(hour[frame.inside])
    clock, index, inverse = np.unique(
        frame.day[nearby] * 24 + hour[nearby], return_index=True, return_inverse=True
    )
    inside = frame.inside[nearby].astype(np.float64)
    count = np.asarray(np.bincount(inverse, weights=inside, minlength=len(clock)), dtype=np.float64)
    keep = np.isin(clock % 24, hours_of_slice)
    return level_shift(
        count[keep],
        day=clock[keep] // 24,
        kind=clock[keep] % 24,
        during=frame.during[nearby][index][keep],
    )


def _nearby(frame: IncidentFrame) -> Flags:
    """Orders of the slice's regions: at the same local hour those of another zone may be in the window already."""
    if "region" not in frame.rows:
        return np.ones(len(frame.rows), dtype=np.bool_)
    region = frame.rows["region"].cat.codes.to_numpy()
    return np.isin(region, np.unique(region[frame.inside]))


def supply_part(couriers_change: float, orders_change: float) -> float:
    """Of the rise of orders per courier, on the log scale, the part that fewer couriers made.

    Example:
        >>> supply_part(-0.2, 0.0), supply_part(0.0, 0.1), supply_part(0.0, 0.0)
        (1.0, 0.0, 0.5)
    """
    fewer = max(0.0, -log(max(1.0 + couriers_change, 1e-3)))
    more = max(0.0, log(max(1.0 + orders_change, 1e-3)))
    return fewer / (fewer + more) if fewer + more > 1e-9 else 0.5
