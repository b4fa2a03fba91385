"""Orders are put in order of risk where the risk bends, and bins lie where there is something to tell."""

import numpy as np
import pytest

from tools.risk_score import RiskScore, equal_variance


@pytest.fixture(scope="module")
def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    return {
        "wait_s": rng.gamma(2.0, 200.0, 8_000),
        "prep_s": rng.normal(900.0, 200.0, 8_000),
        "promise_s": rng.normal(1_300.0, 250.0, 8_000),
    }


def lateness(columns: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(columns["wait_s"] + columns["prep_s"] - columns["promise_s"])


def test_too_early_is_as_risky_as_too_late(columns: dict[str, np.ndarray]) -> None:
    late = lateness(columns)
    failed = (np.abs(late) > 500).astype(np.float64)
    score = RiskScore.fit(columns, failed).of(columns)
    order = np.argsort(score)
    riskiest = order[-int(failed.sum()) :]
    assert failed[riskiest].mean() > 0.95
    assert (late[riskiest] < -500).any()
    assert (late[riskiest] > 500).any()


def test_a_column_that_never_varies_is_left_out(columns: dict[str, np.ndarray]) -> None:
    failed = (lateness(columns) > 300).astype(np.float64)
    still = {**columns, "distance": np.full(8_000, 2.0)}
    score = RiskScore.fit(still, failed)
    assert score.names == ("wait_s", "prep_s", "promise_s")
    assert score.of(still) == pytest.approx(RiskScore.fit(columns, failed).of(columns))


def test_without_any_column_all_orders_are_alike() -> None:
    failed = np.array([1.0, 0.0, 0.0, 0.0])
    still = {"distance": np.ones(4)}
    assert RiskScore.fit(still, failed).of(still) == pytest.approx(np.full(4, np.log(1 / 3)))


def test_bins_hold_like_variance() -> None:
    rng = np.random.default_rng(5)
    log_odds = np.concatenate([rng.normal(-5, 1, 9_000), rng.normal(1, 2, 1_000)])
    edges = equal_variance(log_odds, 10)
    p = 1 / (1 + np.exp(-log_odds))
    held = np.bincount(np.searchsorted(edges, log_odds, side="right"), weights=p * (1 - p))
    assert len(held) == 10
    assert held / held.sum() == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_squares_and_products_that_the_data_do_not_ask_for_are_left_out() -> None:
    rng = np.random.default_rng(5)
    columns = {name: rng.normal(size=20_000) for name in ("prep_s", "wait_s")}
    plain = columns["prep_s"] + 0.5 * columns["wait_s"]
    straight = RiskScore.fit(columns, (rng.random(20_000) < 1 / (1 + np.exp(-plain))).astype(np.float64))
    assert not straight.quadratic.any()
    bent = plain + columns["prep_s"] * columns["wait_s"]
    both = RiskScore.fit(columns, (rng.random(20_000) < 1 / (1 + np.exp(-bent))).astype(np.float64))
    assert np.flatnonzero(both.quadratic).tolist() == [1]
    assert both.quadratic[0, 1] > 0.8
