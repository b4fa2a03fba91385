"""Levels against the hour of the week."""

import numpy as np
import pytest

from tools.level_shift import level_shift
from tools.shift import Shift

WEEKDAY_FACTOR = np.array([0.93, 0.93, 0.96, 1.0, 1.1, 1.12, 0.96])


def shifted(*, days: int, incident_days: int, change: float, noise: float, seed: int = 0) -> Shift | None:
    """A level with a rhythm over the day and the week, with daily noise, that changes in its last days."""
    day, hour = np.repeat(np.arange(days), 24), np.tile(np.arange(24), days)
    daily = np.exp(noise * np.random.default_rng(seed).standard_normal(days))
    level = (50.0 + 30.0 * np.sin(hour / 24 * 2 * np.pi)) * WEEKDAY_FACTOR[day % 7] * daily[day]
    during = day >= days - incident_days
    return level_shift(np.where(during, level * (1 + change), level), day=day, kind=hour, during=during)


def test_the_rhythm_of_the_week_is_no_noise() -> None:
    shift = shifted(days=33, incident_days=5, change=-0.12, noise=0.013)

    assert shift is not None
    assert shift.change == pytest.approx(-0.12, abs=0.02)
    assert shift.error < 0.015  # the factors of the weekdays alone would make it .03
    assert shift.z < -8


def test_without_a_change_z_is_about_standard() -> None:
    found = [shifted(days=33, incident_days=4, change=0.0, noise=0.03, seed=seed) for seed in range(200)]
    z = np.array([shift.z for shift in found if shift is not None])

    assert len(z) == 200
    assert abs(float(z.mean())) < 0.2
    assert 0.85 < float(z.std()) < 1.35


def test_with_less_than_three_weeks_weekdays_are_pooled() -> None:
    shift = shifted(days=12, incident_days=2, change=-0.3, noise=0.01)

    assert shift is not None
    assert shift.change == pytest.approx(-0.3, abs=0.1)


@pytest.mark.parametrize("incident_days", [0, 6])
def test_without_both_periods_there_is_nothing_to_compare(incident_days: int) -> None:
    assert shifted(days=6, incident_days=incident_days, change=0.0, noise=0.01) is None
