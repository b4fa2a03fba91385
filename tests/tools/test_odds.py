import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from tools.odds import raise_odds
from tools.significance import log_likelihood_ratio

CELLS = st.lists(st.tuples(st.integers(1, 200), st.floats(0.001, 0.95)), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(CELLS, st.floats(0.01, 0.99))
def test_expectations_reach_the_total_and_stay_possible(cells: list[tuple[int, float]], part: float) -> None:
    trials = np.array([float(n) for n, _ in cells])
    expected = trials * np.array([p for _, p in cells])
    total = part * float(trials.sum())
    raised = raise_odds(expected, trials, total)
    assert raised.expected.sum() == pytest.approx(total, rel=1e-9)
    assert (raised.expected >= 0).all()
    assert (raised.expected <= trials * (1 + 1e-12)).all()


def test_score_is_the_largest_likelihood_over_all_factors() -> None:
    trials, share = np.array([50.0, 80.0, 20.0]), np.array([0.02, 0.1, 0.4])
    total = 30.0

    def loss(log_factor: float) -> float:
        inner = np.log(1 - share + np.exp(log_factor) * share)
        return float(np.sum(trials * inner) - total * log_factor)

    best = optimize.minimize_scalar(loss, bounds=(0, 5), method="bounded", options={"xatol": 1e-10})
    assert raise_odds(trials * share, trials, total).score == pytest.approx(-float(best.fun), rel=1e-9)


def test_with_equal_rates_it_is_the_plain_ratio() -> None:
    trials = np.array([60.0, 40.0])
    plain = log_likelihood_ratio(np.array([20.0]), np.array([10.0]), np.array([100.0]))
    assert raise_odds(trials * 0.1, trials, 20.0).score == pytest.approx(float(plain[0]))


def test_fewer_than_expected_has_no_score() -> None:
    raised = raise_odds(np.array([10.0]), np.array([100.0]), 5.0)
    assert raised.score == 0.0
    assert raised.factor < 1


@pytest.mark.parametrize("total", [0.0, 100.0])
def test_none_and_all_are_possible(total: float) -> None:
    raised = raise_odds(np.array([10.0, 5.0]), np.array([60.0, 40.0]), total)
    assert raised.expected.sum() == pytest.approx(total)


def test_cells_without_expectation_share_by_trials() -> None:
    raised = raise_odds(np.zeros(2), np.array([60.0, 40.0]), 10.0)
    assert raised.expected.tolist() == [6.0, 4.0]
