"""The start of a step: probabilities that are calibrated, and the order of two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tools.step_posterior import SPREAD, no_later, step_posterior

SCORES = arrays(np.float64, st.integers(1, 12), elements=st.floats(-8, 12))


@given(SCORES)
def test_probabilities_sum_to_one(z: np.ndarray) -> None:
    p = step_posterior(z)
    assert p.shape == (len(z) + 1,)
    assert p.sum() == pytest.approx(1.0)
    assert (p >= 0).all()


def test_one_period_is_the_bayes_factor_by_hand() -> None:
    """A normal height of spread 4 cut to the positive half, by numerical integration."""
    z, grid = 2.5, np.linspace(0, 60, 400_001)
    prior = 2 * np.exp(-((grid / SPREAD) ** 2) / 2) / (SPREAD * np.sqrt(2 * np.pi))
    likelihood = np.exp(-((z - grid) ** 2) / 2 + z**2 / 2)
    factor = float(np.trapezoid(prior * likelihood, grid))
    assert step_posterior(np.array([z])) == pytest.approx([factor / (1 + factor), 1 / (1 + factor)], rel=1e-5)


def test_its_probabilities_are_as_often_right_as_they_say() -> None:
    """Steps drawn from the prior: of starts that are given p, p of all are the true one."""
    rng = np.random.default_rng(0)
    said, right = [], []
    for _ in range(4_000):
        z, start = rng.standard_normal(8), int(rng.integers(0, 16))
        if start < 8:
            z[start:] += abs(rng.normal(0, SPREAD))
        p = step_posterior(z)
        said.append(p)
        right.append(np.arange(9) == min(start, 8))
    p, hit = np.concatenate(said), np.concatenate(right)
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 0.9), (0.9, 1.0)):
        chosen = (p >= low) & (p < high)
        assert hit[chosen].mean() == pytest.approx(p[chosen].mean(), abs=0.03)


def test_the_order_of_two_steps() -> None:
    early, late = (step_posterior(np.where(np.arange(8) >= k, 5.0, 0.0)) for k in (2, 5))
    assert no_later(early, late) > 0.99
    assert no_later(late, early) < 0.01
    assert no_later(early, early) > 0.5, "at once counts as no later"
