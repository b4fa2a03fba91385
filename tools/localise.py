"""Where a metric got worse: the few slices that together explain the drop."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from tools.cube import Floats, encode
from tools.incidents import SliceDelta
from tools.multiplicity import benjamini_hochberg
from tools.scan import Counts, Found, Grid, Kind, excess_score

_CONFIDENCE_Z: Final = 1.959963984540054


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


def wilson(harm: float, trials: float) -> Interval:
    """Wilson's 95 % interval of a share.

    Example:
        >>> interval = wilson(10.0, 100.0)
        >>> round(interval.low, 4), round(interval.high, 4)
        (0.0552, 0.1744)

    References:
        E. Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if trials <= 0:
        return Interval(0.0, 1.0)
    share, square = harm / trials, _CONFIDENCE_Z**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = np.sqrt(share * (1 - share) / trials + square / (4 * trials**2)) * _CONFIDENCE_Z
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
    max_dims: int = 2,
    max_slices: int = 5,
    alpha: float = 0.05,
) -> tuple[SliceDelta, ...]:
    """The minimal set of slices that explains where `y` exceeds `expected`, strongest first.

    The best slice is taken, its expectation raised to what was observed, and the search repeated, so that a
    slice inside or around one already found appears only for what it adds.

    Args:
        cells: one row a cell, with the columns named below; any order.
        dims: columns whose values make slices.
        y: column of harm (more is worse).
        n: column of trials.
        expected: column of the harm expected by a baseline.
        hour: column of hours (0-23), if contiguous ranges of hours are slices too.
        orders: column of order counts for the result; `n` where absent.
        kind: `rate` (y counted among n) or `sum` (any additive measure).
        phi: over-dispersion of y.
        max_dims: most dimensions in one slice, hours not counted.
        max_slices: most slices.
        alpha: family-wise error over everything scanned.

    Returns:
        Slices whose excess is significant; `delta` is harm per trial (for `sum`: relative to expectation).

    Raises:
        ValueError: a column is absent or a bound is not positive.

    Example:
        >>> cells = pd.DataFrame({"city": ["A", "A", "B", "B"], "kind": ["x", "y", "x", "y"],
        ...     "n": [100] * 4, "y": [10, 40, 11, 9], "expected": [10.0] * 4})
        >>> [str(found.slice) for found in localise(cells, dims=["city", "kind"])]
        ['city=A, kind=y']
    """
    _check(cells, [*dims, y, n, expected, *([hour] if hour else []), *([orders] if orders else [])])
    if max_slices < 1 or max_dims < 0 or phi <= 0:
        raise ValueError(f"max_slices = {max_slices}, max_dims = {max_dims}, phi = {phi}: must be positive")
    codes = {name: encode(cells[name]) for name in dims}
    hours = None if hour is None else cells[hour].to_numpy(np.int64)
    grid = Grid.of(codes, hours, len(cells), max_dims=max_dims)
    trials, harm, awaited = (cells[name].to_numpy(np.float64) for name in (n, y, expected))
    counts = Counts(trials, harm, awaited, kind, phi)
    found = list(greedy(grid, counts, max_slices=max_slices, alpha=alpha))
    sizes = cells[orders or n].to_numpy(np.float64)
    return tuple(describe(grid, counts, found, sizes))


def _check(cells: pd.DataFrame, names: Sequence[str]) -> None:
    absent = [name for name in names if name not in cells.columns]
    if absent:
        raise ValueError(
            f"cells have no column {absent[0]!r}; they have {', '.join(map(str, cells.columns))}"
        )


def greedy(
    grid: Grid, counts: Counts, *, max_slices: int, alpha: float, given: Found | None = None
) -> Iterator[Found]:
    """Slices in the order of what they explain beyond the ones before; `given` comes first where there is one."""
    expected = counts.expected.copy()
    for number in range(max_slices):
        left = counts._replace(expected=expected)
        best = given if given is not None and number == 0 else grid.best([left])
        if best is None or (best is not given and _p(left, grid, best) * best.tests > alpha):
            return
        yield best
        inside = grid.rows(best.slice)
        seen, awaited = counts.harm[inside].sum(), expected[inside].sum()
        expected[inside] = expected[inside] * (seen / awaited) if awaited > 0 else counts.harm[inside]


def _p(counts: Counts, grid: Grid, found: Found) -> float:
    inside = grid.rows(found.slice)
    trials, harm, expected = (np.asarray(part) for part in counts.over(inside))
    score = excess_score(trials, harm, expected, kind=counts.kind, phi=counts.phi)
    return float(special.ndtr(-np.sqrt(2 * score)))


def describe(grid: Grid, counts: Counts, found: Sequence[Found], orders: Floats) -> Iterator[SliceDelta]:
    """The found slices with size, interval and adjusted p-value, against their own expectation."""
    p = [_p(counts, grid, one) for one in found]
    q = benjamini_hochberg(p, tests=max((one.tests for one in found), default=0) or 1)
    whole = float(counts.harm.sum() - counts.expected.sum())
    for one, adjusted in zip(found, q, strict=True):
        inside = grid.rows(one.slice)
        trials, harm, expected = counts.over(inside)
        scale = trials if counts.kind == "rate" else expected
        interval = _interval(trials, harm, counts)
        yield SliceDelta(
            slice=one.slice,
            delta=(harm - expected) / max(scale, 1e-12),
            low=interval.low - expected / max(scale, 1e-12),
            high=interval.high - expected / max(scale, 1e-12),
            q_value=float(adjusted),
            share=(harm - expected) / max(whole, harm - expected, 1e-12),
            orders=round(float(orders[inside].sum())),
        )


def _interval(trials: float, harm: float, counts: Counts) -> Interval:
    if counts.kind == "rate":
        return wilson(harm / counts.phi, trials / counts.phi)
    half = _CONFIDENCE_Z * float(np.sqrt(counts.phi * max(harm, 1.0)))
    return Interval((harm - half), (harm + half))
