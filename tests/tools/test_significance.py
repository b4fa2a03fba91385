import numpy as np
import pytest

from tools.significance import predictive_mid_p

ALPHA = 0.0062
"""One-sided size of the classic threshold of 2.5."""


def _rejection(
    *, n: int, p: float, rho: float, days: int, rng: np.random.Generator, runs: int = 20_000
) -> float:
    """How often a period without any change is rejected, the baseline and phi learned from `days` periods."""

    def draw(size: int | tuple[int, int]) -> np.ndarray:
        if not rho:
            return rng.binomial(n, p, size).astype(float)
        total = 1 / rho - 1
        return rng.binomial(n, rng.beta(p * total, (1 - p) * total, size)).astype(float)

    past, now = draw((runs, days)), draw(runs)
    rate = (past.sum(axis=1) + 30 * p) / (n * days + 30)
    phi_pool = 1 + (n - 1) * rho
    own = ((past - n * rate[:, None]) ** 2 / (n * rate * (1 - rate))[:, None]).sum(axis=1) / (days - 1)
    weight = days / (days + 30)
    phi = np.maximum(weight * own + (1 - weight) * phi_pool, 1.0)
    trials = np.full(runs, float(n))
    return float(np.mean(predictive_mid_p(now, trials, rate, phi=phi, history=trials * days) < ALPHA))


@pytest.mark.parametrize("n", [20, 60, 300])
@pytest.mark.parametrize("p", [0.03, 0.08])
@pytest.mark.parametrize("rho", [0.0, 0.01])
@pytest.mark.parametrize("days", [8, 28])
def test_mid_p_keeps_its_size_without_a_change(n: int, p: float, rho: float, days: int) -> None:
    rng = np.random.default_rng([n, int(100 * p), int(100 * rho), days])
    assert 0.003 <= _rejection(n=n, p=p, rho=rho, days=days, rng=rng) <= 0.010


def test_mid_p_of_a_plain_binomial() -> None:
    """Without over-dispersion and with an endless history it is the binomial's mid-p."""
    from scipy.stats import binom

    one = np.ones(1)
    found = predictive_mid_p(14 * one, 100 * one, 0.08 * one, phi=one, history=1e12 * one)
    assert found[0] == pytest.approx(binom.sf(14, 100, 0.08) + 0.5 * binom.pmf(14, 100, 0.08), rel=1e-3)
