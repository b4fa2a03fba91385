import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.shift import SWEEPS, codes, compare, dense, measure, residualise, summarise


def test_measure_of_independent_days_is_standard_normal() -> None:
    rng = np.random.default_rng(0)
    z = []
    for _ in range(400):
        day = np.repeat(np.arange(30), 40)
        values = rng.normal(0, 1, 1200) + rng.normal(0, 0.3, 30)[day]
        shift = measure(values, day, day >= 28)
        assert shift is not None
        z.append(shift.z)
    assert 0.85 < float(np.std(z)) < 1.2
    assert abs(float(np.mean(z))) < 0.2


def test_measure_needs_three_baseline_days_and_an_incident() -> None:
    day = np.repeat(np.arange(4), 10)
    values = np.ones(40)
    assert measure(values, day, day >= 2) is None
    assert measure(values, day, day >= 9) is None
    assert compare(summarise(values, day), summarise(values[:0], day[:0])) is None


def test_residualise_removes_additive_parents() -> None:
    rng = np.random.default_rng(1)
    hour, store = rng.integers(0, 24, 20_000), rng.integers(0, 30, 20_000)
    values = 5.0 + 0.5 * hour - 0.2 * store + rng.normal(0, 0.1, 20_000)
    during = np.arange(20_000) >= 15_000
    left = residualise(values, during, (hour, store))
    assert float(left[during].std()) < 0.12
    assert abs(float(left[~during].mean()) - float(values[~during].mean())) < 0.01


def test_residualise_gives_an_unknown_group_no_effect() -> None:
    values = np.array([1.0, 1.0, 3.0, 7.0])
    left = residualise(values, np.array([False, False, False, True]), (np.array([0, 0, 1, 2]),))
    assert left[3] == 7.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), min_size=1, max_size=40))
def test_codes_separate_exactly_the_distinct_pairs(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    found = codes(left, right)
    assert len(set(found.tolist())) == len(set(pairs))
    assert len(set(zip(found.tolist(), pairs, strict=True))) == len(set(pairs))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 300), st.integers(1, 90))
def test_residualise_is_plain_backfitting_order_by_order(seed: int, rows: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    values, during = rng.normal(50, 9, rows), np.arange(rows) >= rows - rows // 3
    parents = (rng.integers(0, groups, rows), rng.integers(0, 7, rows))
    mean, effects = float(values[~during].mean()), np.zeros(rows)
    parts = [np.zeros(rows), np.zeros(rows)]
    for _ in range(SWEEPS):
        for index, group in enumerate(parents):
            rest = values - mean - (effects - parts[index])
            size = int(group.max()) + 1
            count = np.bincount(group[~during], minlength=size)
            total = np.bincount(group[~during], weights=rest[~during], minlength=size)
            effects = effects - parts[index]
            parts[index] = (total / (count + 5.0))[group]
            effects = effects + parts[index]
    assert residualise(values, during, parents) == pytest.approx(values - effects, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-50, 10**12) | st.integers(-2, 2), max_size=30))
def test_dense_codes_follow_the_order_of_the_values(values: list[int]) -> None:
    column = np.array(values, dtype=np.int64)
    assert dense(column).tolist() == np.unique(column, return_inverse=True)[1].tolist()


def test_a_baseline_that_never_varied_can_still_be_left() -> None:
    day = np.repeat(np.arange(10), 20)
    values = np.where(day >= 8, np.tile([1.0, 0.0], 100), 0.0)
    half = measure(values, day, day >= 8)
    assert half is not None
    assert half.z > 5
    whole = measure(np.where(day >= 8, 1.0, 0.0), day, day >= 8)
    assert whole is not None
    assert whole.z == pytest.approx(40.0)
    same = measure(np.zeros(200), day, day >= 8)
    assert same is not None
    assert same.z == 0.0
