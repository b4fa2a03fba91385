"""Planned events in detection: their days do not teach the baseline, and what happens in them is labelled.

An incident is that of a planned event where the event's scope holds its whole slice, it begins within the event's
days, and it ends at most `AFTERMATH_DAYS` after them. It is then shown with the event's name, at low severity:
expected trouble is no emergency, and it is not hidden. One that outlasts the event is an incident like any other.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from data.calendar import PlannedEvent
from data.errors import DataError
from data.mapping import Mapping
from data.slices import Slice
from tools.cube import Stretch

AFTERMATH_DAYS: Final = 1
"""Late parcels, tickets and refunds of the last day come on the next."""


class Planned(NamedTuple):
    """An event as a slice over days, counted from the cube's first."""

    slice: Slice
    first: int
    last: int
    """The day after its last."""
    name: str


def planned(
    events: Iterable[PlannedEvent], mapping: Mapping, *, first_day: int, dimensions: Collection[str]
) -> tuple[Planned, ...]:
    """The events in days since `first_day`, in order of time.

    Raises:
        DataError: an event's scope names a dimension that the data do not have.
    """
    found = []
    for event in events:
        unknown = [name for name, _ in event.scope.values if name not in dimensions]
        if unknown:
            raise DataError(
                f"calendar: the scope of {event.name!r} names {unknown[0]!r}; "
                f"the data have: {', '.join(dimensions)}, hour"
            )
        first, last = event.days(mapping.zone_of(event.scope.get("region")))
        found.append(Planned(event.scope, first - first_day, last - first_day, event.name))
    return tuple(sorted(found, key=lambda one: (one.first, one.last, one.name)))


def event_of(part: Stretch, events: Sequence[Planned]) -> str | None:
    """The name of the event within which a slice went wrong on some days; the first one, where there are several.

    Example:
        >>> sale = Planned(Slice.parse({"region": "SF"}), 3, 5, "Sale")
        >>> event_of(Planned(Slice.parse({"region": "SF", "category": "grocery"}), 4, 6, ""), [sale])
        'Sale'
        >>> event_of(Planned(Slice.parse({"region": "SF"}), 4, 7, ""), [sale]) is None
        True
    """
    for event in events:
        inside = event.first <= part.first < event.last and part.last <= event.last + AFTERMATH_DAYS
        if inside and event.slice.contains(part.slice):
            return event.name
    return None
