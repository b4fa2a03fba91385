"""The orders of an incident beside those it is compared with: cut once, shared by all evidence tools."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.slices import Slice
from tools.errors import ToolFailure
from tools.memo import memo
from tools.registry import Arguments, ToolContext

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

GUARD = timedelta(days=1)
"""Left out before the incident, in case it began earlier than it was seen."""
MIN_BASELINE_DAYS = 5
MIN_ORDERS = 20


class SpanArguments(Arguments):
    """An incident's place and time."""

    slice: Slice
    """The part of the business, such as {"region": "SF"}."""
    start: datetime
    """Onset, UTC."""
    end: datetime
    """End of the last period in which it was seen, UTC."""


class IncidentArguments(SpanArguments):
    """An incident's place, time and metric."""

    metric: str
    """Metric id, such as on_time."""


@dataclass(frozen=True)
class IncidentFrame:
    """Orders of the baseline and of the incident's window, in and outside its slice."""

    rows: pd.DataFrame
    """Facts of both periods, sorted by time, (rows, columns)."""
    inside: Flags
    """In the slice."""
    during: Flags
    """In the incident's window; otherwise in the baseline."""
    day: Ints
    """Local day."""

    def column(self, name: str) -> Floats:
        """A column as floats; raises `ToolFailure` where the data do not have it."""
        if name not in self.rows:
            raise ToolFailure(f"not testable: no {name} in these data")
        return self.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)

    @cached_property
    def hour_kind(self) -> Ints:
        """Code of the local hour and whether it is a weekend's, 0 to 47."""
        weekend = self.rows["weekday"].to_numpy(dtype=np.int64) >= 5
        return self.rows["hour"].to_numpy(dtype=np.int64) * 2 + weekend

    @cached_property
    def store(self) -> Ints | None:
        """Code of the store; None where the data have none."""
        if "store_id" not in self.rows:
            return None
        return np.asarray(self.rows["store_id"].cat.codes.to_numpy(dtype=np.int64) + 1, dtype=np.int64)

    @property
    def baseline_days(self) -> int:
        """Number of local days that the baseline holds."""
        return len(np.unique(self.day[~self.during & self.inside]))


def slice_mask(rows: pd.DataFrame, slice_: Slice) -> Flags:
    """Which rows belong to a slice, shape (rows,).

    Raises:
        ToolFailure: the slice fixes a dimension that the rows do not have.

    Example:
        >>> rows = pd.DataFrame({"region": pd.Categorical(["SF", "LA", "SF"]), "hour": [18, 18, 3]})
        >>> slice_mask(rows, Slice.parse({"region": "SF", "hour": {"from": 18, "to": 20}})).tolist()
        [True, False, False]
    """
    mask = np.ones(len(rows), dtype=bool)
    for dimension, value in slice_.values:
        if dimension not in rows:
            raise ToolFailure(f"slice.{dimension} = {value!r}: these data have no such dimension")
        mask &= (rows[dimension] == value).to_numpy(dtype=bool)
    if slice_.hour is not None:
        mask &= np.isin(rows["hour"].to_numpy(), slice_.hour.hours)
    return mask


def positions(times: "pd.Series[pd.Timestamp]", moments: tuple[datetime, ...]) -> tuple[int, ...]:
    """First row at or after each moment, in a sorted column of UTC times."""
    bounds = pd.to_datetime(list(moments), utc=True).as_unit(times.dt.unit)
    return tuple(int(position) for position in times.searchsorted(bounds, side="left"))


def cut(
    facts: pd.DataFrame,
    *,
    slice: Slice,
    start: datetime,
    end: datetime,
    baseline_days: int,
) -> IncidentFrame:
    """Cut the facts of an incident and of the `baseline_days` that ended a day before it, at the same local hours.

    Raises:
        ToolFailure: the window is empty, or too little lies before it.
    """
    if end <= start:
        raise ToolFailure(f"end = {end.isoformat()}: must be after start = {start.isoformat()}")
    time = facts["order_time"]
    before = start - GUARD - timedelta(days=baseline_days)
    first, guard, begin, stop = positions(time, (before, start - GUARD, start, end))
    window = facts.iloc[begin:stop]
    hours = np.unique(window["hour"].to_numpy()[slice_mask(window, slice)])
    window, baseline = (_at_hours(part, hours) for part in (window, facts.iloc[first:guard]))
    rows = pd.concat([baseline, window], ignore_index=True)
    during = np.arange(len(rows)) >= len(baseline)
    inside = slice_mask(rows, slice)
    frame = IncidentFrame(rows, inside, during, rows["day"].to_numpy(dtype=np.int64))
    if int((inside & during).sum()) < MIN_ORDERS:
        raise ToolFailure(
            f"not testable: {int((inside & during).sum())} orders in the window, {MIN_ORDERS} are needed"
        )
    if frame.baseline_days < MIN_BASELINE_DAYS:
        raise ToolFailure(
            f"not testable: {frame.baseline_days} days before the incident, {MIN_BASELINE_DAYS} are needed"
        )
    return frame


def _at_hours(rows: pd.DataFrame, hours: npt.NDArray[np.generic]) -> pd.DataFrame:
    return rows if len(hours) == 24 else rows[np.isin(rows["hour"].to_numpy(), hours)]


def incident_frame(context: ToolContext, arguments: SpanArguments) -> IncidentFrame:
    """`cut` for a tool's arguments, memoised on the dataset."""
    days = context.settings.baseline_days
    key = ("incident_frame", arguments.slice, arguments.start, arguments.end, days)
    return memo(
        context.dataset,
        key,
        lambda: cut(
            context.dataset.facts(),
            slice=arguments.slice,
            start=arguments.start,
            end=arguments.end,
            baseline_days=days,
        ),
    )
