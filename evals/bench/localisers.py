"""Ways to say where a drop sits: ours, and two that people use, written plainly."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from data.slices import HourRange, Slice
from evals.bench.fault_cells import LEAST_ORDERS, FaultCase
from tools.cube import encode
from tools.localise import localise
from tools.scan import Grid

Floats = npt.NDArray[np.float64]

LEAST_TRIALS: Final = LEAST_ORDERS
"""Below it the largest rate change is that of a handful of orders; it is told how small a cause can be."""
MOST_PREDICATES: Final = 3

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


def sliceline(case: FaultCase) -> tuple[Slice, ...]:
    """SliceLine's best slice of orders, its orders taken out, and again; told how many causes there are.

    Its error of an order is harm over what was expected of its cell, so that bad parts do not win by always having
    been bad. It has no ranges: an hour is a value like any other.

    References:
        S. Sagadeeva, M. Boehm (2021), SliceLine: fast, linear-algebra-based slice finding.
    """
    finder = import_module("sliceline").Slicefinder
    names = [*case.dims, "hour"]
    values, errors = _single_orders(case, names)
    found: list[Slice] = []
    for _ in case.truth:
        search = finder(alpha=0.95, k=1, max_l=MOST_PREDICATES, min_sup=LEAST_TRIALS, verbose=False)
        best = search.fit(values, errors).top_slices_
        if not len(best):
            break
        chosen = {name: str(value) for name, value in zip(names, best[0], strict=True) if value is not None}
        hour = HourRange(start=int(chosen["hour"]), end=int(chosen["hour"]) + 1) if "hour" in chosen else None
        found.append(Slice(values=tuple((k, v) for k, v in chosen.items() if k != "hour"), hour=hour))
        inside = np.ones(len(values), dtype=bool)
        for position, name in enumerate(names):
            if name in chosen:
                inside &= values[:, position].astype(str) == chosen[name]
        values, errors = values[~inside], errors[~inside]
    return tuple(found)


def _single_orders(case: FaultCase, names: list[str]) -> tuple[npt.NDArray[np.object_], Floats]:
    cells = case.cells[case.cells["n"] > 0]
    n, y = (cells[name].to_numpy(np.int64) for name in ("n", "y"))
    share = np.maximum(cells["expected"].to_numpy(np.float64) / n, 1e-3)
    rows = np.repeat(np.arange(len(cells)), n)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(n) - n, n)
    return cells[names].to_numpy(dtype=object)[rows], np.where(place < y[rows], 1 / share[rows], 0.0)


PUBLISHED: Final[Mapping[str, Localiser]] = {"sliceline": sliceline}
"""Published methods that can be run where their package is installed."""


def installed() -> Mapping[str, Localiser]:
    """Those that can be run here."""
    return {name: locate for name, locate in PUBLISHED.items() if find_spec(name) is not None}


def not_installed() -> tuple[str, ...]:
    """Those that cannot."""
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
