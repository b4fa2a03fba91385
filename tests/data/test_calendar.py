from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from data.calendar import load, parse
from data.errors import DataError
from data.slices import ALL_ORDERS, Slice

WHOLE = """
events:
  - kind: promotion
    name: Grocery week
    scope: {region: SF, category: grocery, hour: {from: 17, to: 21}}
    start: 2026-11-23
    end: 2026-11-29
    note: leaflet
  - {kind: strike, name: Night strike, start: 2026-12-01T22:00:00-08:00, end: 2026-12-02T06:00:00-08:00}
"""


def test_dates_and_times_are_read() -> None:
    week, strike = parse(WHOLE)
    assert (week.start, week.end, week.note) == (date(2026, 11, 23), date(2026, 11, 29), "leaflet")
    assert week.scope == Slice.parse({"region": "SF", "category": "grocery", "hour": {"from": 17, "to": 21}})
    assert strike.scope == ALL_ORDERS
    assert strike.start == datetime(2026, 12, 2, 6, tzinfo=UTC)


def test_days_are_local_and_the_last_date_belongs_to_it() -> None:
    week, strike = parse(WHOLE)
    first = (date(2026, 11, 23) - date(1970, 1, 1)).days
    assert week.days("America/Los_Angeles") == week.days("Asia/Tokyo") == (first, first + 7)
    assert strike.days("America/Los_Angeles") == (first + 8, first + 10)
    assert strike.days("UTC") == (first + 9, first + 10)


def test_a_time_of_midnight_ends_the_day_before() -> None:
    (event,) = parse(
        "events: [{kind: sale, name: S, start: 2026-12-01T00:00:00Z, end: 2026-12-02T00:00:00Z}]"
    )
    assert event.days("UTC") == (20788, 20789)


EVENT = "kind: holiday, name: H, start: 2026-12-25, end: 2026-12-26"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a calendar holds `events:`"),
        ("- a", "a calendar holds `events:`"),
        ("events: [", "not valid YAML"),
        ("events: [{kind: holiday, start: 2026-12-25, end: 2026-12-25}]", "events.0.name: Field required"),
        (f"events: [{{{EVENT}, colour: red}}]", "events.0.colour: Extra inputs"),
        ("events: [{kind: Holiday!, name: H, start: 2026-12-25, end: 2026-12-25}]", "events.0.kind"),
        (
            "events: [{kind: holiday, name: H, start: 2026-12-26, end: 2026-12-25}]",
            "does not lie after start",
        ),
        (
            "events: [{kind: holiday, name: H, start: 2026-12-25T10:00:00, end: 2026-12-25T12:00:00}]",
            "has no zone; write 2026-12-25T10:00:00Z",
        ),
        (
            "events: [{kind: holiday, name: H, start: 2026-12-25, end: 2026-12-26T12:00:00Z}]",
            "both be dates, or both be times",
        ),
        ("events: [{kind: holiday, name: H, start: 2026-13-45, end: 2026-12-26}]", "events.0.start|YAML"),
        (f"events: [{{{EVENT}, scope: {{hour: {{from: 5, to: 5}}}}}}]", "hour range 5 to 5 is empty"),
        (f"events: [{{{EVENT}}}, {{{EVENT}}}]", "two events are called 'H'"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        parse(text, origin="cal.yaml")
    assert str(caught.value).startswith("cal.yaml: ")


def test_an_absent_file_is_unusable_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such calendar file"):
        load(tmp_path / "cal.yaml")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "cal.yaml").write_text(WHOLE)
    assert len(load(tmp_path / "cal.yaml")) == 2
