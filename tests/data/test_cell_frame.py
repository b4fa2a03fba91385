import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cell_frame import CellFrame
from data.tables import frame

DAYS = st.lists(
    st.lists(st.tuples(st.sampled_from("cabd"), st.integers(-(2**62), 2**62)), min_size=1, max_size=6),
    min_size=1,
    max_size=5,
)


def table(rows: list[tuple[str, int]], *, encode: bool) -> pa.Table:
    found = pa.table({"region": [name for name, _ in rows], "orders": [number for _, number in rows]})
    return found.set_column(0, "region", found["region"].dictionary_encode()) if encode else found


@given(days=DAYS, encode=st.booleans())
def test_days_are_put_together_as_arrow_does_it(days: list[list[tuple[str, int]]], encode: bool) -> None:
    tables = [table(rows, encode=encode) for rows in days]
    whole = CellFrame(100, ["region", "orders"], ["region"])
    for rows in tables:
        whole.add(rows)
    pd.testing.assert_frame_equal(whole.frame(), frame(pa.concat_tables(tables), ("region",)))


def test_a_frame_without_rows_has_its_columns() -> None:
    empty = CellFrame(0, ["region", "orders"], ["region"]).frame()
    assert list(empty.columns) == ["region", "orders"]
    assert empty.empty
    assert empty["orders"].dtype == np.int64


def test_more_rows_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        CellFrame(1, ["region", "orders"], ["region"]).add(table([("a", 1), ("b", 2)], encode=True))
