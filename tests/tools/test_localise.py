import numpy as np
import pandas as pd
import pytest

from data.slices import ALL_ORDERS, HourRange, Slice
from evals.bench.fault_cells import LARGE, LEVELS, USUAL, FaultCase, fault_case
from evals.bench.localise import order_jaccard
from evals.seeds import derive
from tools.localise import Localisation, localise

DIMS = ("region", "store", "category", "basket")


def cells(seed: int = 0, *, lifted: tuple[Slice, ...] = (), lift: float = 0.15) -> FaultCase:
    return fault_case(USUAL, LEVELS[0], causes=len(lifted), n_dims=1, seed=seed, planted=lifted, lift=lift)


def located(case: FaultCase) -> Localisation:
    return localise(case.cells, dims=case.dims, hour="hour", phi=case.phi)


def test_a_planted_range_of_hours_is_named_exactly() -> None:
    cause = Slice.parse({"region": "region3", "category": "category1", "hour": {"from": 18, "to": 21}})
    found = located(cells(1, lifted=(cause,), lift=0.2))
    assert [one.slice for one in found] == [cause]
    assert found.where == "slices"
    assert found[0].low < 0.2 < found[0].high
    assert found[0].low > 0
    assert found[0].q_value < 1e-6
    assert 0.5 < found[0].share <= 1.0


def test_two_narrow_causes_are_not_their_common_parent() -> None:
    causes = tuple(Slice.parse({"region": "region2", "category": f"category{one}"}) for one in (0, 2))
    assert {one.slice for one in located(cells(2, lifted=causes))} == set(causes)


def test_hours_with_a_gap_are_two_slices() -> None:
    causes = tuple(Slice(hour=HourRange(start=one, end=one + 2)) for one in (11, 18))
    assert {one.slice for one in located(cells(3, lifted=causes))} == set(causes)


def test_a_store_stands_without_its_region() -> None:
    cause = Slice.parse({"store": "store7"})
    assert [one.slice for one in located(cells(4, lifted=(cause,), lift=0.25))] == [cause]


def test_a_drop_of_all_orders_lies_outside_the_recorded_dimensions() -> None:
    found = located(cells(5, lifted=(ALL_ORDERS,), lift=0.06))
    assert found.where == "outside_dimensions"
    assert found.whole.slice == ALL_ORDERS
    assert found.whole.delta == pytest.approx(0.06, abs=0.01)


def test_a_hidden_dimension_lies_outside_the_recorded_ones() -> None:
    rng = np.random.default_rng(6)
    case = cells(6)
    hidden = rng.binomial(case.cells["n"].to_numpy(int), 0.3)  # of a courier app's version, say
    harm = np.minimum(case.cells["y"] + rng.binomial(hidden, 0.2), case.cells["n"])
    assert (
        located(FaultCase(case.cells.assign(y=harm), case.dims, (), case.phi)).where == "outside_dimensions"
    )


def test_an_ordinary_day_has_no_slice() -> None:
    found = located(cells(7))
    assert (found.where, len(found)) == ("nothing", 0)


def test_an_improvement_is_no_slice() -> None:
    case = cells(8)
    better = case.cells.assign(y=np.floor(case.cells["y"] * 0.3))
    found = located(FaultCase(better, case.dims, (), case.phi))
    assert found.where == "nothing"
    assert found.whole.delta < 0
    assert found.whole.share == 0.0


def test_the_order_of_rows_does_not_matter() -> None:
    case = cells(9, lifted=(Slice.parse({"region": "region1"}),))
    shuffled = case.cells.sample(frac=1.0, random_state=1)
    one, two = located(case), located(FaultCase(shuffled, case.dims, (), case.phi))
    assert [found.slice for found in one] == [found.slice for found in two]
    assert [found.delta for found in one] == pytest.approx([found.delta for found in two])


def test_sums_of_any_measure() -> None:
    rng = np.random.default_rng(10)
    case = cells(10)
    inside = (case.cells["category"] == "category0") & (case.cells["region"] == "region4")
    expected = 300.0 * case.cells["n"]
    seen = rng.gamma(np.maximum(case.cells["n"] * np.where(inside, 2.6, 2.0), 1e-9), 150.0)
    found = localise(
        case.cells.assign(seconds=seen, usual=expected),
        dims=case.dims,
        y="seconds",
        expected="usual",
        kind="sum",
        phi=150.0,
    )
    assert [str(one.slice) for one in found] == ["category=category0, region=region4"]
    assert found[0].low < 0.3 < found[0].high
    assert found[0].delta == pytest.approx(0.3, abs=0.1)


def test_a_sum_needs_no_trials() -> None:
    cells = pd.DataFrame({"city": list("AABB"), "kind": list("xyxy"), "seen": [100, 260, 100, 90]})
    found = localise(cells.assign(usual=100.0), dims=["city", "kind"], y="seen", expected="usual", kind="sum")
    assert [str(one.slice) for one in found] == ["city=A, kind=y"]
    assert found[0].delta == pytest.approx(1.6)


FRAME = pd.DataFrame({"region": ["A", "B"], "n": 10, "y": 1, "expected": 1.0, "hour": 3})


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (FRAME.drop(columns="region"), "no column 'region'"),
        (FRAME.assign(y=11), "y = 11: must be at most n = 10"),
        (FRAME.assign(expected=np.nan), "expected = nan"),
        (FRAME.assign(n=-1.0), "n = -1"),
        (FRAME.assign(hour=24), "hour = 24"),
    ],
)
def test_bad_cells_are_named(frame: pd.DataFrame, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        localise(frame, dims=["region"], hour="hour")


def test_a_bound_that_is_not_positive_is_named() -> None:
    with pytest.raises(ValueError, match="phi = 0"):
        localise(FRAME, dims=["region"], phi=0.0)


def test_no_row_is_an_error() -> None:
    with pytest.raises(ValueError, match="no row"):
        localise(pd.DataFrame({"region": [], "n": [], "y": [], "expected": []}), dims=["region"])


def test_forty_thousand_leaves_are_quick() -> None:
    case = fault_case(LARGE, LEVELS[1], causes=3, n_dims=2, seed=11)
    assert len(case.cells) >= 40_000
    assert len(located(case)) >= 1  # its time is what `cx bench localise` prints


def acceptance(number: int) -> FaultCase:
    """A slice of region, category and hours with at least 120 orders, 14 points worse."""
    for attempt in range(100):
        rng = np.random.default_rng(derive("acceptance", f"localise-{number}", attempt))
        start = int(rng.integers(8, 20))
        cause = Slice.parse(
            {
                "region": f"region{rng.integers(8)}",
                "category": f"category{rng.integers(3)}",
                "hour": {"from": start, "to": start + int(rng.integers(2, 5))},
            }
        )
        seed = derive("acceptance", f"localise-world-{number}", attempt)
        case = fault_case(USUAL, LEVELS[0], causes=1, n_dims=3, seed=seed, planted=(cause,), lift=0.14)
        orders = order_of(case, cause)
        if orders >= 120:
            return case
    raise AssertionError("no slice of 120 orders")


def order_of(case: FaultCase, cause: Slice) -> float:
    inside = np.isin(case.cells["hour"], cause.hour.hours if cause.hour else range(24))
    for name, value in cause.values:
        inside &= (case.cells[name] == value).to_numpy()
    return float(case.cells["n"][inside].sum())


@pytest.mark.slow
def test_planted_slices_are_found_in_at_least_four_of_five_seeds() -> None:
    hits, most = 0, 0
    for number in range(60):
        case = acceptance(number)
        found = located(case)
        most += len(found) <= 2
        hits += (
            len(found) > 0 and order_jaccard(case, [found[0].slice], case.truth) >= 0.8 and len(found) <= 2
        )
    assert hits >= 48, f"{hits} of 60"
    assert most >= 57


@pytest.mark.slow
def test_ordinary_days_name_at_most_one_slice_in_seven() -> None:
    named = 0
    for number in range(60):
        case = fault_case(
            USUAL, LEVELS[number % 3], causes=0, n_dims=1, seed=derive("null", "localise", number)
        )
        named += len(located(case))
    assert named <= 0.15 * 60
