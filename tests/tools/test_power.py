"""Sample sizes and split checks against reference values, statsmodels and tea-tasting."""

import math

import pandas as pd
import pytest
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize
from tea_tasting.metrics import Mean, SampleRatio

from tools import power


@pytest.mark.parametrize(
    ("p0", "p1", "expected"),
    [
        (0.78, 0.80, 6510),
        (0.78, 0.85, 482),
        (0.92, 0.91, 12208),
        (0.08, 0.06, 2554),
        (0.03, 0.04, 5301),
        (0.50, 0.52, 9806),
        (0.78, 0.88, 220),
        (0.08, 0.05, 1059),
    ],
)
def test_proportion_sample_size_equals_the_reference(p0: float, p1: float, expected: int) -> None:
    assert power.proportion_sample_size(p0, p1) == pytest.approx(expected, rel=5e-4, abs=1)
    assert power.proportion_sample_size(p1, p0) == power.proportion_sample_size(p0, p1)


def test_proportion_sample_size_agrees_with_the_arcsine_method() -> None:
    effect = proportion_effectsize(0.80, 0.78)
    other = NormalIndPower().solve_power(effect_size=effect, alpha=0.05, power=0.8)
    assert power.proportion_sample_size(0.78, 0.80) == pytest.approx(other, rel=2e-3)


def test_mean_sample_size_equals_the_reference() -> None:
    assert power.mean_sample_size(13, 2) == pytest.approx(663, abs=1)


@pytest.mark.parametrize(("sd", "mde", "alpha", "chance"), [(13, 2, 0.05, 0.8), (1, 0.1, 0.01, 0.9)])
def test_mean_sample_size_agrees_with_other_libraries(
    sd: float, mde: float, alpha: float, chance: float
) -> None:
    ours = power.mean_sample_size(sd, mde, alpha=alpha, power=chance)
    theirs = NormalIndPower().solve_power(effect_size=mde / sd, alpha=alpha, power=chance)
    assert ours == math.ceil(theirs)
    # tea-tasting counts both arms together.
    assert ours == pytest.approx(_tea_tasting_units(sd, mde, alpha, chance, "two-sided") / 2, abs=1)


def _tea_tasting_units(mean_sd: float, mde: float, alpha: float, chance: float, alternative: str) -> float:
    metric = Mean(
        "value",
        alternative=alternative,
        use_t=False,
        alpha=alpha,
        power=chance,
        effect_size=mde,
    )
    spread = math.sqrt(1 / 2) * mean_sd  # of two values, one standard deviation from their mean
    data = pd.DataFrame({"value": [10 - spread, 10 + spread]})
    return float(metric.solve_power(data, "n_obs")[0].n_obs)


def test_non_inferiority_sample_size_equals_the_reference() -> None:
    assert power.non_inferiority_sample_size(0.03, 0.005) == pytest.approx(14393, abs=1)


def test_non_inferiority_sample_size_agrees_with_tea_tasting() -> None:
    theirs = _tea_tasting_units(math.sqrt(0.03 * 0.97), 0.005, 0.05, 0.8, "greater")
    assert power.non_inferiority_sample_size(0.03, 0.005) == pytest.approx(theirs / 2, abs=1)


def test_switchback_units_equal_the_reference() -> None:
    assert power.switchback_units(0.08, 0.04) == 126
    assert power.switchback_units(0.08, 0.07) == 42
    ratio = power.switchback_units(0.8, 0.04, share=0.1) / power.switchback_units(0.8, 0.04)
    assert ratio == pytest.approx(2.78, abs=0.005)


def test_switchback_mde_is_the_inverse_of_the_units() -> None:
    units = power.switchback_units(0.08, 0.04)
    assert power.switchback_mde(0.08, units) == pytest.approx(0.04, rel=0.01)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([10_000, 10_300], 0.035), ([44_000, 45_000], 0.00080), ([100_000, 101_500], 0.00083)],
)
def test_srm_p_value_equals_the_reference(counts: list[int], expected: float) -> None:
    # Three digits of the reference, rounded as it is.
    assert power.srm_p_value(counts, [0.5, 0.5]) == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize("treated_share", [0.5, 0.1])
def test_srm_p_value_agrees_with_tea_tasting(treated_share: float) -> None:
    arms = pd.DataFrame({"variant": [0] * 1_000 + [1] * 1_080})
    ratio = treated_share / (1 - treated_share)
    check = SampleRatio(ratio, method="norm", correction=False)
    theirs = check.analyze(arms, 0, 1, variant="variant").pvalue
    ours = power.srm_p_value([1_000, 1_080], [1 - treated_share, treated_share])
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_design_effect_never_pays_for_clustering() -> None:
    assert power.design_effect(62, 0.0046) == pytest.approx(1.28, abs=0.005)
    assert power.design_effect(62, -0.1) == 1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: power.proportion_sample_size(0.5, 0.5),
        lambda: power.proportion_sample_size(1.2, 0.5),
        lambda: power.switchback_units(0.08, 0),
        lambda: power.switchback_units(0.08, -0.02),
        lambda: power.switchback_units(0, 0.02),
        lambda: power.switchback_mde(0.08, 0),
        lambda: power.mean_sample_size(1, 1, alpha=0),
        lambda: power.srm_p_value([0, 0], [0.5, 0.5]),
        lambda: power.srm_p_value([1], [0.5, 0.5]),
    ],
)
def test_impossible_arguments_name_the_value(call: object) -> None:
    with pytest.raises(ValueError, match=r"must|has"):
        call()  # type: ignore[operator]  # parametrised callables
