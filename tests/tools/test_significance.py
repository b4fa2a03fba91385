import numpy as np
import pytest

from tools.significance import predictive_mid_p


def test_mid_p_of_a_plain_binomial() -> None:
    """Without over-dispersion and with an endless history it is the binomial's mid-p."""
    from scipy.stats import binom

    one = np.ones(1)
    found = predictive_mid_p(14 * one, 100 * one, 0.08 * one, phi=one, history=1e12 * one)
    assert found[0] == pytest.approx(binom.sf(14, 100, 0.08) + 0.5 * binom.pmf(14, 100, 0.08), rel=1e-3)
