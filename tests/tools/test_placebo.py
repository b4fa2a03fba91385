import numpy as np
import pytest

from tools.placebo import placebo_test


def table(
    rng: np.random.Generator, *, effect: float = 0.0, cells: int = 8, periods: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    count = rng.poisson(120, (cells, periods)).astype(float)
    rate = np.clip(0.1 + rng.normal(0, 0.02, (cells, periods)), 0.01, 0.9)
    rate[1, -2:] += effect
    return rng.binomial(count.astype(int), rate).astype(float), count


@pytest.mark.slow
def test_placebo_rejects_a_true_null_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    found = [placebo_test(*table(rng), treated=1, window=2) for _ in range(2_000)]
    assert np.mean([one is not None and one.p <= 0.05 for one in found]) <= 0.06


def test_placebo_sees_a_large_effect() -> None:
    rng = np.random.default_rng(2)
    found = [placebo_test(*table(rng, effect=0.12), treated=1, window=2) for _ in range(40)]
    assert sum(f is not None and f.p <= 0.05 for f in found) >= 38


def test_placebo_needs_other_cells_and_earlier_windows() -> None:
    rng = np.random.default_rng(3)
    total, count = table(rng)
    assert placebo_test(total[:1], count[:1], treated=0, window=2) is None
    assert placebo_test(total[:, :4], count[:, :4], treated=1, window=2) is None


def test_shocks_of_whole_days_are_told_from_the_chance_of_single_orders() -> None:
    rng = np.random.default_rng(6)
    count = np.full((32, 30), 400.0)
    variance = 0.1 * 0.9

    def shock(spread: float) -> float:
        rate = 0.1 + np.repeat(rng.normal(0, spread, (32, 6)), 5, axis=1)
        found = placebo_test(
            rng.binomial(400, rate).astype(float), count, treated=1, window=5, variance=variance
        )
        assert found is not None
        assert found.shock <= found.spread
        return found.shock

    assert shock(0.0) < 0.005
    assert shock(0.03) == pytest.approx(0.03 * np.sqrt(1 + 1 / 4), rel=0.25)
