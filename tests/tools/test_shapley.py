from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.shapley import shapley

PLAYERS = ("a", "b", "c", "d")
COALITIONS = [frozenset(c) for size in range(5) for c in combinations(PLAYERS, size)]
WORTHS = st.lists(st.floats(-1e3, 1e3), min_size=16, max_size=16).map(
    lambda worth: dict(zip(COALITIONS, worth, strict=True))
)


@given(WORTHS)
def test_values_add_up(worth: dict[frozenset[str], float]) -> None:
    values = shapley(PLAYERS, worth.__getitem__)
    assert sum(values.values()) == pytest.approx(worth[frozenset(PLAYERS)] - worth[frozenset()], abs=1e-9)


@given(WORTHS)
def test_who_adds_nothing_gets_nothing_and_equals_get_the_same(worth: dict[frozenset[str], float]) -> None:
    def value(coalition: frozenset[str]) -> float:
        # d never matters; of a and b only how many they are.
        same = len(coalition & {"a", "b"})
        return worth[frozenset(("a", "b")[:same]) | (coalition & {"c"})]

    values = shapley(PLAYERS, value)
    assert values["d"] == pytest.approx(0.0, abs=1e-9)
    assert values["a"] == pytest.approx(values["b"], abs=1e-9)
