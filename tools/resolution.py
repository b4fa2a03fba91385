"""Whether an incident is fixed: the slice is back inside its band, and what was done is known to have helped.

A slice may recover by itself, and an action may help without being enough; only both together close an incident as
fixed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from tools.incidents import Point
from tools.monitor_report import MonitorReport

BAND_DAYS: Final = 7
"""Days that the slice must have been inside its baseline band."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class MeasuredEffect(_Model):
    """Effect of the action on CX, positive is better, with the bounds of its experiment."""

    estimate: float
    low: float
    high: float
    read_at: datetime


class Condition(_Model):
    """One of the conditions of being fixed."""

    name: Literal["full_rollout", "inside_band", "effect_above_zero"]
    met: bool
    since: datetime | None
    """Since when it is met, or since when it fails; None where that is not known."""
    text: str


class Resolution(_Model):
    """Whether an incident may be closed."""

    closed_as: Literal["fixed"] | None
    """None while a condition fails."""
    conditions: tuple[Condition, ...]
    days_inside: int
    """Days in a row, up to the newest, that the slice was inside its band."""
    next_step: str


def measured(read: MonitorReport) -> MeasuredEffect | None:
    """The effect on CX at the last look of a reading; None where none was read."""
    lift = read.lift
    if lift is None or lift.cx_index is None or lift.cx_index_low is None or lift.cx_index_high is None:
        return None
    return MeasuredEffect(
        estimate=lift.cx_index, low=lift.cx_index_low, high=lift.cx_index_high, read_at=read.as_of
    )


def resolve(
    points: Sequence[Point],
    *,
    rolled_out: datetime | None,
    effect: MeasuredEffect | None,
    as_of: datetime,
    days: int = BAND_DAYS,
) -> Resolution:
    """Judge an incident after the action went to all orders.

    Args:
        points: daily points of the slice's CX with the band that detection expects, of any time.
        rolled_out: when the action reached all orders; None where it has not.
        effect: measured by the experiment; None where none was read.
        as_of: nothing later counts.
        days: in a row that the slice must have been inside its band.
    """
    after = [
        p for p in sorted(points, key=lambda p: p.t) if rolled_out is not None and rolled_out <= p.t < as_of
    ]
    streak = _streak(after)
    conditions = (_rollout(rolled_out, as_of), _band(after, streak, days), _effect(effect))
    failing = [condition for condition in conditions if not condition.met]
    return Resolution(
        closed_as=None if failing else "fixed",
        conditions=conditions,
        days_inside=streak,
        next_step=_next(failing[0], days - streak, rolled_out) if failing else "Close the incident as fixed.",
    )


def _inside(point: Point) -> bool:
    """A day that could not be judged is no day inside."""
    if point.value is None or point.low is None:
        return False
    return point.value >= point.low


def _streak(points: Sequence[Point]) -> int:
    """Days in a row inside the band, up to the newest; a day that is missing breaks the row."""
    count = 0
    for at in range(len(points) - 1, -1, -1):
        follows = count == 0 or points[at + 1].t - points[at].t <= timedelta(hours=25)
        if not (_inside(points[at]) and follows):
            break
        count += 1
    return count


def _rollout(rolled_out: datetime | None, as_of: datetime) -> Condition:
    met = rolled_out is not None and rolled_out < as_of
    text = "the action is in force for all orders" if met else "the action is not in force for all orders yet"
    if rolled_out is not None and not met:
        text = f"the action reaches all orders from {rolled_out:%Y-%m-%d %H:%M} UTC on, which lies beyond the data"
    return Condition(name="full_rollout", met=met, since=rolled_out if met else None, text=text)


def _band(points: Sequence[Point], streak: int, days: int) -> Condition:
    met = streak >= days
    text = f"{streak} of {days} days in a row inside the baseline band"
    if met:
        return Condition(name="inside_band", met=True, since=points[-streak].t, text=text)
    outside = [point for point in points if not _inside(point)]
    if not outside:
        return Condition(
            name="inside_band", met=False, since=None, text=f"{text}; none was outside since the roll-out"
        )
    last = outside[-1]
    why = (
        "could not be judged"
        if last.value is None or last.low is None
        else f"was {last.value:.3g}, below {last.low:.3g}"
    )
    return Condition(
        name="inside_band", met=False, since=_outside_since(points), text=f"{text}; {last.t:%Y-%m-%d} {why}"
    )


def _outside_since(points: Sequence[Point]) -> datetime:
    """The first day of the newest run of days outside."""
    at = max(index for index, point in enumerate(points) if not _inside(point))
    while at > 0 and not _inside(points[at - 1]):
        at -= 1
    return points[at].t


def _effect(effect: MeasuredEffect | None) -> Condition:
    if effect is None:
        text = "no experiment has measured the effect: the slice may have recovered by itself"
        return Condition(name="effect_above_zero", met=False, since=None, text=text)
    met = effect.low > 0
    text = f"effect {effect.estimate:+.3g} ({effect.low:+.3g} to {effect.high:+.3g})"
    if not met:
        text += ", which does not rule out none"
    return Condition(name="effect_above_zero", met=met, since=effect.read_at, text=text)


def _next(failing: Condition, left: int, rolled_out: datetime | None) -> str:
    bring = "Bring the action to all orders, keeping the holdback; then watch the slice."
    return {
        "full_rollout": bring if rolled_out is None else "Wait for data from after the roll-out.",
        "inside_band": f"Wait: {left} more days inside the band are needed; if it stays outside, look for a second cause.",
        "effect_above_zero": "Leave it open, or close it as recovered: that the action helped is not shown.",
    }[failing.name]
