"""Which slices are looked at."""

import numpy as np
import pandas as pd

from tools.cube import build


def cells(*, kinds: int, copies: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    size = 600
    rows = pd.DataFrame({"day": rng.integers(0, 3, size), "hour": rng.integers(0, 24, size), "orders": 1})
    for number in range(kinds):
        rows[f"dim{number}"] = pd.Categorical(rng.integers(0, 3, size).astype(str))
    if copies:
        rows["dim0_and_1"] = pd.Categorical(rows["dim0"].astype(str) + rows["dim1"].astype(str))
    rows["store_id"] = pd.Categorical(rng.integers(0, 200, size).astype(str))
    return rows


def dims_of(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    return [
        family.dims
        for family in build(rows, [n for n in map(str, rows) if n.startswith(("dim", "store"))]).families
    ]


def test_up_to_three_dimensions_of_few_values_together_and_one_of_many_alone() -> None:
    found = dims_of(cells(kinds=4))

    assert [sum(len(dims) == count for dims in found) for count in range(5)] == [1, 5, 6, 4, 0]
    assert [dims for dims in found if "store_id" in dims] == [("store_id",)]


def test_a_combination_that_adds_nothing_is_left_out() -> None:
    found = dims_of(cells(kinds=2, copies=True))

    assert ("dim0", "dim1") in found
    assert not [dims for dims in found if "dim0_and_1" in dims and len(dims) > 1]


def test_a_third_dimension_only_where_there_are_three() -> None:
    assert build(cells(kinds=2), ["dim0", "dim1", "store_id"]).most_dims == 2
    assert build(cells(kinds=3), ["dim0", "dim1", "dim2", "store_id"]).most_dims == 3
