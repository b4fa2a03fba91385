"""Windows on the calendar, across zones, midnight and clock changes."""

import pandas as pd
import pytest

from data.mapping import Mapping
from data.slices import Slice
from tools.buckets import local_day
from tools.switch_windows import END, START, calendar, place, window_of

MAPPING = Mapping(zones={"NYC": "America/New_York", "LA": "America/Los_Angeles"})
NIGHT = Slice.parse({"hour": {"from": 23, "to": 4}})


def _first(day: str) -> int:
    return local_day(MAPPING, "NYC", pd.Timestamp(f"{day}T12:00Z").to_pydatetime())


def test_windows_follow_the_local_clock() -> None:
    windows = calendar(
        Slice.parse({"hour": {"from": 18, "to": 20}}),
        2,
        regions=("NYC", "LA"),
        mapping=MAPPING,
        first_day=_first("2026-02-03"),
        days=1,
    )
    assert windows["region"].tolist() == ["NYC", "LA"]
    assert windows[START].dt.hour.tolist() == [23, 2]
    assert (windows[END] - windows[START]).tolist() == [pd.Timedelta(hours=2)] * 2


def test_windows_past_midnight_belong_to_the_evening_before() -> None:
    orders = pd.DataFrame({"day": [10, 11, 11, 11], "hour": [23, 0, 1, 23]})
    placed = place(orders, NIGHT, 2)
    assert placed["day"].tolist() == [10, 10, 11, 11]
    assert placed["position"].tolist() == [23, 23, 1, 23]


def test_a_day_that_loses_an_hour_has_a_shorter_window() -> None:
    windows = calendar(Slice(), 4, regions=("NYC",), mapping=MAPPING, first_day=_first("2026-03-08"), days=1)
    assert len(windows) == 6
    assert (windows[END] - windows[START]).dt.total_seconds().tolist() == [10_800, *[14_400] * 5]


@pytest.mark.parametrize("regions", [("NYC", "LA"), (None,)])
def test_orders_find_their_window(regions: tuple[str | None, ...]) -> None:
    windows = calendar(NIGHT, 2, regions=regions, mapping=MAPPING, first_day=_first("2026-02-03"), days=2)
    inside = pd.DataFrame(
        {"order_time": windows[START] + pd.Timedelta(minutes=7), "region": windows.get("region", "NYC")}
    )
    shuffled = inside.sample(frac=1, random_state=3)
    assert window_of(shuffled, windows).to_dict() == {n: n for n in range(len(windows))}
    outside = inside.assign(order_time=inside["order_time"] + pd.Timedelta(hours=12))
    assert set(window_of(outside, windows)) == {-1}
