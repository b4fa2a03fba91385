"""Two series that share nothing but the time of day do not lead each other; one that follows another does."""

import numpy as np
import pytest
from scipy.signal import lfilter

from tests.tools.worlds import case
from tools.errors import ToolFailure
from tools.lag_correlation import ALPHA, Floats, LagCorrelationResult, hourly, lead
from tools.registry import REGISTRY, ToolContext

HOURS = 28 * 24
SEASON = np.arange(HOURS) % 24
RHYTHM = 2 * np.sin(2 * np.pi * np.arange(HOURS) / 24)


def wandering(rng: np.random.Generator) -> Floats:
    """A series that remembers its last hour, with a daily rhythm."""
    return np.asarray(lfilter([1.0], [1.0, -0.6], rng.normal(size=HOURS)) + RHYTHM, dtype=np.float64)


@pytest.mark.slow
def test_unrelated_series_rarely_lead_each_other() -> None:
    """The limit is that of 2,000 runs; without taking out rhythm and memory every run would be a find."""
    rng = np.random.default_rng(20)
    found = [lead(wandering(rng), wandering(rng), SEASON) for _ in range(2_000)]
    assert np.mean([one is not None and one.p <= ALPHA for one in found]) <= 0.08
    assert np.mean([np.corrcoef(wandering(rng), wandering(rng))[0, 1] > 0.15 for _ in range(100)]) > 0.9


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_a_series_that_follows_is_found_at_its_lag(lag: int) -> None:
    rng = np.random.default_rng(lag)
    driver = wandering(rng)
    outcome = 0.5 * np.roll(driver - RHYTHM, lag) + wandering(rng)
    found = lead(driver, outcome, SEASON)
    assert found is not None
    assert found.lag == lag
    assert found.correlation > 0.2
    assert found.p < 1e-6


def test_what_goes_the_other_way_does_not_lead() -> None:
    rng = np.random.default_rng(3)
    driver = wandering(rng)
    found = lead(driver, -driver + wandering(rng), SEASON)
    assert found is not None
    assert found.p > ALPHA


def test_a_gap_is_left_out_and_too_little_is_not_tested() -> None:
    rng = np.random.default_rng(4)
    driver, outcome = wandering(rng), wandering(rng)
    driver[100:200] = np.nan
    found = lead(driver, driver + outcome, SEASON)
    assert found is not None
    assert found.pairs < HOURS - 100
    assert lead(driver[:120], outcome[:120], SEASON[:120]) is None


def test_an_hour_with_few_orders_says_nothing() -> None:
    hour = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    values = np.array([1.0, 2.0, 3.0, 9.0, 9.0, 4.0, np.nan, 6.0])
    assert np.isnan(hourly(values, hour, np.ones(8, dtype=bool))[1:]).all()
    assert hourly(values, hour, np.ones(8, dtype=bool))[0] == 2.0


def test_the_tool_answers_on_a_world() -> None:
    found = case("courier_supply")
    window = found.incident.window
    span = {"slice": found.incident.slice, "start": window.start, "end": window.end, "metric": "on_time"}
    context = ToolContext(found.dataset)
    result = REGISTRY["lag_correlation"].call(context, {**span, "driver": "dasher_wait_s"})
    assert isinstance(result, LagCorrelationResult)
    assert result.leads
    assert 0 <= result.best_lag_s <= 12 * 3600
    with pytest.raises(ToolFailure, match="no series of its own"):
        REGISTRY["lag_correlation"].call(context, {**span, "driver": "unexplained"})
