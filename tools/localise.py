"""Where a metric got worse: the few slices that together explain the drop, or the word that no slice does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, overload

import numpy as np
import pandas as pd
from scipy import special

from data.slices import ALL_ORDERS
from tools.cube import Floats, encode
from tools.explanation import explain, significance
from tools.incidents import SliceDelta
from tools.scan import Counts, Found, Grid, Kind

Where = Literal["slices", "outside_dimensions", "nothing"]
"""`slices`: the drop sits in the slices listed. `outside_dimensions`: it is real, but spread over all orders, so that
what tells good orders from bad is not recorded. `nothing`: no slice, nor all orders together, is worse than chance."""

CONFIDENCE: Final = 0.95
_LEAST: Final = 1e-12
_Z: Final = 1.959963984540054
_OWN_SHARE: Final = 0.5


class Interval(NamedTuple):
    """An interval of an estimate."""

    low: float
    high: float


@dataclass(frozen=True)
class Localisation(Sequence[SliceDelta]):
    """The slices that explain a drop, strongest first; also a sequence of them."""

    where: Where
    slices: tuple[SliceDelta, ...]
    whole: SliceDelta
    """All orders together."""

    def __len__(self) -> int:
        return len(self.slices)

    @overload
    def __getitem__(self, index: int) -> SliceDelta: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SliceDelta, ...]: ...
    def __getitem__(self, index: int | slice) -> SliceDelta | tuple[SliceDelta, ...]:
        return self.slices[index]


def wilson(harm: float, trials: float, z: float = _Z) -> Interval:
    """Wilson's interval of a share, by default the 95 % one.

    Example:
        >>> interval = wilson(10.0, 100.0)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0552, 0.1744)

    References:
        E. Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if trials <= 0:
        return Interval(0.0, 1.0)
    share, square = harm / trials, z**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = np.sqrt(share * (1 - share) / trials + square / (4 * trials**2)) * z
    half = float(spread / (1 + square / trials))
    return Interval(max(centre - half, 0.0), min(centre + half, 1.0))


def localise(  # noqa: PLR0913  # the names of columns are arguments, so that it runs on any published data
    cells: pd.DataFrame,
    *,
    dims: Sequence[str],
    y: str = "y",
    n: str = "n",
    expected: str = "expected",
    hour: str | None = None,
    orders: str | None = None,
    kind: Kind = "rate",
    phi: float = 1.0,
    max_dims: int = 3,
    max_slices: int = 5,
    alpha: float = 0.05,
    wrap: bool = False,
) -> Localisation:
    """The minimal set of slices that explains where `y` exceeds `expected`, strongest first.

    The best slice is taken, its expectation raised to what was observed (by one factor on the odds, or on the sums),
    and the search repeated, so that a slice inside or around one already found appears only for what it adds. Then
    each slice is chosen once more, given the others. A dimension that another one decides (a store's region) is
    never named beside it.

    The answer is "outside the recorded dimensions" where all orders together explain the excess as well as any slice
    of them, the price of searching among the slices included, and whatever stands out beyond that carries less than
    half of it.

    Args:
        cells: one row a cell, with the columns named below; any order.
        dims: columns whose values make slices.
        y: column of harm (more is worse).
        n: column of trials; a sum needs none.
        expected: column of the harm expected by a baseline.
        hour: column of hours (0-23), if contiguous ranges of hours are slices too.
        orders: column of order counts for the result; `n` where absent.
        kind: `rate` (y counted among n) or `sum` (any additive measure, more is worse; where less is, give the
            measure as `expected` and its forecast as `y`).
        phi: over-dispersion of y.
        max_dims: most dimensions in one slice, hours not counted.
        max_slices: most slices.
        alpha: family-wise error over everything scanned.
        wrap: whether a range of hours may run over midnight.

    Returns:
        Slices whose excess is significant; `delta` is harm per trial (for `sum`: relative to expectation), its interval
        allows for the search, `q_value` is the p-value after it.

    Raises:
        ValueError: a column is absent or holds impossible numbers, or a bound is not positive.

    Example:
        >>> cells = pd.DataFrame({"city": ["A", "A", "B", "B"], "kind": ["x", "y", "x", "y"],
        ...     "n": [100] * 4, "y": [10, 40, 11, 9], "expected": [10.0] * 4})
        >>> [str(found.slice) for found in localise(cells, dims=["city", "kind"])]
        ['city=A, kind=y']
        >>> localise(cells.assign(y=[22, 19, 24, 21]), dims=["city", "kind"]).where
        'outside_dimensions'

    References:
        D. Neill (2009), Expectation-based scan statistics for monitoring spatial time series data.
        Z. Zhang, D. Neill (2016), Identifying significant predictive bias in classifiers.
    """
    if kind == "sum" and n not in cells.columns:
        cells = cells.assign(**{n: 1.0})
    _check(cells, [*dims, y, n, expected, *([hour] if hour else []), *([orders] if orders else [])])
    if max_slices < 1 or max_dims < 0 or phi <= 0:
        raise ValueError(f"max_slices = {max_slices}, max_dims = {max_dims}, phi = {phi}: must be positive")
    columns = (cells[name].to_numpy(np.float64) for name in (n, y, expected))
    counts = Counts(*_possible(*columns, kind=kind), kind, phi)
    hours = None if hour is None else _hours(cells[hour], hour)
    codes = {name: encode(cells[name]) for name in dims}
    grid = Grid.of(codes, hours, len(cells), max_dims=max_dims, wrap=wrap)
    found = explain(grid, counts, max_slices=max_slices, alpha=alpha)
    sizes = cells[orders or n].to_numpy(np.float64)
    slices = tuple(describe(grid, counts, found, sizes))
    (whole,) = describe(grid, counts, [Found(ALL_ORDERS, 0.0, 1)], sizes)
    return Localisation(_where(slices), slices, whole)


def _where(slices: Sequence[SliceDelta]) -> Where:
    if not slices:
        return "nothing"
    if all(one.slice != ALL_ORDERS for one in slices):
        return "slices"
    own = sum(one.share for one in slices if one.slice != ALL_ORDERS)
    return "outside_dimensions" if own < _OWN_SHARE else "slices"


def _check(cells: pd.DataFrame, names: Sequence[str]) -> None:
    absent = [name for name in names if name not in cells.columns]
    if absent:
        raise ValueError(
            f"cells have no column {absent[0]!r}; they have {', '.join(map(str, cells.columns))}"
        )
    if not len(cells):
        raise ValueError("cells have no row: there is nothing to localise")


def _possible(trials: Floats, harm: Floats, expected: Floats, *, kind: Kind) -> tuple[Floats, Floats, Floats]:
    for name, values in (("n", trials), ("y", harm), ("expected", expected)):
        if not np.isfinite(values).all() or (values < 0).any():
            worst = values[~np.isfinite(values) | (values < 0)][0]
            raise ValueError(f"{name} = {worst}: must be a number of at least 0")
    if kind == "rate" and (harm > trials).any():
        at = int(np.argmax(harm > trials))
        raise ValueError(f"y = {harm[at]:g}: must be at most n = {trials[at]:g}; for sums say kind='sum'")
    return trials, harm, np.minimum(expected, trials) if kind == "rate" else expected


def _hours(values: pd.Series, name: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    hours = values.to_numpy(np.int64)
    if ((hours < 0) | (hours > 23)).any():
        raise ValueError(f"{name} = {hours[(hours < 0) | (hours > 23)][0]}: must be an hour from 0 to 23")
    return hours


def greedy(
    grid: Grid, counts: Counts, *, max_slices: int, alpha: float, given: Found | None = None
) -> Iterator[Found]:
    """Slices in the order of what they explain beyond the others; `given` comes first where there is one."""
    yield from explain(grid, counts, max_slices=max_slices, alpha=alpha, given=given)


def describe(grid: Grid, counts: Counts, found: Sequence[Found], orders: Floats) -> Iterator[SliceDelta]:
    """The found slices with size, interval and adjusted p-value, against their own expectation.

    Intervals allow for the search: of all intervals quoted, 95 % are expected to hold the truth.

    References:
        Y. Benjamini, D. Yekutieli (2005), False discovery rate-adjusted multiple confidence intervals.
    """
    whole = float(counts.harm.sum() - counts.expected.sum())
    for one in found:
        inside = grid.rows(one.slice)
        trials, harm, expected = counts.over(inside)
        tests = grid.tests(one.slice) if one.slice != ALL_ORDERS else 1
        scale = max(trials if counts.kind == "rate" else expected, _LEAST)
        z = float(-special.ndtri((1 - CONFIDENCE) / 2 * min(len(found) / tests, 1.0)))
        interval = _interval(trials, harm, counts, z, scale)
        yield SliceDelta(
            slice=one.slice,
            delta=(harm - expected) / scale,
            low=interval.low - expected / scale,
            high=interval.high - expected / scale,
            q_value=min(significance(grid, counts, one.slice) * grid.tests(one.slice), 1.0),
            share=_share(harm - expected, whole),
            orders=round(float(orders[inside].sum())),
        )


def _share(gap: float, whole: float) -> float:
    """Part of the whole excess; all of it where the rest got better, none where it got better itself."""
    return max(gap, 0.0) / max(whole, gap, _LEAST)


def _interval(trials: float, harm: float, counts: Counts, z: float, scale: float) -> Interval:
    if counts.kind == "rate":
        return wilson(harm / counts.phi, trials / counts.phi, z)
    half = z * float(np.sqrt(counts.phi * max(harm, 1.0)))
    return Interval((harm - half) / scale, (harm + half) / scale)
