from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from data.localtime import DAY_S, end_of_day_us, offsets

ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Madrid",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
)
YEAR = (int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.integers(*YEAR))
def test_offsets_agree_with_the_zone_rules(zone: str, at: int) -> None:
    expected = datetime.fromtimestamp(at, tz=ZoneInfo(zone)).utcoffset() or timedelta()
    assert offsets(zone, *YEAR).at(at) == expected.total_seconds()


def test_offsets_change_to_the_second() -> None:
    found = offsets("Europe/Madrid", *YEAR)
    changes = [datetime.fromtimestamp(at, tz=UTC) for at in found.starts_s[1:]]
    assert changes == [datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 10, 27, 1, tzinfo=UTC)]


@given(st.integers(0, 20_000), st.sampled_from(ZONES))
def test_end_of_day_is_the_next_local_midnight(day: int, zone: str) -> None:
    end = datetime.fromtimestamp(end_of_day_us(day, [zone]) / 1e6, tz=ZoneInfo(zone))
    assert (end.hour, end.minute, end.second) in {(0, 0, 0), (1, 0, 0), (0, 30, 0)}
    assert (end.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days == day + 1
    assert end_of_day_us(day, ["UTC"]) == (day + 1) * DAY_S * 1_000_000
