"""Incidents made without a detector: true ones seen inexactly, and the worst that chance offers where nothing is wrong.

A confidence model must know both: a detector's slice is not always the true one, and of hundreds of slices the worst
looks bad on any day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.slices import HourRange, Slice
from tools.incident_frame import slice_mask
from tools.incidents import Incident, Kind, Severity, Window
from tools.outcomes import harm

Floats = npt.NDArray[np.float64]

METRIC_WEIGHTS: Final = {
    "on_time": 0.6,
    "cancellation": 0.2,
    "support_contact": 0.08,
    "refund": 0.06,
    "cx_index": 0.06,
}
HOURS: Final = (None, HourRange(start=11, end=15), HourRange(start=16, end=22), HourRange(start=17, end=20))
DAYS_BEFORE: Final = 16
"""No pseudo-incident begins earlier in its world: a baseline must lie before it."""


def metric(rng: np.random.Generator, among: Sequence[str]) -> str:
    """One of some metrics, delivery ones most often."""
    weights = np.array([METRIC_WEIGHTS[name] for name in among])
    return str(rng.choice(list(among), p=weights / weights.sum()))


def seen_inexactly(rng: np.random.Generator, scope: Slice) -> Slice:
    """A detector's idea of a true scope: often exact, sometimes wider, narrower or an hour off."""
    values, hour = dict(scope.values), scope.hour
    mistake = rng.choice(["exact", "hours off", "all hours", "wider"], p=[0.6, 0.2, 0.1, 0.1])
    if mistake == "hours off" and hour is not None:
        start = int(np.clip(hour.start + rng.integers(-1, 2), 0, 22))
        end = int(np.clip(hour.end + rng.integers(-1, 2), start + 1, 24))
        hour = HourRange(start=start, end=end)
    elif mistake == "all hours":
        hour = None
    elif mistake == "wider" and len(values) > 1:
        values.pop(sorted(values)[int(rng.integers(len(values)))])
    return Slice(values=tuple(values.items()), hour=hour)


def window(rng: np.random.Generator, onset: datetime, last: datetime) -> Window:
    """From about the onset, sometimes six hours off or a day late, to one of the days after it."""
    days = max(1, int((last - onset).total_seconds() // 86_400))
    start = onset + timedelta(hours=float(rng.choice([0, 0, 0, -6, 6, 24], p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])))
    length = int(rng.integers(1, days + 1))
    return Window(start=start, end=min(onset + timedelta(days=max(length, 2 if start > onset else 1)), last))


def incident(facts: pd.DataFrame, name: str, slice_: Slice, span: Window) -> Incident:
    """An incident as detection would report it, its numbers read roughly; the battery measures anew."""
    during = facts[(facts["order_time"] >= span.start) & (facts["order_time"] < span.end)]
    orders = int(slice_mask(during, slice_).sum())
    return Incident(
        id="simulated",
        kind=Kind.CX,
        metric=name,
        slice=slice_,
        window=span,
        onset=span.start,
        baseline=0.0,
        current=0.0,
        delta=0.0,
        z=-3.0,
        q_value=0.05,
        severity=Severity.MEDIUM,
        affected_orders=orders,
        top_slices=(),
    )


@dataclass(frozen=True)
class _Cube:
    """Harm and orders by day (of UTC), shape (slices, days)."""

    slices: tuple[Slice, ...]
    total: Floats
    count: Floats
    midnight: tuple[datetime, ...]


def worst_by_chance(
    rng: np.random.Generator, facts: pd.DataFrame, name: str, *, length: int
) -> tuple[Slice, Window] | None:
    """The slice and window of `length` days that look worst, ending at a random late day; None without data."""
    cube = _cube(facts, name)
    last = len(cube.midnight)
    if last <= DAYS_BEFORE + length:
        return None
    end = int(rng.integers(DAYS_BEFORE + length, last + 1))
    start = end - length
    before = slice(max(0, start - 29), start - 1)
    rate = cube.total[:, before].sum(axis=1) / np.maximum(cube.count[:, before].sum(axis=1), 1)
    daily = cube.total[:, before] / np.maximum(cube.count[:, before], 1)
    spread = daily.std(axis=1, ddof=1) / np.sqrt(length)
    now = cube.total[:, start:end].sum(axis=1) / np.maximum(cube.count[:, start:end].sum(axis=1), 1)
    z = np.where(cube.count[:, start:end].sum(axis=1) >= 30, (now - rate) / np.maximum(spread, 1e-9), -np.inf)
    order = np.argsort(-z, kind="stable")
    chosen = int(order[int(rng.integers(0, 3))])
    finish = cube.midnight[end - 1] + timedelta(days=1)
    return cube.slices[chosen], Window(start=cube.midnight[start], end=finish)


def _cube(facts: pd.DataFrame, name: str) -> _Cube:
    bad = harm(facts, name)
    known = ~np.isnan(bad)
    stamp = facts["order_time"].dt.floor("D")
    days = pd.DatetimeIndex(np.sort(stamp.unique()))
    day = np.searchsorted(days.as_unit("s").asi8, pd.DatetimeIndex(stamp).as_unit("s").asi8)
    slices = tuple(_slices(facts))
    total, count = np.zeros((len(slices), len(days))), np.zeros((len(slices), len(days)))
    for row, slice_ in enumerate(slices):
        keep = known & slice_mask(facts, slice_)
        total[row] = np.bincount(day[keep], weights=bad[keep], minlength=len(days))
        count[row] = np.bincount(day[keep], minlength=len(days))
    return _Cube(slices, total, count, tuple(pd.Timestamp(d).to_pydatetime() for d in days))


def _slices(facts: pd.DataFrame) -> Iterator[Slice]:
    regions, categories = (list(facts[name].cat.categories) for name in ("region", "category"))
    for hour in HOURS:
        yield from (Slice(values=(("region", r),), hour=hour) for r in regions)
        yield from (Slice(values=(("category", c),), hour=hour) for c in categories)
        yield from (
            Slice(values=(("category", c), ("region", r)), hour=hour) for r in regions for c in categories
        )
