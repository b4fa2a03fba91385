import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln, logsumexp

from tools.bocpd import run_lengths


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=7),
    st.floats(0.05, 0.5),
    st.floats(0.01, 0.6),
)
def test_run_lengths_equal_the_sum_over_all_segmentations(
    counts: list[tuple[int, int]], rate: float, hazard: float
) -> None:
    """The recursion against brute force: every set of change points, weighed by prior and likelihood."""
    harm, good = np.array(counts, float).T
    periods, strength = len(counts), 20.0
    a, b = rate * strength, (1 - rate) * strength

    def evidence(first: int, last: int) -> float:
        return float(betaln(a + harm[first:last].sum(), b + good[first:last].sum()) - betaln(a, b))

    weights: dict[int, list[float]] = {}
    for pattern in range(2**periods):
        starts = sorted({t for t in range(periods) if pattern >> t & 1} | {0})
        prior = sum(np.log(hazard) if pattern >> t & 1 else np.log1p(-hazard) for t in range(periods))
        ends = [*starts[1:], periods]
        total = prior + sum(evidence(s, e) for s, e in zip(starts, ends, strict=True))
        weights.setdefault(periods - starts[-1], []).append(total)
    whole = logsumexp([w for group in weights.values() for w in group])
    found = run_lengths(harm, harm + good, rate, hazard=hazard, strength=strength)
    for length in range(1, periods + 1):
        expected = np.exp(logsumexp(weights.get(length, [-np.inf])) - whole)
        assert found.p[0, length] == pytest.approx(expected, abs=1e-9)


def test_many_series_equal_each_alone() -> None:
    rng = np.random.default_rng(1)
    trials = rng.integers(20, 90, (5, 40)).astype(float)
    harm = rng.binomial(trials.astype(int), 0.1).astype(float)
    together = run_lengths(harm, trials, np.full(5, 0.1))
    for row in range(5):
        assert run_lengths(harm[row], trials[row], 0.1).p[0] == pytest.approx(together.p[row])


def test_a_step_is_dated() -> None:
    rng = np.random.default_rng(2)
    harm = np.concatenate([rng.binomial(120, 0.08, 60), rng.binomial(120, 0.22, 7)]).astype(float)
    found = run_lengths(harm, np.full(67, 120.0), 0.08)
    assert int(found.onset()[0].argmax()) == 60
    assert found.changed_within(7)[0] > 0.95


@pytest.mark.parametrize(
    ("harm", "trials", "rate", "hazard", "message"),
    [
        ([3.0], [2.0], 0.1, 0.1, "between 0 and trials"),
        ([1.0], [2.0, 2.0], 0.1, 0.1, "must agree"),
        ([1.0], [2.0], 0.0, 0.1, "rate"),
        ([1.0], [2.0], 0.1, 1.0, "hazard"),
    ],
)
def test_bad_arguments_are_named(
    harm: list[float], trials: list[float], rate: float, hazard: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run_lengths(harm, trials, rate, hazard=hazard)
