import numpy as np
import pandas as pd
import pytest

from data.slices import ALL_ORDERS, Slice
from tools.cube import encode
from tools.explanation import adjusted, conditioned, explain, raised, significance
from tools.scan import Counts, Found, Grid

A, B = Slice.parse({"city": "A"}), Slice.parse({"city": "B"})


def setting(harm: list[float], expected: list[float] | None = None) -> tuple[Grid, Counts]:
    cells = pd.DataFrame({"city": list("AABB"), "kind": list("xyxy")})
    grid = Grid.of({name: encode(cells[name]) for name in ("city", "kind")}, None, 4, max_dims=2)
    trials = np.full(4, 1000.0)
    return grid, Counts(trials, np.array(harm), np.array(expected or [100.0] * 4))


def test_a_slice_explained_expects_what_was_seen_in_it() -> None:
    grid, counts = setting([200, 220, 100, 90])
    expected = conditioned(grid, counts, [A])
    assert expected[:2].sum() == pytest.approx(420)
    assert expected[2:].tolist() == [100, 100]


def test_the_form_that_fits_is_taken() -> None:
    _, counts = setting([150, 400, 100, 100], [50.0, 300.0, 100.0, 100.0])
    rows = np.array([0, 1])
    same_for_all = raised(counts, counts.expected[rows], rows)
    assert same_for_all == pytest.approx([150, 400])
    odds = counts._replace(harm=np.array([95.2, 461.5, 100, 100]))
    by_factor = raised(odds, counts.expected[rows], rows)
    assert by_factor == pytest.approx([95.2, 461.5], abs=0.5)


def test_sums_are_raised_by_a_factor_or_by_the_same_for_all() -> None:
    _, counts = setting([100, 600, 100, 100], [50.0, 300.0, 100.0, 100.0])
    rows = np.array([0, 1])
    assert raised(counts._replace(kind="sum"), counts.expected[rows], rows) == pytest.approx([100, 600])


def test_a_parent_is_named_once_and_its_parts_not() -> None:
    grid, counts = setting([200, 190, 100, 100])
    assert [one.slice for one in explain(grid, counts, max_slices=5, alpha=0.05)] == [A]


def test_a_given_slice_stays_and_comes_first() -> None:
    grid, counts = setting([200, 190, 250, 240])
    given = Found(B, 0.0, 1)
    found = explain(grid, counts, max_slices=5, alpha=0.05, given=given)
    assert found[0] is given
    assert {one.slice for one in found} == {A, B}


def test_at_most_so_many() -> None:
    grid, counts = setting([200, 100, 100, 250])
    assert len(explain(grid, counts, max_slices=1, alpha=0.05)) == 1


def test_the_charge_for_the_search_is_on_top() -> None:
    grid, counts = setting([130, 120, 100, 100])
    assert adjusted(grid, counts, A) == pytest.approx(significance(grid, counts, A) * grid.tests(A))
    assert grid.tests(ALL_ORDERS) < grid.tests(A)
