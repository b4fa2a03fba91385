from itertools import combinations, product
from typing import cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.slices import HourRange, Slice
from tools.cube import encode
from tools.scan import Counts, Found, Grid, Kind, Scan, excess_score

DIMS = ("a", "b", "c")


def random_cells(seed: int, rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.integers(0, 3, rows).astype(str) for name in DIMS})
    n = rng.integers(1, 40, rows)
    return frame.assign(
        hour=rng.integers(0, 24, rows),
        n=n,
        y=rng.binomial(n, 0.15),
        expected=n * rng.uniform(0.05, 0.2, rows),
    )


def grid_of(cells: pd.DataFrame, *, wrap: bool = False) -> Grid:
    codes = {name: encode(cells[name]) for name in DIMS}
    return Grid.of(codes, cells["hour"].to_numpy(np.int64), len(cells), max_dims=3, wrap=wrap)


def counts_of(cells: pd.DataFrame, kind: Kind = "rate") -> Counts:
    trials, harm, expected = (cells[name].to_numpy(np.float64) for name in ("n", "y", "expected"))
    return Counts(trials, harm, expected, kind, 1.3)


def every_slice(cells: pd.DataFrame, *, wrap: bool) -> list[Slice]:
    hours: list[HourRange | None] = [None]
    hours += [
        HourRange(start=start, end=(start + length - 1) % 24 + 1)
        for length in range(1, 24)
        for start in range(24 if wrap else 25 - length)
    ]
    values = [
        tuple(zip(dims, chosen, strict=True))
        for size in range(4)
        for dims in combinations(DIMS, size)
        for chosen in product(*(sorted(set(cells[name])) for name in dims))
    ]
    return [Slice(values=one, hour=hour) for one in values for hour in hours]


@pytest.mark.parametrize(("kind", "wrap"), [("rate", False), ("sum", False), ("rate", True)])
def test_the_quick_search_finds_what_the_full_one_does(kind: str, wrap: bool) -> None:
    cells = random_cells(3, rows=150)
    grid, counts = grid_of(cells, wrap=wrap), counts_of(cells, cast("Kind", kind))
    best = grid.best([counts])
    assert best is not None
    scores = []
    for one in every_slice(cells, wrap=wrap):
        rows = grid.rows(one)
        sums = (np.asarray([part]) for part in counts.over(rows))
        width = grid.lattice.width_of(one)
        price = np.log(width) + (0.0 if one.hour is None else np.log(grid.ranges.apart))
        scores.append(float(counts.score(*sums)[0]) - float(price))
    assert best.score == pytest.approx(max(scores), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50), st.floats(0.01, 0.9)), min_size=2, max_size=24)
)
def test_the_score_of_a_union_is_at_most_the_sum(parts: list[tuple[int, int, float]]) -> None:
    trials = np.array([float(n) for n, _, _ in parts])
    harm = np.minimum(np.array([float(y) for _, y, _ in parts]), trials)
    expected = trials * np.array([p for _, _, p in parts])
    kinds: tuple[Kind, ...] = ("rate", "sum")
    for kind in kinds:
        single = excess_score(trials, harm, expected, kind=kind, phi=1.0).sum()
        sums = (np.asarray([part.sum()]) for part in (trials, harm, expected))
        assert excess_score(*sums, kind=kind, phi=1.0)[0] <= single + 1e-6


def test_expectations_can_be_replaced_row_by_row() -> None:
    cells = random_cells(5)
    grid, counts = grid_of(cells), counts_of(cells)
    expected = counts.expected.copy()
    expected[::3] *= 1.7
    scan = Scan.of(grid, [counts])
    scan.expect(0, expected)
    fresh = grid.best([counts._replace(expected=expected)])
    found = scan.best()
    assert found is not None
    assert fresh is not None
    assert found.slice == fresh.slice
    assert found.score == pytest.approx(fresh.score)


def test_near_keeps_to_slices_that_share_orders() -> None:
    cells = random_cells(7)
    near = Slice.parse({"a": "2", "hour": {"from": 3, "to": 5}})
    best = grid_of(cells).best([counts_of(cells)], near=near)
    assert best is None or best.slice.overlaps(near)


def test_hours_over_midnight_only_where_asked_for() -> None:
    cells = pd.DataFrame({"a": "1", "b": "1", "c": "1", "hour": np.arange(24), "n": 1000})
    night = cells["hour"].isin([22, 23, 0, 1])
    cells = cells.assign(y=np.where(night, 200, 100), expected=100.0)
    wrapped = cast("Found", grid_of(cells, wrap=True).best([counts_of(cells)]))
    assert str(wrapped.slice) == "22-02h"
    straight = cast("Found", grid_of(cells).best([counts_of(cells)]))
    assert straight.slice.hour is not None
    assert straight.slice.hour.start < straight.slice.hour.end


def test_nothing_worse_is_no_slice() -> None:
    cells = random_cells(9).assign(y=0)
    assert grid_of(cells).best([counts_of(cells)]) is None


def test_every_set_of_dimensions_shares_the_allowed_error() -> None:
    grid = grid_of(random_cells(1))
    spent = 0.0
    for group in np.nonzero(grid.lattice.live)[0]:
        slice_ = grid.lattice.slice_at(int(group))
        ranged = slice_.model_copy(update={"hour": HourRange(start=1, end=2)})
        spent += 1 / grid.tests(slice_) + grid.ranges.apart / grid.tests(ranged)
    assert spent == pytest.approx(1.0, rel=1e-3)


def test_ranges_of_hours_are_charged_for_at_least_what_they_are_worth() -> None:
    rng = np.random.default_rng(0)
    grid = grid_of(random_cells(1))
    hours = grid.ranges.length[1:]
    beyond, draws = 0, 40_000
    for _ in range(10):
        sums = grid.ranges.sums(rng.normal(size=(draws // 10, 24)))[:, 1:]
        beyond += int((np.max(sums / np.sqrt(hours), axis=1) > 3.5).sum())
    assert beyond / draws <= grid.ranges.apart * 2.326e-4
