"""A gate before blame: days on which the order feed itself looks broken.

One simple method: the orders of a region on a day, against the same weekday of the trailing weeks. A day with less
than 40 % or more than 180 % of what was expected, far outside of how the region strays, is taken for a fault of
the data, shown as such, and kept out of the search for CX incidents.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from data.slices import ALL_ORDERS, Slice
from tools.baseline import WEEK, Span, trailing
from tools.cube import Cube, Family, Floats

COLLAPSED: Final = 0.4
DOUBLED: Final = 1.8
_LEAST_ORDERS: Final = 50.0
_LEAST_Z: Final = 6.0


Bools = npt.NDArray[np.bool_]


class Break(NamedTuple):
    """A run of days on which a feed looks broken."""

    slice: Slice
    first: int
    last: int
    """The day after its last."""
    expected: float
    """Orders a day."""
    seen: float
    z: float
    """Signed: negative where orders are missing."""


class _Volume(NamedTuple):
    seen: Floats
    expected: Floats
    z: Floats
    broken: Bools


def breaks(cube: Cube, span: Span, *, days: int) -> tuple[Break, ...]:
    """Broken feeds by region, or of the whole business where every region breaks alike.

    Args:
        cube: the cells.
        span: which days a day is compared with.
        days: number of days that have closed.
    """
    whole = next(one for one in cube.families if not one.dims)
    regional = next((one for one in cube.families if one.dims == ("region",)), whole)
    volume = _volume(cube, regional, span, days)
    everywhere = np.asarray(volume.broken.all(axis=0))
    found = list(_runs(_volume(cube, whole, span, days), 0, ALL_ORDERS, everywhere))
    for index in range(len(regional.values)) if regional is not whole else ():
        slice_ = regional.slice_at(index)
        found.extend(_runs(volume, index, slice_, volume.broken[index] & ~everywhere))
    return tuple(found)


def _volume(cube: Cube, family: Family, span: Span, days: int) -> _Volume:
    seen = cube.dense(family, cube.orders).sum(-1)
    count = np.ones_like(seen)
    weekly = trailing(seen[..., None], span, step=WEEK)[..., 0]
    weeks = trailing(count[..., None], span, step=WEEK)[..., 0]
    expected = weekly / np.maximum(weeks, 1)
    excess = (seen - expected) ** 2 / np.maximum(expected, 1.0)
    ordinary = np.minimum(excess, expected / 4)
    phi = np.maximum(
        trailing(ordinary[..., None], span)[..., 0] / trailing(count[..., None], span)[..., 0], 1.0
    )
    z = (seen - expected) / np.sqrt(phi * np.maximum(expected, 1.0))
    odd = (seen < COLLAPSED * expected) | (seen > DOUBLED * expected)
    tested = (np.arange(cube.days) >= span.warmup_days) & (np.arange(cube.days) < days)
    broken = odd & (np.abs(z) > _LEAST_Z) & (expected >= _LEAST_ORDERS) & tested
    return _Volume(seen, expected, z, broken)


def _runs(volume: _Volume, index: int, slice_: Slice, broken: Bools) -> Sequence[Break]:
    numbered = enumerate(np.flatnonzero(broken).tolist())
    runs = [[day for _, day in run] for _, run in groupby(numbered, key=lambda item: item[1] - item[0])]
    return [
        Break(
            slice_,
            run[0],
            run[-1] + 1,
            float(volume.expected[index, run].mean()),
            float(volume.seen[index, run].mean()),
            float(volume.z[index, run].sum() / np.sqrt(len(run))),
        )
        for run in runs
    ]
