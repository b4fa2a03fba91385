"""When an incident is fixed, and which condition fails where it is not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.incidents import Point
from tools.resolution import MeasuredEffect, Resolution, resolve

START = datetime(2026, 2, 2, tzinfo=UTC)
HELPED = MeasuredEffect(estimate=2.4, low=0.9, high=3.9, read_at=START)


def _days(inside: list[bool | None]) -> list[Point]:
    return [
        Point(
            t=START + timedelta(days=n),
            value=None if good is None else 88.0 if good else 79.0,
            expected=88.0,
            low=85.0,
            high=91.0,
            orders=500,
        )
        for n, good in enumerate(inside)
    ]


def _resolve(
    inside: list[bool | None], effect: MeasuredEffect | None = HELPED, rolled_out: datetime | None = START
) -> Resolution:
    return resolve(
        _days(inside), rolled_out=rolled_out, effect=effect, as_of=START + timedelta(days=len(inside))
    )


def _failing(found: Resolution) -> dict[str, datetime | None]:
    return {c.name: c.since for c in found.conditions if not c.met}


def test_seven_days_inside_and_an_effect_above_zero_are_fixed() -> None:
    found = _resolve([False, *[True] * 7])
    assert (found.closed_as, found.days_inside) == ("fixed", 7)
    assert {c.name: c.since for c in found.conditions}["inside_band"] == START + timedelta(days=1)


@pytest.mark.parametrize(
    ("inside", "since"),
    [
        ([True] * 6, None),
        ([True] * 6 + [False], 6),
        ([True, False, False, True, True], 1),
        ([True] * 5 + [None] + [True] * 6, 5),
    ],
)
def test_too_few_days_inside_are_not(inside: list[bool | None], since: int | None) -> None:
    found = _resolve(inside)
    assert found.closed_as is None
    assert _failing(found) == {"inside_band": None if since is None else START + timedelta(days=since)}
    assert "more days inside" in found.next_step


def test_a_missing_day_breaks_the_row() -> None:
    points = _days([True] * 9)
    del points[5]
    found = resolve(points, rolled_out=START, effect=HELPED, as_of=START + timedelta(days=9))
    assert (found.closed_as, found.days_inside) == (None, 3)


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (None, "may have recovered by itself"),
        (MeasuredEffect(estimate=1.0, low=-0.1, high=2.1, read_at=START), "does not rule out none"),
        (MeasuredEffect(estimate=1.0, low=0.0, high=2.0, read_at=START), "does not rule out none"),
    ],
)
def test_recovery_without_a_proven_effect_is_not_a_fix(effect: MeasuredEffect | None, words: str) -> None:
    found = _resolve([True] * 7, effect)
    assert found.closed_as is None
    assert set(_failing(found)) == {"effect_above_zero"}
    assert words in found.conditions[2].text


def test_nothing_counts_before_the_roll_out_or_after_the_as_of_time() -> None:
    days = _days([True] * 20)
    later = START + timedelta(days=14)
    found = resolve(days, rolled_out=later, effect=HELPED, as_of=START + timedelta(days=20))
    assert (found.closed_as, found.days_inside) == (None, 6)
    none = _resolve([True] * 20, rolled_out=None)
    assert set(_failing(none)) == {"full_rollout", "inside_band"}
    assert none.next_step.startswith("Bring the action to all orders")


def test_a_roll_out_beyond_the_data_is_waited_for() -> None:
    found = _resolve([True] * 7, rolled_out=START + timedelta(days=7))
    assert "from 2026-02-09 00:00 UTC on, which lies beyond the data" in found.conditions[0].text
    assert found.next_step == "Wait for data from after the roll-out."


@given(st.lists(st.sampled_from([True, False, None]), max_size=20))
def test_fixed_means_that_the_newest_seven_days_were_inside(inside: list[bool | None]) -> None:
    assert (_resolve(inside).closed_as == "fixed") == (
        len(inside) >= 7 and all(d is True for d in inside[-7:])
    )
