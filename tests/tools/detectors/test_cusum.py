from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.detectors.cusum import BernoulliCusum, Cusum


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_path_is_the_recursion(z: list[float]) -> None:
    height, expected = 0.0, []
    for value in z:
        height = max(0.0, height + value - 0.5)
        expected.append(height)
    assert Cusum().path(np.array(z)) == pytest.approx(expected, abs=1e-9)


def test_bernoulli_notices_a_small_shift_that_stays() -> None:
    rng = np.random.default_rng(3)
    trials = np.full(60, 300.0)
    good = rng.binomial(300, 0.08, 60).astype(float)
    worse = np.concatenate([good[:30], rng.binomial(300, 0.10, 30).astype(float)])
    chart = BernoulliCusum(ratio=1.3)
    rate = np.full(60, 0.08)
    assert chart.path(worse, trials, rate)[-1] > 3 * max(chart.path(good, trials, rate).max(), 1.0)


def test_bernoulli_divides_evidence_by_the_over_dispersion() -> None:
    harm, trials, rate = np.array([20.0]), np.array([100.0]), np.array([0.1])
    plain = BernoulliCusum().path(harm, trials, rate)
    assert BernoulliCusum().path(harm, trials, rate, phi=2.0) == pytest.approx(plain / 2)


@pytest.mark.parametrize("make", [lambda: Cusum(limit=0), lambda: BernoulliCusum(ratio=1.0)])
def test_senseless_settings_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()
