"""Does the leader's share of the worsening rest on one part of the slice? Each part is left out in turn.

Where the slice spans several regions these are left out, otherwise the largest stores. What the outcome owes to the
driver, by order, stays as it was fitted on the whole slice; the shifts are those of the orders that are left.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from tools.decomposition import BATCHED, Decomposition, Track, driver_values, track_of
from tools.driver_test import DriverTest
from tools.incident_frame import MIN_ORDERS, Flags, IncidentFrame, Ints
from tools.mechanism_shift import WAIT, explained_share
from tools.placebos import largest
from tools.registry import Result
from tools.shift import Days, Floats, Shift, compare

NAME: Final = "leave one out"
MOST_PARTS: Final = 10
"""The largest ones are left out; smaller ones carry too little to turn anything round."""


class LeftOut(Result):
    """The leader's share of the worsening without each part of the slice in turn."""

    name: str
    passed: bool | None
    """The sign holds whichever part is left out; empty where the slice has one part only."""
    reason: str
    """Why it could not be tried; empty where it was."""
    part: str
    """What was left out: region or store."""
    n_left_out: int
    smallest_share: float | None
    """0 where the worsening itself vanished."""
    largest_share: float | None


class ShareTracks(NamedTuple):
    """Everything that a driver's share of the worsening is computed from, each learned once on the whole slice."""

    own: Track
    """The driver, given its parents."""
    whole: Track
    """The outcome's harm."""
    unbatched: Track
    """The same, of orders carried alone."""
    batched: Track | None
    """The plain share of batched orders, where the driver's share needs it."""
    at_load: Track | None
    """The same at like courier load, where waits need it."""

    @classmethod
    def of(cls, test: DriverTest, own: Track, parts: Decomposition, at_load: Track | None) -> "ShareTracks":
        """The tracks of a driver.

        Args:
            test: of the driver, on the incident's frame.
            own: its track.
            parts: the incident's decomposition.
            at_load: batching at like courier load; None where it is not recorded.
        """
        frame = parts.frame
        through_load = at_load if test.driver == WAIT else None
        plain = test.driver == BATCHED or through_load is not None
        return cls(
            own=own,
            whole=track_of(frame, parts.outcome, frame.inside),
            unbatched=track_of(frame, parts.outcome, frame.inside & parts.alone),
            batched=track_of(frame, driver_values(frame, BATCHED), frame.inside) if plain else None,
            at_load=through_load,
        )


class Shifts(NamedTuple):
    """The shifts of the tracks over some orders; None with too few of them."""

    own: Shift | None
    whole: Shift | None
    unbatched: Shift | None
    batched: Shift | None
    at_load: Shift | None

    def share(self, parts: Decomposition, driver: str) -> float | None:
        """The driver's share of the worsening of these orders; 0 where they did not get worse."""
        if self.own is None or self.whole is None:
            return None
        if self.whole.change <= 0:
            return 0.0
        left = replace(parts, whole=self.whole, unbatched=self.unbatched)
        share = explained_share(left, driver, self.own, batched=self.batched, at_load=self.at_load)
        return float(np.clip(share, -1.0, 2.0))


def leave_one_out(tracks: ShareTracks, parts: Decomposition, driver: str) -> LeftOut:
    """The leader's share without each region, or else each store.

    Args:
        tracks: of the driver.
        parts: the incident's decomposition.
        driver: as `mechanism_shift` names it.
    """
    frame = parts.frame
    name, group = _parts_of(frame)
    chosen = largest(group, frame.inside & frame.during)[:MOST_PARTS] if name else ()
    if len(chosen) < 2:
        return nothing_left_out("one region, and fewer than two stores with enough orders")
    shares = [each.share(parts, driver) for each in _without(tracks, frame, group, chosen)]
    known = [share for share in shares if share is not None]
    if not known:
        return nothing_left_out(f"without any {name} too few orders are left")
    return LeftOut(
        name=NAME,
        passed=min(known) > 0,
        reason="",
        part=name,
        n_left_out=len(known),
        smallest_share=min(known),
        largest_share=max(known),
    )


def nothing_left_out(reason: str) -> LeftOut:
    """A check that could not be made."""
    return LeftOut(
        name=NAME, passed=None, reason=reason, part="", n_left_out=0, smallest_share=None, largest_share=None
    )


def _parts_of(frame: IncidentFrame) -> tuple[str, Ints]:
    """What the slice is made of, and its code by row; no name where nothing is recorded."""
    if "region" in frame.rows:
        region = np.asarray(frame.rows["region"].cat.codes.to_numpy(dtype=np.int64) + 1, dtype=np.int64)
        if len(largest(region, frame.inside & frame.during)) > 1:
            return "region", region
    return ("", np.zeros(len(frame.rows), dtype=np.int64)) if frame.store is None else ("store", frame.store)


def _without(
    tracks: ShareTracks, frame: IncidentFrame, group: Ints, chosen: tuple[int, ...]
) -> Iterator[Shifts]:
    sums = [None if track is None else GroupSums.of(track, group, frame.during) for track in tracks]
    for one in chosen:
        yield Shifts(*(None if each is None else each.without(one) for each in sums))


@dataclass(frozen=True)
class GroupSums:
    """A track added up by group and day, before and during the incident, so that any group can be taken away."""

    before: Floats
    """Orders, residuals and their squares, shape (3, groups, days)."""
    after: Floats

    @classmethod
    def of(cls, track: Track, group: Ints, during: Flags) -> "GroupSums":
        """Add a track up.

        Args:
            track: what is added up.
            group: of each row of its frame, shape (rows,).
            during: the incident's rows, shape (rows,).
        """
        codes, mine = group[track.rows], during[track.rows]
        day = track.day - track.day.min() if len(track.day) else track.day
        shape = (int(group.max(initial=0)) + 1, int(day.max(initial=0)) + 1)
        # Around zero, squares lose nothing to the size of the values.
        values = track.residuals - (track.residuals.mean() if len(track.residuals) else 0.0)
        before, after = (_sums(codes[one] * shape[1] + day[one], values[one], shape) for one in (~mine, mine))
        return cls(before, after)

    def without(self, group: int) -> Shift | None:
        """Shift over the orders of all other groups; None with too few of them."""
        before, after = (_days(sums.sum(axis=1) - sums[:, group]) for sums in (self.before, self.after))
        if min(before.counts.sum(), after.counts.sum()) < MIN_ORDERS:
            return None
        return compare(before, after)


def _sums(cell: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    size = shape[0] * shape[1]
    parts = [np.bincount(cell, weights=values**power, minlength=size) for power in (0, 1, 2)]
    return np.stack([part.reshape(shape) for part in parts])


def _days(sums: Floats) -> Days:
    """Days of added-up values, as `tools.shift.summarise` makes them."""
    kept = sums[0] > 0.5
    count, total, squares = (np.asarray(part[kept]) for part in sums)
    means = total / count
    spread = max(float((squares - count * means**2).sum()), 0.0)
    return Days(count, means, spread / max(1.0, float(count.sum()) - len(count)))
