import numpy as np
import pandas as pd

from data.slices import Slice
from tools.cube import encode
from tools.lattice import MOST_GROUPS, Lattice


def lattice(frame: pd.DataFrame, max_dims: int = 3) -> Lattice:
    codes = {str(name): encode(frame[name]) for name in frame}
    return Lattice.of(codes, len(frame), max_dims=max_dims, most_groups=MOST_GROUPS)


def names(found: Lattice) -> list[str]:
    return [str(found.slice_at(int(group))) for group in np.nonzero(found.live)[0]]


def test_a_store_is_never_named_with_its_region() -> None:
    frame = pd.DataFrame({"region": list("AABB"), "store": list("1122"), "kind": list("xyxy")})
    frame = pd.concat([frame, frame.assign(store=["3", "3", "4", "4"])])
    found = names(lattice(frame))
    assert "region=A" in found
    assert "store=1" in found
    assert not [name for name in found if "store" in name and "region" in name]


def test_rows_with_two_names_keep_the_one_with_fewest_dimensions() -> None:
    frame = pd.DataFrame({"region": list("AAB"), "kind": list("xyx")})
    found = names(lattice(frame))
    assert "region=B" in found
    assert "kind=y" in found
    assert "kind=x, region=B" not in found
    assert "kind=y, region=A" not in found
    assert "kind=x, region=A" in found


def test_two_dimensions_that_only_rename_each_other_are_one() -> None:
    frame = pd.DataFrame({"region": list("AAB"), "city": list("aab")})
    assert names(lattice(frame)) == ["all orders", "region=A", "region=B"]


def test_sums_are_those_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.integers(0, 4, 500).astype(str), "b": rng.integers(0, 3, 500).astype(str)})
    hour, weight = rng.integers(0, 24, 500), rng.random(500)
    found = lattice(frame)
    sums = found.sums(weight, hour)
    some = np.arange(0, 500, 7)
    part = found.sums(weight[some], hour, some)
    for group in range(len(found.live)):
        rows = found.rows(found.slice_at(group))
        assert np.allclose(sums[group], np.bincount(hour[rows], weight[rows], 24))
        assert np.allclose(part[group].sum(), weight[some][rows[some]].sum())


def test_near_leaves_out_what_contradicts() -> None:
    frame = pd.DataFrame({"a": list("1122"), "b": list("xyxy")})
    found = lattice(frame)
    near = found.near(Slice.parse({"a": "1"}))
    shown = {str(found.slice_at(int(group))) for group in np.nonzero(near)[0]}
    assert shown == {"all orders", "a=1", "b=x", "b=y", "a=1, b=x", "a=1, b=y"}


def test_a_missing_value_is_a_value_of_its_own() -> None:
    frame = pd.DataFrame({"a": ["1", None, "1", None], "b": list("xxyy")})
    assert "a=(none)" in names(lattice(frame))
