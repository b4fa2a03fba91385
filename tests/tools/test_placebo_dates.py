import numpy as np
import pytest

from tests.tools.panels import panel
from tools.did import estimate
from tools.errors import ToolFailure
from tools.placebo_dates import placebo_dates


def test_dates_do_not_overlap_and_leave_as_much_before_them() -> None:
    found, in_scope = panel(np.random.default_rng(0), before=28, after=5)
    assert placebo_dates(found, in_scope, window=5).dates.tolist() == [-5, -10, -15, -20]
    assert placebo_dates(found, in_scope, window=9).dates.tolist() == [-9, -18]
    assert placebo_dates(found, in_scope, window=2).dates.tolist() == list(range(-2, -22, -2))


def test_each_effect_is_the_estimate_at_its_date_on_the_days_before_the_change() -> None:
    found, in_scope = panel(np.random.default_rng(1), effect=50.0)
    placebo = placebo_dates(found, in_scope, window=5)
    cells = found.frame()
    for date, effect in zip(placebo.dates.tolist(), placebo.effects.tolist(), strict=True):
        known = cells[cells["time"] < date + 5]
        known = known.assign(on=((known["unit"] < 25) & (known["time"] >= date)).astype(int))
        plain = estimate(known, outcome="y", unit="unit", time="time", treated="on", weights="w")
        assert effect == pytest.approx(plain.effect, abs=1e-10)
    assert placebo.as_large(50.0) == 0.0
    assert placebo.as_large(-0.0) == 1.0


def test_a_trend_shows_at_earlier_dates_too() -> None:
    found, in_scope = panel(np.random.default_rng(2), slope=0.5)
    assert placebo_dates(found, in_scope, window=5).as_large(2.0) == 1.0


def test_too_short_a_past_is_a_reason() -> None:
    found, in_scope = panel(np.random.default_rng(3), before=28, after=12)
    with pytest.raises(ToolFailure, match="28 days before the change hold 1 windows of 12 days"):
        placebo_dates(found, in_scope, window=12)
