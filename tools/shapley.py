"""Shapley values of a game of few players, exactly.

References:
    L. Shapley (1953), A value for n-person games.
"""

from collections.abc import Callable, Hashable, Sequence
from itertools import combinations
from math import factorial
from typing import TypeVar

P = TypeVar("P", bound=Hashable)


def shapley(players: Sequence[P], value: Callable[[frozenset[P]], float]) -> dict[P, float]:
    """Each player's mean gain over all orders of joining.

    Args:
        players: at most ten or so: `value` is asked once a subset.
        value: of a coalition.

    Returns:
        By player; they sum to `value(all) - value(none)`.

    Example:
        >>> worth = {"": 0.0, "a": 1.0, "b": 2.0, "ab": 6.0}
        >>> shapley("ab", lambda those: worth["".join(sorted(those))])
        {'a': 2.5, 'b': 3.5}
    """
    known = {
        frozenset(chosen): value(frozenset(chosen))
        for size in range(len(players) + 1)
        for chosen in combinations(players, size)
    }
    total = factorial(len(players))
    gains = dict.fromkeys(players, 0.0)
    for coalition, worth in known.items():
        absent = [player for player in players if player not in coalition]
        for player in absent:
            orders = factorial(len(coalition)) * factorial(len(absent) - 1)
            gains[player] += orders / total * (known[coalition | {player}] - worth)
    return gains
