import numpy as np
import pytest

from data.slices import Slice
from evals.bench.fault_cells import LEAST_ORDERS, LEVELS, USUAL, FaultCase, fault_case
from evals.bench.localise import exact_f1, order_jaccard, run_bench
from evals.bench.localisers import (
    LOCALISERS,
    installed,
    largest_contribution,
    largest_rate_change,
    not_installed,
)
from tools.waterfall import rows_of


def planted() -> FaultCase:
    cause = Slice.parse({"region": "region1", "category": "category0"})
    return fault_case(USUAL, LEVELS[0], causes=1, n_dims=2, seed=3, planted=(cause,), lift=0.3)


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_causes_have_the_dimensions_and_orders_asked_for(n_dims: int) -> None:
    case = fault_case(USUAL, LEVELS[1], causes=3, n_dims=n_dims, seed=n_dims)
    assert len(set(case.truth)) == 3
    for cause in case.truth:
        assert len(cause.dimensions) == n_dims
        assert not {"region", "store"} <= set(cause.dimensions)
        assert case.cells["n"][rows_of(case.cells, cause)].sum() > 0.6 * LEAST_ORDERS


def test_the_same_seed_is_the_same_day() -> None:
    one, two = (fault_case(USUAL, LEVELS[2], causes=2, n_dims=2, seed=5) for _ in range(2))
    assert one.truth == two.truth
    assert one.cells.equals(two.cells)


def test_noise_shows_as_over_dispersion() -> None:
    phis = [fault_case(USUAL, level, causes=0, n_dims=1, seed=6).phi for level in LEVELS]
    assert phis[0] < 1.15
    assert phis == sorted(phis)


def test_expectations_hold_on_an_ordinary_day() -> None:
    case = fault_case(USUAL, LEVELS[0], causes=0, n_dims=1, seed=7)
    assert np.isclose(case.cells["y"].sum(), case.cells["expected"].sum(), rtol=0.06)


def test_baselines_do_what_their_names_say() -> None:
    case = planted()
    gain = (case.cells["y"] - case.cells["expected"]).to_numpy()
    (most,) = largest_contribution(case)
    assert gain[rows_of(case.cells, most)].sum() >= gain[rows_of(case.cells, case.truth[0])].sum()
    (steepest,) = largest_rate_change(case)
    rows = rows_of(case.cells, steepest)
    assert gain[rows].sum() / case.cells["n"][rows].sum() > 0.2


def test_measures_of_sets_of_slices() -> None:
    case = planted()
    cause = case.truth[0]
    half = Slice.parse({**cause.model_dump(), "basket": "basket0"})
    assert exact_f1([cause], [cause]) == 1.0
    assert exact_f1([], []) == 1.0
    assert exact_f1([half], [cause]) == 0.0
    assert order_jaccard(case, [cause], [cause]) == 1.0
    assert 0 < order_jaccard(case, [half], [cause]) < 1


@pytest.mark.slow
def test_the_scan_leads_both_baselines_at_every_level() -> None:
    bench = run_bench(label="test", repeats=3)
    assert len(bench.scores) == len(LEVELS) * len(LOCALISERS)
    for level in LEVELS:
        assert bench.lead(level.name) >= 0.10
    assert bench.null_slices <= 0.15
    assert min(one.leaves for one in bench.speed) >= 40_000


def test_a_published_method_that_is_absent_is_said_to_be() -> None:
    assert set(installed()) | set(not_installed()) == {"sliceline"}
