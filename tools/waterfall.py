"""A whole drop as a few parts that do not overlap and add up to it exactly; the last one is everything else."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.slices import Slice

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

MOST_PARTS: Final = 8
PartKind = Literal["slice", "mix", "rest"]


class WaterfallPart(NamedTuple):
    """One step."""

    kind: PartKind
    """`slice`: orders of a slice that no earlier part has; `mix`: other kinds of orders than before; `rest`."""
    slice: Slice | None
    change: float
    """What it adds to the whole change, per trial of all."""
    trials: float
    """Its own; 0 for `mix`, which is about all of them."""
    orders: float
    """The same for orders."""


class Waterfall(NamedTuple):
    """A change and its parts."""

    whole: float
    """Harm per trial, current minus baseline."""
    parts: tuple[WaterfallPart, ...]


def waterfall(  # noqa: PLR0913  # the names of columns are arguments, as in `localise`
    cells: pd.DataFrame,
    slices: Sequence[Slice],
    *,
    y: str = "y",
    n: str = "n",
    expected: str = "expected",
    hour: str = "hour",
    orders: str | None = None,
    baseline: float | None = None,
    most: int = MOST_PARTS,
) -> Waterfall:
    """Split a change over slices, each row of the cells going to the first slice that holds it.

    Args:
        cells: one row a cell, with the columns named below and those that the slices name.
        slices: strongest first; those beyond `most` parts fall under everything else.
        y: column of harm.
        n: column of trials.
        expected: column of the harm expected at this mix of cells.
        hour: column of hours, for slices with a range of hours.
        orders: column of order counts for the result; `n` where absent.
        baseline: harm per trial before. With it the whole is current minus baseline, and a part `mix` holds what
            today's mix of cells alone would have changed; without it the whole is observed minus expected.
        most: most parts, everything else included.

    Raises:
        ValueError: no trials, a slice names an absent column, or fewer than three parts are allowed.

    Example:
        >>> cells = pd.DataFrame({"city": ["A", "B"], "n": [50, 50], "y": [20, 6], "expected": [5.0, 5.0]})
        >>> steps = waterfall(cells, [Slice.parse({"city": "A"})], baseline=0.12)
        >>> [(part.kind, round(part.change, 3)) for part in steps.parts], round(steps.whole, 3)
        ([('mix', -0.02), ('slice', 0.15), ('rest', 0.01)], 0.14)
    """
    trials, harm, awaited, sizes = (
        cells[name].to_numpy(np.float64) for name in (n, y, expected, orders or n)
    )
    size = float(trials.sum())
    if size <= 0:
        raise ValueError(f"{n} sums to {size:g}: a waterfall needs trials")
    if most < 3:
        raise ValueError(f"most = {most}: must be at least 3")
    left = np.ones(len(cells), dtype=bool)
    parts: list[WaterfallPart] = []
    if baseline is not None:
        parts.append(WaterfallPart("mix", None, float(awaited.sum()) / size - baseline, 0.0, 0.0))
    excess = (harm - awaited) / size
    for slice_ in slices[: most - 1 - len(parts)]:
        mine = left & rows_of(cells, slice_, hour=hour)
        if mine.any():
            parts.append(_part("slice", slice_, excess[mine], trials[mine], sizes[mine]))
            left &= ~mine
    parts.append(_part("rest", None, excess[left], trials[left], sizes[left]))
    start = float(awaited.sum()) / size if baseline is None else baseline
    return Waterfall(float(harm.sum()) / size - start, tuple(parts))


def _part(
    kind: PartKind, slice_: Slice | None, excess: Floats, trials: Floats, orders: Floats
) -> WaterfallPart:
    sums = (float(part.sum()) for part in (excess, trials, orders))
    return WaterfallPart(kind, slice_, *sums)


def rows_of(cells: pd.DataFrame, slice_: Slice, *, hour: str = "hour") -> Bools:
    """Which rows of a table of cells belong to a slice.

    Raises:
        ValueError: the slice names a column that the cells do not have.
    """
    named = [*(name for name, _ in slice_.values), *([hour] if slice_.hour is not None else [])]
    absent = [name for name in named if name not in cells.columns]
    if absent:
        raise ValueError(f"cells have no column {absent[0]!r}, which the slice {slice_} names")
    inside = np.ones(len(cells), dtype=bool)
    for name, value in slice_.values:
        inside &= (cells[name].astype(str) == value).to_numpy(dtype=bool)
    if slice_.hour is not None:
        inside &= np.isin(cells[hour].to_numpy(), slice_.hour.hours)
    return inside
