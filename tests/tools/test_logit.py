import numpy as np
import pytest

from tools.logit import fit, sigmoid


def test_fit_agrees_with_an_independent_solver() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (2000, 3))
    y = (rng.random(2000) < sigmoid(-1 + x @ np.array([0.5, -1.0, 0.0]))).astype(float)
    ours = fit(x, y, ridge=1.0)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(x, y)
    assert ours.coefficients == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-5)


def test_fit_stays_finite_on_separable_data() -> None:
    x = np.array([[-1.0], [-2.0], [1.0], [2.0]])
    model = fit(x, np.array([0.0, 0.0, 1.0, 1.0]), ridge=0.1)
    assert np.isfinite(model.coefficients).all()
    assert model.probability(x)[3] > 0.8


def test_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e6, 1e6])).tolist() == [0.0, 1.0]
