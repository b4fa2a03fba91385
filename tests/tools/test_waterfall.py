import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.slices import HourRange, Slice
from tools.waterfall import MOST_PARTS, rows_of, waterfall

ROWS = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.sampled_from("xyz"), st.integers(0, 23), st.integers(1, 1000), st.floats(0, 1),
        st.floats(0, 1),
    ),
    min_size=1, max_size=40,
)  # fmt: skip
SLICES = st.lists(
    st.builds(
        lambda city, kind, hours: Slice(
            values=tuple((name, value) for name, value in (("city", city), ("kind", kind)) if value),
            hour=HourRange(start=hours[0], end=hours[1]) if hours and hours[0] != hours[1] else None,
        ),
        st.sampled_from(["", "A", "B"]),
        st.sampled_from(["", "x", "y", "z"]),
        st.one_of(st.none(), st.tuples(st.integers(0, 23), st.integers(1, 24))),
    ),
    max_size=12,
)


def table(rows: list[tuple[str, str, int, int, float, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["city", "kind", "hour", "n", "seen", "awaited"])
    return frame.assign(y=np.floor(frame["n"] * frame["seen"]), expected=frame["n"] * frame["awaited"])


@settings(max_examples=300, deadline=None)
@given(ROWS, SLICES, st.one_of(st.none(), st.floats(0, 1)))
def test_parts_add_up_and_do_not_overlap(
    rows: list[tuple[str, str, int, int, float, float]], slices: list[Slice], baseline: float | None
) -> None:
    cells = table(rows)
    steps = waterfall(cells, slices, baseline=baseline)
    assert abs(sum(part.change for part in steps.parts) - steps.whole) < 1e-9
    before = cells["expected"].sum() / cells["n"].sum() if baseline is None else baseline
    assert steps.whole == pytest.approx(cells["y"].sum() / cells["n"].sum() - before, abs=1e-12)
    assert sum(part.trials for part in steps.parts) == cells["n"].sum()
    assert len(steps.parts) <= MOST_PARTS
    assert [part.kind for part in steps.parts].count("rest") == 1
    assert steps.parts[-1].kind == "rest"


def test_orders_of_two_slices_go_to_the_first() -> None:
    cells = table([("A", "x", 1, 100, 0.5, 0.1), ("A", "y", 1, 100, 0.3, 0.1), ("B", "x", 1, 100, 0.2, 0.1)])
    steps = waterfall(cells, [Slice.parse({"city": "A"}), Slice.parse({"kind": "x"})])
    assert [part.trials for part in steps.parts] == [200.0, 100.0, 0.0]
    assert [round(part.change, 9) for part in steps.parts] == [0.2, round(10 / 300, 9), 0.0]


def test_slices_beyond_the_last_part_are_everything_else() -> None:
    cells = pd.DataFrame({"city": list("ABCDEFGHIJ"), "n": 10, "y": 5, "expected": 1.0, "hour": 0})
    slices = [Slice.parse({"city": city}) for city in "ABCDEFGHIJ"]
    steps = waterfall(cells, slices, baseline=0.1)
    assert len(steps.parts) == 8
    assert steps.parts[-1].trials == 40.0


def test_bad_arguments_are_named() -> None:
    cells = pd.DataFrame({"city": ["A"], "n": [0], "y": [0], "expected": [0.0]})
    with pytest.raises(ValueError, match="n sums to 0"):
        waterfall(cells, [])
    with pytest.raises(ValueError, match="most = 2"):
        waterfall(cells.assign(n=1), [], most=2)
    with pytest.raises(ValueError, match="no column 'region'"):
        rows_of(cells, Slice.parse({"region": "A"}))
