from datetime import date

import pytest

from data.calendar import PlannedEvent
from data.errors import DataError
from data.mapping import Mapping
from data.slices import Slice
from tools.cube import Part
from tools.planned_events import event_of, planned

SF = {"region": "SF"}
DIMENSIONS = ("region", "category")
FIRST = (date(2026, 11, 1) - date(1970, 1, 1)).days


def event(
    name: str = "Sale", start: int = 10, end: int = 12, scope: dict[str, str] | None = None
) -> PlannedEvent:
    return PlannedEvent(
        kind="promotion",
        name=name,
        scope=Slice.parse(SF if scope is None else scope),
        start=date(2026, 11, start),
        end=date(2026, 11, end),
    )


def label(first: int, last: int, where: dict[str, str], *events: PlannedEvent) -> str | None:
    known = planned(events or (event(),), Mapping(), first_day=FIRST, dimensions=DIMENSIONS)
    return event_of(Part(Slice.parse(where), first, last), known)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(9, 12, "Sale"), (10, 11, "Sale"), (11, 13, "Sale"), (11, 14, None), (8, 10, None), (12, 13, None)],
)
def test_an_incident_within_the_days_is_the_events(first: int, last: int, expected: str | None) -> None:
    """The sale runs from day 9 to day 11, counted from the first of November."""
    assert label(first, last, SF) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SF | {"category": "grocery"}, "Sale"),
        ({}, None),
        ({"region": "NYC"}, None),
        ({"category": "grocery"}, None),
    ],
)
def test_only_the_scope_is_excused(where: dict[str, str], expected: str | None) -> None:
    assert label(9, 11, where) == expected


def test_the_first_of_several_events_names_it() -> None:
    assert label(10, 11, SF, event("B", 11, 12), event("A", 10, 12)) == "A"


def test_a_scope_of_unknown_dimensions_is_refused() -> None:
    with pytest.raises(DataError, match=r"'Sale' names 'city'; the data have: region, category, hour"):
        planned([event(scope={"city": "SF"})], Mapping(), first_day=FIRST, dimensions=DIMENSIONS)
