import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.mechanism_bins import Places, Tree, within

SIZES = (3, 2, 4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 6))
def test_a_bin_with_too_few_orders_falls_back_layer_by_layer(seed: int, orders: int, least: int) -> None:
    """As if the orders were filtered by all parents, then without the weakest, and so on."""
    rng = np.random.default_rng(seed)
    keys = [(rng.integers(0, size, orders), size) for size in SIZES]
    tree = Tree.of(keys, orders)
    layers = tree.layers(tree.own)
    count = np.bincount(np.concatenate(layers), minlength=tree.starts[-1])
    asked = [rng.integers(0, size, 40) for size in SIZES]
    found = tree.settled(count >= least)[tree.find(asked, 40)]
    for number in range(40):
        chosen = np.ones(orders, dtype=bool)
        alike = [chosen]
        for (code, _), given_code in zip(keys, asked, strict=True):
            chosen = chosen & (code == given_code[number])
            alike.append(chosen)
        expected = next((one for one in reversed(alike) if one.sum() >= least), alike[0])
        layer = int(np.searchsorted(tree.starts, found[number], side="right")) - 1
        assert np.array_equal(layers[layer] == found[number], expected)


def test_a_node_without_parents_has_one_bin() -> None:
    tree = Tree.of([], 3)
    assert tree.find([], 2).tolist() == [0, 0]
    assert [bins.tolist() for bins in tree.layers(tree.own)] == [[0, 0, 0]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-5, 5)), min_size=1, max_size=40))
def test_ranks_within_bins_are_the_values_sorted_within_bins(pairs: list[tuple[int, float]]) -> None:
    bins, values = np.array([one for one, _ in pairs]), np.array([two for _, two in pairs])
    places = Places.of(values)
    found = places.values[within(bins, places.rank, places.bits)]
    assert found.tolist() == values[np.lexsort((values, bins))].tolist()
