import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.looks import LEAST_DAYS, cost_of_looking, schedule
from tools.sequential import spending_boundaries


@given(days=st.integers(LEAST_DAYS, 400))
@settings(deadline=None)
def test_looks_rise_end_with_the_plan_and_never_come_in_the_first_week(days: int) -> None:
    looks = schedule(days)
    when = [look.day for look in looks]
    assert when == sorted(set(when))
    assert when[0] >= LEAST_DAYS
    assert when[-1] == days
    assert len(looks) <= 5
    assert len(looks) >= 3 or days < LEAST_DAYS + 2
    assert looks[-1].alpha_spent == pytest.approx(0.05)


def test_weekly_looks_carry_the_bounds_of_their_spending() -> None:
    looks = schedule(28)
    assert [look.day for look in looks] == [7, 14, 21, 28]
    assert [look.z_bound for look in looks] == pytest.approx(spending_boundaries([0.25, 0.5, 0.75, 1.0]))
    assert [round(look.alpha_spent, 5) for look in looks] == [0.00009, 0.00557, 0.02363, 0.05]
    # A bound in p that says the same as the bound in z: 1.96 and .05.
    assert schedule(LEAST_DAYS)[0].p_bound == pytest.approx(0.05)


@pytest.mark.parametrize("days", [7, 8, 9, 14, 21, 28, 35, 60])
def test_looking_costs_a_few_hundredths_of_the_units(days: int) -> None:
    assert 0.999 < cost_of_looking(schedule(days)) < 1.05


def test_less_than_a_week_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 7"):
        schedule(6)
