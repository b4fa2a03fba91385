import numpy as np
import pytest

from tools.drivers import explain


def test_linear_shap_equals_the_closed_form_on_the_whole_baseline() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([rng.gamma(2, 150, 4000), rng.normal(800, 90, 4000), rng.random(4000) < 0.3])
    during = np.arange(4000) >= 3200
    design[during, 0] += 120
    score = 0.008 * (design[:, 0] - 300) + 0.004 * (design[:, 1] - 800) - 2.0
    failed = (rng.random(4000) < 1 / (1 + np.exp(-score))).astype(float)
    found = explain(design, failed, during)
    scaled = (design - design.mean(axis=0)) / design.std(axis=0)
    closed = found.model.coefficients * (scaled[during] - scaled[~during].mean(axis=0))
    assert np.abs(found.values - closed).max() < 1e-9
    change = found.model.log_odds(scaled[during]).mean() - found.model.log_odds(scaled[~during]).mean()
    assert found.values.sum(axis=1).mean() == pytest.approx(change, abs=1e-9)
