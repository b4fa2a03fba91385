"""Dense arrays over the cells: every tested slice by local day and hour.

A *family* is a set of dimensions whose combinations of values are slices: none (all orders), one, two or three
dimensions of few values, or one dimension of many values (a store) alone. Arrays have the shape
(slices, days, 24); windows of hours are differences of prefix sums over the last axis.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.slices import HourRange, Slice

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEW_VALUES: Final = 40
"""A dimension with more values is scanned alone and not by hour."""
MAX_GROUPS: Final = 600
"""A pair or triple with more combinations than this is not scanned."""
MOST_DIMS: Final = 3
"""Dimensions of few values that a slice may fix together, its hours not counted."""


@dataclass(frozen=True)
class Family:
    """Slices that fix the same dimensions."""

    dims: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    """Of each slice, in the order of `dims`."""
    of_row: Ints
    """Slice of each row of the cells."""
    by_hour: bool
    """Whether windows of hours are tested too."""

    def slice_at(self, index: int, hour: HourRange | None = None) -> Slice:
        """The slice with this index, within a range of hours."""
        return Slice(values=tuple(zip(self.dims, self.values[index], strict=True)), hour=hour)


class Stretch(Protocol):
    """A slice over a run of days, counted from the cube's first."""

    @property
    def slice(self) -> Slice:
        """Which orders."""
        ...

    @property
    def first(self) -> int:
        """Its first day."""
        ...

    @property
    def last(self) -> int:
        """The day after its last."""
        ...


class Part(NamedTuple):
    """The plainest `Stretch`."""

    slice: Slice
    first: int
    last: int


@dataclass(frozen=True)
class Cube:
    """The cells as coordinates: which day, hour and slice each row belongs to."""

    first_day: int
    days: int
    day: Ints
    """Of each row, counted from `first_day`."""
    hour: Ints
    families: tuple[Family, ...]
    leaf: Family
    """All dimensions of few values at once: where expectations are formed."""
    orders: Floats
    """Of each row."""
    columns: dict[str, npt.NDArray[np.str_]]
    """Value of each dimension, by row."""
    dims: tuple[str, ...]
    """Dimensions that slices are made of; one that only renames another is left out."""
    _places: dict[tuple[tuple[str, ...], ...], Ints] = field(default_factory=dict, repr=False, compare=False)
    """Where each row is summed, by the slices of a family; rows never change, whatever else is replaced."""

    @property
    def most_dims(self) -> int:
        """Dimensions that a slice may fix together: a third only where those of few values are three or more."""
        return max(2, min(MOST_DIMS, len(self.leaf.dims)))

    def dense(self, family: Family, weights: Floats, rows: Ints | None = None) -> Floats:
        """Sums of a row's weights, shape (slices, days, 24); of some rows alone, where they are named by number."""
        slices = (family.dims, *family.values)
        if slices not in self._places:
            self._places[slices] = (family.of_row * self.days + self.day) * 24 + self.hour
        places = self._places[slices]
        shape = (len(family.values), self.days, 24)
        chosen = (places, weights) if rows is None else (places[rows], weights[rows])
        sums = np.bincount(chosen[0], weights=chosen[1], minlength=int(np.prod(shape)))
        return np.asarray(sums.reshape(shape), dtype=np.float64)

    def rows(self, slice_: Slice) -> npt.NDArray[np.bool_]:
        """Which rows belong to a slice."""
        inside = np.ones(len(self.day), dtype=bool)
        for name, value in slice_.values:
            inside &= self.columns[name] == value
        if slice_.hour is not None:
            inside &= np.isin(self.hour, slice_.hour.hours)
        return inside

    def within(self, part: Stretch) -> npt.NDArray[np.bool_]:
        """Which rows belong to a slice on its days."""
        days = (self.day >= part.first) & (self.day < part.last)
        return np.asarray(days & self.rows(part.slice))


def build(cells: pd.DataFrame, dimensions: Sequence[str]) -> Cube:
    """The cube of these cells; rows outside any day are impossible, so every row counts."""
    first = int(cells["day"].min())
    codes = {name: encode(cells[name]) for name in dimensions}
    dims = _distinct(dimensions, codes)
    few = [name for name in dims if len(codes[name].labels) <= FEW_VALUES]
    orders = cells["orders"].to_numpy(np.float64)
    leaf = family(tuple(few), codes, len(cells), by_hour=True)
    return Cube(
        first_day=first,
        days=int(cells["day"].max()) - first + 1,
        day=cells["day"].to_numpy(np.int64) - first,
        hour=cells["hour"].to_numpy(np.int64),
        families=tuple(_families(few, dims, codes, len(cells))),
        leaf=leaf,
        orders=orders,
        columns={name: code.labels[code.of_row] for name, code in codes.items()},
        dims=dims,
    )


def hour_sums(values: Floats, length: int) -> Floats:
    """Sums over every window of `length` hours, along the last axis; 24 is the whole day.

    Example:
        >>> hour_sums(np.arange(24.0), 22).tolist()
        [231.0, 253.0, 275.0]
    """
    if length == values.shape[-1]:
        return np.asarray(values.sum(-1, keepdims=True))
    total = np.concatenate([np.zeros_like(values[..., :1]), np.cumsum(values, axis=-1)], axis=-1)
    return np.asarray(total[..., length:] - total[..., :-length])


@dataclass(frozen=True)
class Codes:
    """A dimension as numbers: `labels[of_row]` are its values."""

    labels: npt.NDArray[np.str_]
    of_row: Ints


def encode(values: pd.Series) -> Codes:
    """Number the values of a dimension in their alphabetical order; missing ones are `(none)`."""
    known = values.astype("category").cat
    text = known.categories.astype(str).to_numpy(dtype=str)
    order = np.argsort(text, kind="stable")
    rank = np.empty(len(order) + 1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = len(order)
    return Codes(np.append(text[order], "(none)"), rank[known.codes.to_numpy()])


def encode_labels(values: npt.NDArray[np.str_]) -> Codes:
    """As `encode`, of plain text values without missing ones."""
    labels, of_row = np.unique(values, return_inverse=True)
    return Codes(labels, of_row.astype(np.int64))


def _distinct(dimensions: Sequence[str], codes: Mapping[str, Codes]) -> tuple[str, ...]:
    """The dimensions without those whose values stand one to one for an earlier one's."""
    kept: list[str] = []
    for name in dimensions:
        if not any(_same_partition(codes[name], codes[other]) for other in kept):
            kept.append(name)
    return tuple(kept)


def _same_partition(one: Codes, two: Codes) -> bool:
    pairs = np.unique(one.of_row * (len(two.labels) + 1) + two.of_row).size
    return bool(pairs == np.unique(one.of_row).size == np.unique(two.of_row).size)


def _families(
    few: Sequence[str], dimensions: Sequence[str], codes: Mapping[str, Codes], rows: int
) -> Iterator[Family]:
    """A combination that has no more slices than one of its parts is left out: it is that part under another name."""
    yield family((), codes, rows, by_hour=True)
    sizes: dict[tuple[str, ...], int] = {}
    for count in range(1, min(MOST_DIMS, len(few)) + 1):
        for dims in combinations(few, count):
            parts = [sizes[part] for part in combinations(dims, count - 1) if part]
            if max(parts, default=0) > MAX_GROUPS:
                continue  # a combination has no fewer slices than its parts
            found = family(dims, codes, rows, by_hour=True)
            sizes[dims] = len(found.values)
            if count == 1 or (sizes[dims] <= MAX_GROUPS and sizes[dims] not in parts):
                yield found
    for name in dimensions:
        if name not in few:
            yield family((name,), codes, rows, by_hour=False)


def family(dims: tuple[str, ...], codes: Mapping[str, Codes], rows: int, *, by_hour: bool) -> Family:
    """The combinations of values of these dimensions that occur."""
    flat = np.zeros(rows, dtype=np.int64)
    for name in dims:
        flat = flat * len(codes[name].labels) + codes[name].of_row
    present, of_row = np.unique(flat, return_inverse=True)
    values = [_decode(int(code), dims, codes) for code in present]
    return Family(dims, tuple(values), of_row.astype(np.int64), by_hour)


def _decode(code: int, dims: tuple[str, ...], codes: Mapping[str, Codes]) -> tuple[str, ...]:
    values: list[str] = []
    for name in reversed(dims):
        code, position = divmod(code, len(codes[name].labels))
        values.append(str(codes[name].labels[position]))
    return tuple(reversed(values))
