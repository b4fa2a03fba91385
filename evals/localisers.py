"""Ways to say where a drop sits: ours, and two that people use, written plainly."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from data.slices import Slice
from evals.fault_cells import LEAST_ORDERS, FaultCase
from tools.cube import encode
from tools.localise import localise
from tools.scan import Grid

Floats = npt.NDArray[np.float64]

LEAST_TRIALS: Final = LEAST_ORDERS
"""Below it the largest rate change is that of a handful of orders; it is told how small a cause can be."""
PUBLISHED: Final = ("riskloc", "sliceline")
"""Published methods by the name of their package."""

Localiser = Callable[[FaultCase], tuple[Slice, ...]]
Rule = Literal["contribution", "rate"]


def ours(case: FaultCase) -> tuple[Slice, ...]:
    """The scan; it is not told how many causes there are."""
    found = localise(case.cells, dims=case.dims, hour="hour", phi=case.phi)
    return tuple(one.slice for one in found)


def largest_contribution(case: FaultCase) -> tuple[Slice, ...]:
    """The slice with most excess harm, its orders taken out, and again; told how many causes there are."""
    return _largest(case, "contribution")


def largest_rate_change(case: FaultCase) -> tuple[Slice, ...]:
    """The slice with enough orders whose rate rose most, its orders taken out, and again; told the number."""
    return _largest(case, "rate")


LOCALISERS: Final[Mapping[str, Localiser]] = {
    "scan (ours)": ours,
    "largest contribution": largest_contribution,
    "largest rate change": largest_rate_change,
}


def not_installed() -> tuple[str, ...]:
    """Published methods that cannot be run here."""
    return tuple(name for name in PUBLISHED if find_spec(name) is None)


def _largest(case: FaultCase, rule: Rule) -> tuple[Slice, ...]:
    """All slices that ours searches, the one of all orders left out: it would always contribute most."""
    hour = case.cells["hour"].to_numpy(np.int64)
    codes = {name: encode(case.cells[name]) for name in case.dims}
    grid = Grid.of(codes, hour, len(case.cells), max_dims=3)
    parts = [case.cells[name].to_numpy(np.float64) for name in ("n", "y", "expected")]
    found: list[Slice] = []
    for _ in case.truth:
        n, y, expected = (grid.ranges.sums(grid.lattice.sums(part, hour)) for part in parts)
        value = y - expected
        if rule == "rate":
            value = np.where(n >= LEAST_TRIALS, value / np.maximum(n, 1.0), -np.inf)
        value[~grid.lattice.live] = -np.inf
        value[0, 0] = -np.inf
        group, number = divmod(int(np.argmax(value)), value.shape[1])
        found.append(grid.lattice.slice_at(group, grid.ranges.at(number)))
        inside = grid.rows(found[-1])
        parts = [np.where(inside, 0.0, part) for part in parts]
    return tuple(found)
