"""Where and when nothing was wrong, the test that blames a driver must find less than it found in the incident.

Earlier windows of the same slice, and other slices of the same shape in the incident's window. One counts as strong
where its driver moved as far beyond chance and by as much.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from data.slices import Slice
from tools.decomposition import Track
from tools.driver_test import DriverTest, Strength
from tools.incident_frame import GUARD, MIN_ORDERS, Flags, IncidentFrame, Ints, positions
from tools.registry import Result
from tools.shift import Shift, codes

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
"""How long after the first moment of a past its first order may come."""
MOST_DATES: Final = 8
MOST_SLICES: Final = 20
"""The largest ones are tried."""
FEWEST: Final = 3
"""With fewer places or dates to compare with, nothing is concluded."""
WRONG_Z: Final = 4.0
"""A window in which the outcome worsened by so many standard errors was an incident itself."""


class Placebos(Result):
    """The driver's test made where or when nothing was wrong."""

    name: str
    passed: bool | None
    """None of them was as strong; empty where too few could be tried."""
    reason: str
    """Why it could not be tried; empty where it was."""
    n_tested: int
    n_as_strong: int
    z_strongest: float | None
    """Of the strongest one, signed by harm; empty where none could be tried."""
    n_left_out: int
    """Those that were no placebo (an incident themselves) or had too few orders."""


def days_back(start: datetime, end: datetime) -> tuple[int, int]:
    """Days from an incident's window to the nearest earlier one of its length, and from each to the next.

    Example:
        >>> days_back(datetime(2026, 2, 4, 8), datetime(2026, 2, 6, 8)), days_back(*[datetime(2026, 2, 4, h) for h in (8, 9)])
        ((3, 2), (2, 1))
    """
    whole = -(-(end - start) // DAY)
    guarded = -(-(end - start + GUARD) // DAY)
    return guarded, whole


def held(start: datetime, end: datetime, begin: datetime) -> int:
    """How many earlier windows a past holds that begins at a time; at most `MOST_DATES`.

    Example:
        >>> held(datetime(2026, 2, 4), datetime(2026, 2, 6), datetime(2026, 1, 28))
        3
    """
    first, step = days_back(start, end)
    room = (start - begin + HOUR) // DAY - first
    return min(max(room // step + 1, 0), MOST_DATES)


def earlier_windows(frame: IncidentFrame, start: datetime, end: datetime) -> Iterator[Flags]:
    """Earlier windows of the incident's length and hours, nearest first, each of shape (rows,)."""
    first, step = days_back(start, end)
    times = frame.rows["order_time"]
    for number in range(held(start, end, times.iloc[0].to_pydatetime())):
        back = (first + number * step) * DAY
        begin, stop = positions(times, (start - back, end - back))
        window = np.zeros(len(frame.rows), dtype=bool)
        window[begin:stop] = True
        yield window & ~frame.during


def placebo_dates(test: DriverTest, own: Track, outcome: Track, start: datetime, end: datetime) -> Placebos:
    """The driver in earlier windows of the same slice, each against the other days before the incident.

    Args:
        test: of the driver.
        own: its track.
        outcome: harm of the slice's orders; a window that it calls an incident is no placebo.
        start: of the incident, UTC.
        end: of the incident, UTC.
    """
    name, before = "placebo dates", ~test.frame.during
    incident = own.shift(test.frame.during)
    if incident is None:
        return untried(name, "the driver is known for too few orders")
    found: list[Strength] = []
    left_out = 0
    for window in earlier_windows(test.frame, start, end):
        worse, moved = outcome.shift(window, before), own.shift(window, before)
        if worse is None or moved is None or worse.z >= WRONG_Z:
            left_out += 1
        else:
            found.append(test.strength(moved))
    return judged(name, found, test.strength(incident), left_out, "earlier windows of this length")


def placebo_slices(test: DriverTest, own: Shift, slice_: Slice) -> Placebos:
    """The driver in the incident's window, in other slices of the same shape.

    Args:
        test: of the driver.
        own: its shift in the incident.
        slice_: the incident's.
    """
    name = "placebo slices"
    if not slice_.values:
        return untried(name, "the slice is all orders of its hours")
    found: list[Strength] = []
    siblings = siblings_of(test.frame, slice_)
    for rows in siblings:
        track = test.within(rows).track()
        moved = None if track is None else track.shift(test.frame.during)
        if moved is not None:
            found.append(test.strength(moved))
    left_out = len(siblings) - len(found)
    return judged(name, found, test.strength(own), left_out, "other slices of this shape")


def siblings_of(frame: IncidentFrame, slice_: Slice) -> tuple[Flags, ...]:
    """Other slices that fix the same dimensions, those with most orders in the window first, each of shape (rows,)."""
    columns = [frame.rows[name].cat.codes.to_numpy(dtype=np.int64) for name, _ in slice_.values]
    cell = codes(*columns)
    known = np.all([column >= 0 for column in columns], axis=0)
    mine = set(np.unique(cell[frame.inside]).tolist())
    return tuple(
        known & (cell == other) for other in largest(cell, frame.during & known) if other not in mine
    )[:MOST_SLICES]


def largest(group: Ints, rows: Flags) -> tuple[int, ...]:
    """Groups with enough of these rows to be read, the largest first."""
    count = np.bincount(group[rows], minlength=1)
    order = np.lexsort((np.arange(len(count)), -count))
    return tuple(int(one) for one in order if count[one] >= MIN_ORDERS)


def judged(name: str, found: list[Strength], leader: Strength, left_out: int, what: str) -> Placebos:
    """Whether any of them is as strong as the leader."""
    as_strong = sum(one.reaches(leader) for one in found)
    enough = len(found) >= FEWEST
    return Placebos(
        name=name,
        passed=as_strong == 0 if enough else None,
        reason="" if enough else f"{len(found)} {what} can be compared, {FEWEST} are needed",
        n_tested=len(found),
        n_as_strong=as_strong,
        z_strongest=max((one.z for one in found), default=None),
        n_left_out=left_out,
    )


def untried(name: str, reason: str) -> Placebos:
    """A check that could not be made."""
    return Placebos(
        name=name, passed=None, reason=reason, n_tested=0, n_as_strong=0, z_strongest=None, n_left_out=0
    )
