"""The estimator of trials against statsmodels and the delta method, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.arm_difference import difference, pooled, units, within
from tools.errors import ToolFailure


def _sample(seed: int, *, size: int = 60, groups: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    bottom = rng.integers(5, 200, size).astype(float)
    treated = rng.random(size) < 0.5
    treated[:2], treated[2:4] = True, False
    stratum = rng.integers(0, groups, size)
    rate = np.clip(0.8 + 0.05 * treated + rng.normal(0, 0.05, size) + 0.02 * stratum, 0, 1)
    return {
        "top": rng.binomial(bottom.astype(int), rate),
        "bottom": bottom,
        "treated": treated,
        "stratum": stratum,
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_difference_is_weighted_least_squares_with_the_cr2_error(seed: int) -> None:
    import statsmodels.api as sm

    given_ = _sample(seed)
    found = difference(units(**given_))
    dummies = (given_["stratum"][:, None] == np.unique(given_["stratum"])).astype(float)
    design = np.column_stack([given_["treated"], dummies])
    model = sm.WLS(given_["top"] / given_["bottom"], design, weights=given_["bottom"]).fit(cov_type="HC2")
    assert found.estimate == pytest.approx(model.params[0])
    assert found.standard_error == pytest.approx(model.bse[0])
    assert (found.influence**2).sum() == pytest.approx(found.standard_error**2)
    assert found.low < found.estimate < found.high


def test_difference_without_strata_is_that_of_ratios_of_sums() -> None:
    given_ = _sample(4)
    del given_["stratum"]
    found, arm = difference(units(**given_)), given_["treated"]
    ratios = [given_["top"][a].sum() / given_["bottom"][a].sum() for a in (arm, ~arm)]
    assert found.estimate == pytest.approx(ratios[0] - ratios[1])
    assert found.control == pytest.approx(ratios[1])
    assert (found.treated_units, found.control_units) == (arm.sum(), (~arm).sum())


def test_error_of_single_trials_is_that_of_two_shares() -> None:
    rng = np.random.default_rng(3)
    treated = np.arange(4000) % 2 == 0
    top = (rng.random(4000) < 0.3).astype(float)
    found = difference(units(top, np.ones(4000), treated))
    shares = [top[treated].mean(), top[~treated].mean()]
    expected = np.sqrt(sum(p * (1 - p) / 2000 for p in shares))
    assert found.standard_error == pytest.approx(expected, rel=1e-3)


def test_past_is_taken_off_and_units_without_one_are_left_out() -> None:
    given_ = _sample(5)
    past = np.full(len(given_["top"]), 0.5)
    plain, moved = difference(units(**given_)), difference(units(**given_, past=past))
    assert moved.estimate == pytest.approx(plain.estimate)
    past[7] = np.nan
    left = difference(units(**given_, past=past))
    assert left.influence[7] == 0.0
    assert left.treated_units + left.control_units == len(past) - 1


def test_pooled_adds_effects_with_their_covariance() -> None:
    given_ = _sample(6)
    one = difference(units(**given_))
    twice = pooled({"a": one, "b": one}, {"a": 1.0, "b": 1.0})
    assert twice.estimate == pytest.approx(2 * one.estimate)
    assert twice.standard_error == pytest.approx(2 * one.standard_error)
    assert twice.p_value == pytest.approx(one.p_value)
    nothing = pooled({"a": one, "b": one}, {"a": 1.0, "b": -1.0})
    assert nothing.estimate == pytest.approx(0.0)
    assert nothing.p_value == 1.0
    with pytest.raises(ValueError, match="same units"):
        pooled({"a": one, "b": difference(units(**_sample(6, size=50)))}, {"a": 1.0, "b": 1.0})


@pytest.mark.parametrize(
    ("treated", "message"),
    [([True] * 6, "control arm"), ([False] * 5 + [True], "only 1 units of the treatment arm")],
)
def test_too_few_units_of_an_arm_are_refused(treated: list[bool], message: str) -> None:
    with pytest.raises(ToolFailure, match=message):
        difference(units(np.ones(6), np.full(6, 2.0), np.array(treated)))


def test_strata_of_one_arm_are_refused() -> None:
    treated = np.array([True, True, False, False])
    with pytest.raises(ToolFailure, match="no stratum has units of both arms"):
        difference(units(np.ones(4), np.full(4, 2.0), treated, stratum=np.array([0, 0, 1, 1])))


def test_unequal_arrays_and_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="bottom has 2 entries, must have 3"):
        units(np.ones(3), np.ones(2), np.ones(3, bool))
    with pytest.raises(ValueError, match="must not be negative"):
        units(np.ones(2), np.array([1.0, -1.0]), np.ones(2, bool))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), shift=st.floats(-0.5, 0.5))
def test_levels_of_strata_never_matter(seed: int, shift: float) -> None:
    given_ = _sample(seed)
    plain = difference(units(**given_))
    moved = given_["top"] + shift * given_["bottom"] * (given_["stratum"] == 2)
    assert difference(units(**given_ | {"top": moved})).estimate == pytest.approx(plain.estimate, abs=1e-9)


def test_within_leaves_nothing_of_a_stratum() -> None:
    left = within(np.array([1.0, 3.0, 5.0]), np.array([1.0, 1.0, 2.0]), np.array([0, 0, 1]))
    assert left.tolist() == [-1.0, 1.0, 0.0]
