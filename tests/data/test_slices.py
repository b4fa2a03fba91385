import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data.slices import ALL_ORDERS, HourRange, Slice

values = st.dictionaries(
    st.sampled_from(["region", "category", "store_id", "dest"]), st.sampled_from(["a", "b", "c"])
)
hours = st.none() | st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda h: h[0] != h[1]).map(
    lambda h: HourRange(start=h[0], end=h[1])
)
slices = st.builds(lambda v, h: Slice.parse({**v, "hour": h.model_dump()} if h else v), values, hours)


@given(slices)
def test_slice_survives_json(slice_: Slice) -> None:
    assert Slice.model_validate_json(slice_.model_dump_json()) == slice_
    assert Slice.parse(slice_.model_dump()) == slice_


@given(slices, slices)
def test_slice_contains_and_overlaps_agree(wide: Slice, narrow: Slice) -> None:
    assert wide.overlaps(narrow) == narrow.overlaps(wide)
    assert wide.contains(wide)
    assert ALL_ORDERS.contains(narrow)
    if wide.contains(narrow):
        assert wide.overlaps(narrow)
        assert set(wide.values) <= set(narrow.values)
    if wide.contains(narrow) and narrow.contains(wide):
        assert wide.values == narrow.values


@given(slices, slices, slices)
def test_slice_contains_is_transitive(a: Slice, b: Slice, c: Slice) -> None:
    if a.contains(b) and b.contains(c):
        assert a.contains(c)


@given(st.integers(0, 23), st.integers(1, 24))
def test_hours_are_contiguous_and_half_open(start: int, end: int) -> None:
    if start == end:
        with pytest.raises(ValidationError, match="is empty; leave it out for the whole day"):
            HourRange(start=start, end=end)
        return
    found = HourRange(start=start, end=end).hours
    assert found[0] == start
    assert (found[-1] + 1) % 24 == end % 24
    assert all((b - a) % 24 == 1 for a, b in itertools.pairwise(found))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"region": ["SF", "LA"]}, "slice dimension 'region' must be one value"),
        ({"hour": {"from": 24, "to": 2}}, "less than or equal to 23"),
        ({"hour": 18}, "valid dictionary"),
        ({"hour": {"from": 1, "to": 2, "until": 3}}, "Extra inputs"),
    ],
)
def test_slice_says_what_is_wrong(value: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Slice.parse(value)


def test_slice_names_its_dimensions() -> None:
    slice_ = Slice.parse({"region": "SF", "category": "x", "hour": {"from": 22, "to": 2}})
    assert slice_.dimensions == ("category", "region", "hour")
    assert (slice_.get("region"), slice_.get("store_id")) == ("SF", None)
    assert str(slice_) == "category=x, region=SF, 22-02h"
    assert str(ALL_ORDERS) == "all orders"


def test_slice_of_the_same_dimension_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="names a dimension twice"):
        Slice(values=(("region", "SF"), ("region", "LA")))


def test_slice_has_a_schema() -> None:
    assert Slice.model_json_schema()["additionalProperties"] == {"type": "string"}
