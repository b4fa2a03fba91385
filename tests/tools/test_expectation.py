import numpy as np
import pytest

from tools.expectation import expected_rates, over_dispersion


def test_a_cell_without_a_past_gets_its_main_effects() -> None:
    city, kind = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    trials, harm = np.array([1e5, 1e5, 1e5, 0.0]), np.array([1e4, 2e4, 2e4, 0.0])
    assert expected_rates(trials, harm, [city, kind])[3] == pytest.approx(0.4, rel=0.02)


def test_a_cell_with_a_long_past_keeps_its_own() -> None:
    city, kind = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    trials, harm = np.full(4, 1e6), np.array([1e5, 1e5, 1e5, 3e5])
    assert expected_rates(trials, harm, [city, kind]) == pytest.approx([0.1, 0.1, 0.1, 0.3], rel=1e-3)


def test_no_past_at_all_expects_nothing() -> None:
    assert expected_rates(np.zeros(2), np.zeros(2), [np.array([0, 1])]).tolist() == [0.0, 0.0]


def test_chance_alone_has_no_over_dispersion() -> None:
    rng = np.random.default_rng(0)
    seen = rng.binomial(200, 0.1, 5000).astype(float)
    phi = over_dispersion(seen, np.full(5000, 20.0), np.full(5000, 18.0))
    assert phi == pytest.approx(1.0, abs=0.06)
    assert over_dispersion(np.zeros(0), np.zeros(0), np.zeros(0)) == 1.0
