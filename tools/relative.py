"""What the rest of a place went through in the same hours: expectations with the shared part of a day taken out.

Weather, traffic or a lack of couriers hit all orders of a place alike, and make its slices stray together. Against
the rest of their place, slices stray far less, so that a fault of one slice is seen days earlier. Nothing is seen
this way of a fault that the whole place shares; the plain expectations see that.

References:
    The rest of the place serves as the synthetic control does: A. Abadie, A. Diamond and J. Hainmueller (2010),
    Synthetic control methods for comparative case studies; here with fixed weights.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np

from tools.cube import Cube, Family, Floats
from tools.signals import Signal

PLACE: Final = "region"
"""The dimension whose values share a day's luck."""
PRIOR_HARM: Final = 5.0
"""Expected bad events with which the rest's ratio is drawn to one."""
_MOST_HARM: Final = 0.995


def comparable(cube: Cube) -> bool:
    """Whether there are places, and slices within them to compare."""
    return PLACE in cube.leaf.dims and len(cube.leaf.dims) > 1


def within_place(cube: Cube) -> Cube:
    """The cube with those families alone that are less than a whole place."""
    kept = tuple(one for one in cube.families if set(one.dims) - {PLACE})
    return replace(cube, families=kept)


def relative(cube: Cube, signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """The signals of rates, each row expected to share what the rest of its place went through.

    The rest of a row's place are the rows of the same place, day and hour (the hours beside it included) that share
    no value of any other dimension of few values with it.
    """
    return tuple(_relative(cube, one) if one.metric.kind == "rate" else one for one in signals)


def _relative(cube: Cube, signal: Signal) -> Signal:
    harm, expected = (_rest(cube, part) for part in (signal.harm, signal.expected))
    factor = (harm + PRIOR_HARM) / (expected + PRIOR_HARM)
    adjusted = np.minimum(signal.expected * factor, _MOST_HARM * signal.trials)
    return replace(signal, expected=np.maximum(adjusted, 0.0))


def _rest(cube: Cube, weights: Floats) -> Floats:
    """Sums over the rest of each row's place, by inclusion and exclusion of the other dimensions."""
    others = [name for name in cube.leaf.dims if name != PLACE]
    total = np.zeros(len(cube.day))
    for size in range(len(others) + 1):
        for shared in combinations(others, size):
            total += (-1) ** size * _shared(cube, (PLACE, *shared), weights)
    return np.maximum(total, 0.0)


def _shared(cube: Cube, dims: tuple[str, ...], weights: Floats) -> Floats:
    """Sums over the rows with the same values of some dimensions, by day, over each hour and those beside it."""
    family = _family(cube, dims)
    sums = cube.dense(family, weights)
    near = sums.copy()
    near[..., 1:] += sums[..., :-1]
    near[..., :-1] += sums[..., 1:]
    return np.asarray(near[family.of_row, cube.day, cube.hour])


def _family(cube: Cube, dims: tuple[str, ...]) -> Family:
    """The leaves merged to fewer dimensions."""
    at = [cube.leaf.dims.index(name) for name in dims]
    values = [tuple(value[position] for position in at) for value in cube.leaf.values]
    distinct = sorted(set(values))
    number = {value: index for index, value in enumerate(distinct)}
    of_leaf = np.array([number[value] for value in values], dtype=np.int64)
    return Family(dims, tuple(distinct), of_leaf[cube.leaf.of_row], by_hour=True)
