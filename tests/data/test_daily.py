from collections.abc import Callable

import pandas as pd

from data.daily import Day, Stretch, begun, days_of, final, stretches, touched
from data.facts import Known
from data.mapping import Family, Mapping

DAY_US = 86_400_000_000


def day(number: int, first: int | None, last: int | None, orders: int = 10) -> Day:
    return Day(number, orders, 5, number * DAY_US, (number + 1) * DAY_US - 1, first, last)


def test_days_of_a_profile_are_summed_over_its_slices() -> None:
    profile = pd.DataFrame(
        {
            "day": [2, 1, 1],
            "region": ["a", "a", "b"],
            "orders": [1, 2, 3],
            "first_us": [9, 5, 4],
            "last_us": [9, 7, 8],
        }
    )
    assert days_of(profile) == [Day(1, 5, 2, 4, 8, None, None), Day(2, 1, 1, 9, 9, None, None)]
    numbered = profile.assign(first_id=[30, 10, 12], last_id=[30, 20, 14])
    assert [(found.first_id, found.last_id) for found in days_of(numbered)] == [(10, 20), (30, 30)]


def test_ids_in_no_order_are_summed_at_once() -> None:
    scattered = [day(n, 0, 1_000) for n in range(6)]
    assert len(stretches(scattered, at_once=10)) == 1
    assert len(stretches([day(n, None, None) for n in range(6)], at_once=10)) == 1
    assert stretches([]) == []


def test_a_day_that_is_large_stands_alone() -> None:
    days = [day(0, 0, 9), day(1, 10, 99, orders=90), day(2, 100, 109)]
    assert [[d.day for d in s.days] for s in stretches(days, at_once=20)] == [[0], [1], [2]]
    assert Stretch(tuple(days)).ids == (0, 109)


def test_a_family_of_outcomes_begins_and_ends_at_its_own_age() -> None:
    days = [day(n, None, None) for n in range(12)]
    known = Known(Mapping(), (), 12 * DAY_US, 0)

    def which(question: Callable[[Day, Family, Known], bool], family: Family) -> list[int]:
        return [one.day for one in days if question(one, family, known)]

    assert which(begun, "delivery") == list(range(12))
    assert which(final, "delivery") == list(range(11))
    assert which(begun, "rating") == list(range(11))
    assert which(final, "rating") == list(range(10))


def test_new_outcomes_touch_the_days_of_their_orders() -> None:
    days = [day(0, 0, 9), day(1, 10, 19), day(2, 20, 29)]
    assert touched(days, (8, 12)) == {0, 1}
    assert touched([day(0, None, None)], (8, 12)) == {0}
