"""The restricted wild cluster bootstrap against its definition, and at its level."""

from itertools import product

import numpy as np
import pytest

from tests.tools.panels import panel
from tools.did import estimate
from tools.errors import ToolFailure
from tools.unit_periods import UnitPeriods
from tools.wild_bootstrap import wild_bootstrap


def simulated(seed: int, units: int, treated: int, effect: float = 0.0) -> tuple[UnitPeriods, np.ndarray]:
    found, in_scope = panel(
        np.random.default_rng(seed), units=units, treated=treated, before=6, after=3, effect=effect
    )
    return found, in_scope[:, None] & (found.periods >= 0)


def by_definition(found: UnitPeriods, treated: np.ndarray, support: tuple[float, ...]) -> tuple[float, float]:
    """t and exact p from a regression on dummies in every world."""
    units, days = found.y.shape
    unit, day = np.indices((units, days)).reshape(2, -1)
    d, y, w = treated.ravel().astype(float), found.y.ravel(), np.sqrt(found.w.ravel())
    rest = np.column_stack([unit[:, None] == np.arange(units), day[:, None] == np.arange(1, days)]).astype(
        float
    )

    def t_of(outcome: np.ndarray) -> float:
        design = np.column_stack([d, rest]) * w[:, None]
        beta = np.linalg.lstsq(design, outcome * w, rcond=None)[0]
        score = design * (outcome * w - design @ beta)[:, None]
        summed = np.array([score[unit == one].sum(axis=0) for one in range(units)])
        bread = np.linalg.inv(design.T @ design)
        correction = units / (units - 1) * (len(y) - 1) / (len(y) - days)
        return float(beta[0] / np.sqrt((bread @ summed.T @ summed @ bread)[0, 0] * correction))

    without = rest @ np.linalg.lstsq(rest * w[:, None], y * w, rcond=None)[0]
    actual = t_of(y)
    drawn = [
        t_of(without + (y - without) * np.array(world)[unit]) for world in product(support, repeat=units)
    ]
    return actual, float(np.mean(np.abs(drawn) >= abs(actual) * (1 - 1e-9)))


def test_p_is_exact_over_all_signs() -> None:
    found, treated = simulated(0, units=7, treated=3, effect=0.6)
    test = wild_bootstrap(found, treated, seed=1, weights="rademacher")
    t, p = by_definition(found, treated, (-1.0, 1.0))
    assert (test.enumerated, test.draws) == (True, 128)
    assert test.t == pytest.approx(t, rel=1e-9)
    assert test.p == p
    assert test.p < 1


def test_p_is_exact_over_all_of_webbs_weights() -> None:
    found, treated = simulated(1, units=4, treated=2, effect=0.4)
    test = wild_bootstrap(found, treated, seed=1)
    sizes = tuple(sign * size for sign in (-1, 1) for size in (1.5**0.5, 1.0, 0.5**0.5))
    assert (test.enumerated, test.draws) == (True, 6**4)
    assert test.p == by_definition(found, treated, sizes)[1]


def test_drawn_worlds_agree_with_all_worlds() -> None:
    found, treated = simulated(2, units=12, treated=5, effect=0.5)
    every = wild_bootstrap(found, treated, seed=1, weights="rademacher")
    webb = wild_bootstrap(found, treated, seed=1, draws=4_000)
    assert (every.draws, webb.draws, webb.enumerated) == (4_096, 4_000, False)
    assert webb.p == pytest.approx(every.p, abs=0.05)


def test_effect_is_the_estimate_and_seeds_repeat() -> None:
    found, treated = simulated(3, units=30, treated=6, effect=2.0)
    cells = found.frame().assign(on=treated.ravel().astype(int))
    test = wild_bootstrap(found, treated, seed=4)
    plain = estimate(cells, outcome="y", unit="unit", time="time", treated="on", weights="w")
    assert test.effect == pytest.approx(plain.effect, abs=1e-10)
    assert test == wild_bootstrap(found, treated, seed=4)
    assert test.p < 0.05
    assert test.draws == 999


def test_units_without_weight_do_not_count() -> None:
    found, treated = simulated(4, units=9, treated=4)
    empty = found.w.copy()
    empty[8] = 0.0
    less = UnitPeriods(found.units[:8], found.periods, found.y[:8], found.w[:8])
    with_empty = UnitPeriods(found.units, found.periods, found.y, empty)
    assert wild_bootstrap(with_empty, treated, seed=2) == wild_bootstrap(less, treated[:8], seed=2)


def test_a_single_treated_store_is_refused() -> None:
    found, treated = simulated(5, units=9, treated=1)
    with pytest.raises(ToolFailure, match="1 treated of 9 stores, 2 on each side"):
        wild_bootstrap(found, treated, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize(("units", "treated"), [(20, 8), (10, 4), (30, 15)])
def test_false_positives_are_near_the_level(units: int, treated: int) -> None:
    found = [
        wild_bootstrap(*simulated(seed, units=units, treated=treated), seed=seed).p <= 0.05
        for seed in range(100, 900)
    ]
    assert 0.03 <= np.mean(found) <= 0.075


@pytest.mark.slow
def test_effects_of_a_usual_size_are_seen() -> None:
    found = [
        wild_bootstrap(*simulated(seed, units=20, treated=8, effect=1.5), seed=seed).p <= 0.05
        for seed in range(100, 200)
    ]
    assert np.mean(found) > 0.8
