"""Sequential boundaries against published tables, their properties, and simulated error rates."""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.sequential import (
    Shape,
    alpha_spent,
    boundaries,
    confidence_radius,
    sample_inflation,
    spending_boundaries,
)

SHAPES: tuple[Shape, ...] = ("obrien_fleming", "pocock")
ALPHAS = st.floats(0.005, 0.2)
LOOKS = st.integers(1, 12)
FRACTIONS = st.lists(st.integers(20, 100), min_size=1, max_size=6, unique=True).map(
    lambda numbers: [number / 100 for number in sorted(numbers)]
)


def _paths(times: list[float], *, replications: int, seed: int) -> npt.NDArray[np.float64]:
    """z at each look of experiments without an effect: (replications, looks)."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(replications, len(times))) * np.sqrt(np.diff(times, prepend=0.0))
    return steps.cumsum(axis=1) / np.sqrt(times)


@pytest.mark.parametrize(
    ("looks", "shape", "published"),
    [
        # Jennison and Turnbull (2000), tables 2.1 and 2.3.
        (1, "obrien_fleming", [1.960]),
        (2, "obrien_fleming", [2.797, 1.977]),
        (3, "obrien_fleming", [3.471, 2.454, 2.004]),
        (4, "obrien_fleming", [4.049, 2.863, 2.337, 2.024]),
        (5, "obrien_fleming", [4.562, 3.226, 2.634, 2.281, 2.040]),
        (2, "pocock", [2.178] * 2),
        (3, "pocock", [2.289] * 3),
        (4, "pocock", [2.361] * 4),
        (5, "pocock", [2.413] * 5),
    ],
)
def test_boundaries_equal_the_published_tables(looks: int, shape: Shape, published: list[float]) -> None:
    assert boundaries(looks, shape=shape) == pytest.approx(published, abs=1e-3)


def test_boundaries_at_another_level_equal_the_published_table() -> None:
    # Jennison and Turnbull (2000), the same tables at alpha = .01.
    assert boundaries(4, alpha=0.01)[-1] == pytest.approx(2.609, abs=1e-3)
    assert boundaries(5, alpha=0.01)[-1] == pytest.approx(2.621, abs=1e-3)
    assert boundaries(5, alpha=0.01, shape="pocock")[-1] == pytest.approx(2.986, abs=1e-3)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("obrien_fleming", [0.00009, 0.00557, 0.02363, 0.05]),
        ("pocock", [0.01787, 0.03101, 0.04140, 0.05]),
    ],
)
def test_alpha_spent_equals_the_reference(shape: Shape, expected: list[float]) -> None:
    assert alpha_spent([0.25, 0.5, 0.75, 1.0], shape=shape) == pytest.approx(expected, abs=6e-6)


def test_spending_boundaries_equal_the_published_table() -> None:
    # Pocock-like spending at four equal looks, Reboussin, DeMets, Kim and Lan (2000).
    found = spending_boundaries([0.25, 0.5, 0.75, 1.0], shape="pocock")
    assert found == pytest.approx([2.368, 2.368, 2.358, 2.350], abs=1e-3)


@pytest.mark.parametrize(
    ("looks", "shape", "published"),
    [
        # Jennison and Turnbull (2000), tables 2.2 and 2.4, power .8.
        (1, "obrien_fleming", 1.000),
        (2, "obrien_fleming", 1.008),
        (3, "obrien_fleming", 1.017),
        (5, "obrien_fleming", 1.028),
        (2, "pocock", 1.110),
        (3, "pocock", 1.166),
        (5, "pocock", 1.229),
    ],
)
def test_sample_inflation_equals_the_published_tables(looks: int, shape: Shape, published: float) -> None:
    times = [(k + 1) / looks for k in range(looks)]
    found = sample_inflation(times, boundaries(looks, shape=shape))
    assert found == pytest.approx(published, abs=1.5e-3)


def test_sample_inflation_restores_the_power_of_a_single_reading() -> None:
    times = [0.5, 0.7, 1.0]
    limits = spending_boundaries(times)
    drift = (1.959964 + 0.841621) * math.sqrt(sample_inflation(times, limits))
    z = _paths(times, replications=100_000, seed=4) + drift * np.sqrt(times)
    # Four standard errors of a share of 80 % in 100,000 replications.
    assert (np.abs(z) > np.array(limits)).any(axis=1).mean() == pytest.approx(0.8, abs=0.005)


@given(looks=LOOKS, alpha=ALPHAS, shape=st.sampled_from(SHAPES))
@settings(max_examples=30, deadline=None)
def test_boundaries_fall_and_cost_something(looks: int, alpha: float, shape: Shape) -> None:
    found = boundaries(looks, alpha=alpha, shape=shape)
    once = boundaries(1, alpha=alpha)[0]
    assert len(found) == looks
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(found))
    assert found[-1] >= once - 1e-6
    assert boundaries(looks + 1, alpha=alpha, shape=shape)[-1] > found[-1]


@given(fractions=FRACTIONS, alpha=ALPHAS, shape=st.sampled_from(SHAPES))
@settings(max_examples=30, deadline=None)
def test_spending_never_exceeds_the_level_and_a_later_look_changes_no_earlier_one(
    fractions: list[float], alpha: float, shape: Shape
) -> None:
    spent = alpha_spent(fractions, alpha=alpha, shape=shape)
    assert all(earlier < later for earlier, later in pairwise(spent))
    assert spent[-1] <= alpha + 1e-12
    limits = spending_boundaries(fractions, alpha=alpha, shape=shape)
    assert all(z > 0 and math.isfinite(z) for z in limits)
    assert spending_boundaries(fractions[:-1] or fractions, alpha=alpha, shape=shape) == (
        limits[:-1] or limits
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("times", [[0.2, 0.4, 0.6, 0.8, 1.0], [0.3, 0.35, 0.9, 1.0]])
def test_spending_boundaries_keep_their_level(shape: Shape, times: list[float]) -> None:
    z = np.abs(_paths(times, replications=200_000, seed=1))
    crossed = (z > np.array(spending_boundaries(times, shape=shape))).cumsum(axis=1) > 0
    # Four standard errors of a share of 5 % in 200,000 replications.
    assert crossed.mean(axis=0) == pytest.approx(list(alpha_spent(times, shape=shape)), abs=0.002)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("looks", [3, 5, 28])
def test_boundaries_keep_their_level_where_plain_peeking_does_not(shape: Shape, looks: int) -> None:
    times = [(k + 1) / looks for k in range(looks)]
    z = np.abs(_paths(times, replications=100_000, seed=2))
    crossed = (z > np.array(boundaries(looks, shape=shape))).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.003)
    assert (z > 1.96).any(axis=1).mean() > 0.1


def test_confidence_radius_equals_the_reference() -> None:
    n, sd, alpha, best = 40.0, 2.0, 0.05, 100.0
    rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / best
    expected = sd * math.sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * math.log(math.sqrt(n * rho2 + 1) / alpha))
    assert confidence_radius(n, sd, alpha=alpha, best_at=best) == pytest.approx(expected, rel=1e-12)
    assert confidence_radius(best, 1, alpha=alpha, best_at=best) / 0.196 == pytest.approx(1.55, abs=0.005)


@given(n=st.floats(1, 1e5), best=st.floats(1, 1e4), alpha=st.floats(1e-4, 0.2))
@settings(max_examples=100, deadline=None)
def test_confidence_radius_narrows_with_n_and_a_bound_costs_less_than_an_interval(
    n: float, best: float, alpha: float
) -> None:
    radius = confidence_radius(n, 1.0, alpha=alpha, best_at=best)
    assert confidence_radius(2 * n, 1.0, alpha=alpha, best_at=best) < radius
    assert confidence_radius(n, 1.0, alpha=alpha / 2, best_at=best) > radius
    assert confidence_radius(n, 3.0, alpha=alpha, best_at=best) == pytest.approx(3 * radius)
    assert radius > 1.96 / math.sqrt(n) or alpha > 0.05
    assert confidence_radius(best, 1.0, alpha=alpha, best_at=best, sides=1) < confidence_radius(
        best, 1.0, alpha=alpha, best_at=best
    )


def test_confidence_sequence_rarely_leaves_the_truth_however_often_it_is_read() -> None:
    rng = np.random.default_rng(3)
    counts = np.arange(10, 2_001)
    means = (rng.normal(size=(2_000, 2_000)).cumsum(axis=1) / np.arange(1, 2_001))[:, 9:]
    both = np.array([confidence_radius(n, 1, alpha=0.05, best_at=500) for n in counts.tolist()])
    bound = np.array([confidence_radius(n, 1, alpha=0.05, best_at=500, sides=1) for n in counts.tolist()])
    assert 0.01 < (np.abs(means) > both).any(axis=1).mean() <= 0.05
    assert 0.01 < (means < -bound).any(axis=1).mean() <= 0.05
    assert (np.abs(means) > 1.96 / np.sqrt(counts)).any(axis=1).mean() > 0.4


@pytest.mark.parametrize(
    "call",
    [
        lambda: boundaries(0),
        lambda: boundaries(3, alpha=0.0),
        lambda: boundaries(3, alpha=1.0),
        lambda: alpha_spent([]),
        lambda: alpha_spent([0.5, 0.5]),
        lambda: alpha_spent([0.5, 0.4]),
        lambda: alpha_spent([0.5, 1.1]),
        lambda: alpha_spent([-0.1, 1.0]),
        lambda: alpha_spent([math.nan, 1.0]),
        lambda: spending_boundaries([0.001, 1.0]),
        lambda: sample_inflation([0.5, 0.9], [2.0, 2.0]),
        lambda: sample_inflation([0.5, 1.0], [2.0]),
        lambda: confidence_radius(0, 1, alpha=0.05, best_at=10),
        lambda: confidence_radius(10, 0, alpha=0.05, best_at=10),
        lambda: confidence_radius(10, 1, alpha=0.05, best_at=0),
        lambda: confidence_radius(10, 1, alpha=1.5, best_at=10),
        lambda: confidence_radius(math.nan, 1, alpha=0.05, best_at=10),
    ],
)
def test_impossible_arguments_name_the_value(call: object) -> None:
    with pytest.raises(ValueError, match=r"must|too early"):
        call()  # type: ignore[operator]  # parametrised callables
