"""Every slice of a table of cells: the conjunctions of up to so many dimensions, each set of rows named once.

Two names can mean the same rows: a store and "the store in its region", a category sold in one region only and its
conjunction with that region. Such names are recognised by the rows themselves and only the one with the fewest
dimensions is kept, so that a slice never names a dimension that another one already decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from data.slices import HourRange, Slice
from tools.cube import Codes, Floats, Ints

Bools = npt.NDArray[np.bool_]

MOST_GROUPS: Final = 20_000
"""A set of dimensions with more combinations than this is not scanned."""
_DENSE: Final = 4_000_000
"""Combinations up to which counting beats sorting."""


class Layer(NamedTuple):
    """The slices that fix the same dimensions; their numbers start at `first`."""

    dims: tuple[str, ...]
    keys: Ints
    """Number of the value of each dimension, shape (slices, dimensions)."""
    of_row: Ints
    """Slice of each row, counted from 0."""
    first: int

    @property
    def groups(self) -> slice:
        """Its places among all slices."""
        return slice(self.first, self.first + len(self.keys))


@dataclass(frozen=True)
class Lattice:
    """All slices of some rows, numbered through from the fewest dimensions to the most."""

    codes: Mapping[str, Codes]
    layers: tuple[Layer, ...]
    live: Bools
    """Slices that are the shortest name of their rows, shape (slices,)."""
    layer_of: Ints
    """Layer of each slice, shape (slices,)."""
    width: Ints
    """Live slices in the layer of each slice, shape (slices,)."""

    @classmethod
    def of(cls, codes: Mapping[str, Codes], rows: int, *, max_dims: int, most_groups: int) -> "Lattice":
        """The slices of up to `max_dims` dimensions, those sets of dimensions left out that have too many."""
        layers: list[Layer] = []
        for size in range(max_dims + 1):
            for dims in combinations(codes, size):
                first = layers[-1].groups.stop if layers else 0
                layer = _layer(dims, codes, rows, first)
                if size < 2 or len(layer.keys) <= most_groups:
                    layers.append(layer)
        live = _shortest_names(layers, rows)
        layer_of = np.repeat(np.arange(len(layers)), [len(layer.keys) for layer in layers])
        width = np.bincount(layer_of, weights=live, minlength=len(layers)).astype(np.int64)
        return cls(codes, tuple(layers), live, layer_of, width[layer_of])

    def slice_at(self, group: int, hour: HourRange | None = None) -> Slice:
        """The slice with this number, within a range of hours."""
        layer = self.layers[int(self.layer_of[group])]
        key = layer.keys[group - layer.first]
        names = zip(layer.dims, key, strict=True)
        values = tuple((name, str(self.codes[name].labels[number])) for name, number in names)
        return Slice(values=values, hour=hour)

    def rows(self, slice_: Slice) -> Bools:
        """Which rows have a slice's values, whatever their hour."""
        inside = np.ones(len(self.layers[0].of_row), dtype=bool)
        for name, value in slice_.values:
            code = self.codes[name]
            inside &= (code.labels == value)[code.of_row]
        return inside

    def near(self, slice_: Slice) -> Bools:
        """Slices that do not contradict the values of this one, shape (slices,)."""
        fits = self.live.copy()
        wanted = {name: self.codes[name].labels == value for name, value in slice_.values}
        for layer in self.layers:
            for position, name in enumerate(layer.dims):
                if name in wanted:
                    fits[layer.groups] &= wanted[name][layer.keys[:, position]]
        return fits

    def width_of(self, slice_: Slice) -> int:
        """How many slices fix the same dimensions; 1 where these are not in the lattice."""
        dims = {name for name, _ in slice_.values}
        for layer in self.layers:
            if set(layer.dims) == dims:
                return max(int(self.live[layer.groups].sum()), 1)
        return 1

    def sums(self, weights: Floats, hour: Ints | None, rows: Ints | None = None) -> Floats:
        """Sums by slice and hour, shape (slices, 24); without hours all is in the first.

        Args:
            weights: of every row (of `rows`, where they are given).
            hour: of every row.
            rows: the numbers of the rows to sum over; all by default.
        """
        parts = []
        at = hour if hour is None or rows is None else hour[rows]
        for layer in self.layers:
            group = layer.of_row if rows is None else layer.of_row[rows]
            size = len(layer.keys)
            if at is None:
                parts.append(np.pad(np.bincount(group, weights, size)[:, None], ((0, 0), (0, 23))))
            else:
                parts.append(np.bincount(group * 24 + at, weights, size * 24).reshape(size, 24))
        return np.concatenate(parts)


def _layer(dims: Sequence[str], codes: Mapping[str, Codes], rows: int, first: int) -> Layer:
    flat = np.zeros(rows, dtype=np.int64)
    space = 1
    for name in dims:
        flat = flat * len(codes[name].labels) + codes[name].of_row
        space *= len(codes[name].labels)
    if space <= _DENSE:
        present = np.nonzero(np.bincount(flat, minlength=space))[0]
        number = np.zeros(space, dtype=np.int64)
        number[present] = np.arange(len(present))
        of_row = number[flat]
    else:
        present, of_row = np.unique(flat, return_inverse=True)
    return Layer(tuple(dims), _decoded(present, dims, codes), of_row.astype(np.int64), first)


def _decoded(flat: Ints, dims: Sequence[str], codes: Mapping[str, Codes]) -> Ints:
    keys = np.empty((len(flat), len(dims)), dtype=np.int64)
    for position in range(len(dims) - 1, -1, -1):
        flat, keys[:, position] = np.divmod(flat, len(codes[dims[position]].labels))
    return keys


def _shortest_names(layers: Sequence[Layer], rows: int) -> Bools:
    """Which slices are the first with their rows; rows are told apart by sums of random numbers.

    The numbers are whole and below 2**30, so that sums of millions of them are exact in doubles.
    """
    signs = np.random.default_rng(20_240_229).integers(1, 2**30, size=(2, rows)).astype(np.float64)
    marks = np.concatenate(
        [np.stack([np.bincount(layer.of_row, sign, len(layer.keys)) for sign in signs]) for layer in layers],
        axis=1,
    )
    order = np.lexsort(marks)  # stable: among equals the first comes first
    again = np.zeros(marks.shape[1], dtype=bool)
    again[order[1:]] = np.all(marks[:, order[1:]] == marks[:, order[:-1]], axis=0)
    return ~again
