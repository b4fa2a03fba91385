"""How far a quantity moved between days, against how far days differ anyway."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

SWEEPS = 4
_SPARSE = 4
"""A table by code may have so many times as many entries as there are rows."""
DETECTABLE = 2.8
"""z(.975) + z(.80): a shift of so many standard errors is seen four times in five."""


@dataclass(frozen=True)
class Shift:
    """A change of a mean between two sets of days."""

    baseline: float
    current: float
    change: float
    """After removing what the parents explain; equals current - baseline where they explain nothing."""
    error: float
    """Standard error: variance within days and between days."""
    z: float
    orders: int
    """Orders with a value, in the incident."""


def codes(*columns: npt.NDArray[np.generic]) -> Ints:
    """Dense integer codes of the distinct combinations of columns of equal length.

    Example:
        >>> codes(np.array([5, 5, 7]), np.array([1, 2, 1])).tolist()
        [0, 1, 2]
    """
    combined = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        found = dense(column)
        combined = combined * (int(found.max(initial=0)) + 1) + found
    return dense(combined)


def dense(column: npt.NDArray[np.generic]) -> Ints:
    """Codes 0, 1, ... of a column's distinct values, in their order.

    Example:
        >>> dense(np.array([7, -2, 7])).tolist(), dense(np.array(["b", "a"])).tolist()
        ([1, 0, 1], [1, 0])
    """
    if len(column) and np.issubdtype(column.dtype, np.integer):
        whole = column.astype(np.int64, copy=False)
        low, high = int(whole.min()), int(whole.max())
        if high - low < _SPARSE * len(whole):
            # Marking the values that occur costs one pass; sorting all of them costs many.
            occurs = np.zeros(high - low + 1, dtype=bool)
            occurs[whole - low] = True
            return np.asarray((np.cumsum(occurs) - 1)[whole - low], dtype=np.int64)
    return np.asarray(np.unique(column, return_inverse=True)[1], dtype=np.int64)


def residualise(values: Floats, during: Flags, parents: tuple[Ints, ...], *, prior: float = 5.0) -> Floats:
    """Values minus what additive effects of the parents explain, learned on the baseline alone.

    Backfitting with group means shrunk towards zero by `prior` orders; a group that the baseline does not
    have gets no effect. The baseline's mean stays in.

    Args:
        values: shape (n,), no NaN.
        during: shape (n,), the rows not learned from.
        parents: integer codes of each grouping, each of shape (n,).
        prior: weight of the shrinkage, in orders.
    """
    known = ~during
    if not known.any():
        return values
    mean = float(values[known].mean())
    if not parents:
        return np.asarray(values)
    cell, groups = _cells(parents)
    # Orders of one cell share their effects: what is learned from is one sum a cell.
    orders = np.bincount(cell[known], minlength=len(groups[0])).astype(np.float64)
    sums = np.bincount(cell[known], weights=values[known] - mean, minlength=len(groups[0]))
    counts = [np.bincount(group, weights=orders) for group in groups]
    effects = np.zeros(len(groups[0]))
    parts = [np.zeros(len(effects)) for _ in parents]
    for _ in range(SWEEPS if len(parents) > 1 else 1):
        for index, count in enumerate(counts):
            others = effects - parts[index]
            total = np.bincount(groups[index], weights=sums - orders * others, minlength=len(count))
            parts[index] = (total / (count + prior))[groups[index]]
            effects = others + parts[index]
    return np.asarray(values - effects[cell])


def _cells(parents: tuple[Ints, ...]) -> tuple[Ints, list[Ints]]:
    """Code of each row's combination of groups, and by code the group of each parent: effects differ by no more."""
    sizes = tuple(int(group.max(initial=0)) + 1 for group in parents)
    cell = np.ravel_multi_index(parents, sizes)
    if prod(sizes) <= _SPARSE * len(cell):
        return cell, [np.asarray(group) for group in np.unravel_index(np.arange(prod(sizes)), sizes)]
    seen, cell = np.unique(cell, return_inverse=True)
    return cell, [np.asarray(group) for group in np.unravel_index(seen, sizes)]


def measure(values: Floats, day: Ints, during: Flags, *, residuals: Floats | None = None) -> Shift | None:
    """The shift of a mean between baseline days and incident days.

    The error adds the variance within days (over the orders of each day) to the variance between days, as the
    baseline shows it; so a few busy days are not taken for thousands of independent orders.

    Args:
        values: shape (n,), no NaN.
        day: shape (n,).
        during: shape (n,).
        residuals: `values` after `residualise`; the shift is theirs.

    Returns:
        None where the incident has no order, or the baseline fewer than three days.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> day = np.repeat(np.arange(30), 100)
        >>> values = rng.normal(0, 1, 3000) + 0.5 * (day >= 28)
        >>> shift = measure(values, day, day >= 28)
        >>> 0.3 < shift.change < 0.7 and shift.z > 4
        True
    """
    adjusted = values if residuals is None else residuals
    before, after = summarise(adjusted[~during], day[~during]), summarise(adjusted[during], day[during])
    found = compare(before, after)
    if found is None or residuals is None:
        return found
    return replace(found, baseline=float(values[~during].mean()), current=float(values[during].mean()))


@dataclass(frozen=True)
class Days:
    """Values added up by day."""

    counts: Floats
    means: Floats
    within: float
    """Variance within days."""

    @property
    def mean(self) -> float:
        """Over all values."""
        return float((self.counts * self.means).sum() / self.counts.sum())


def summarise(values: Floats, day: Ints) -> Days:
    """Add values up by day."""
    if not len(values):
        return Days(np.zeros(0), np.zeros(0), 0.0)
    at = day - day.min()
    counts = np.bincount(at).astype(np.float64)
    total = np.bincount(at, weights=values)
    means = np.divide(total, counts, out=np.zeros(len(counts)), where=counts > 0)
    spread = float(((values - means[at]) ** 2).sum())
    kept = counts > 0
    degrees = max(1.0, float(counts.sum()) - float(kept.sum()))
    return Days(counts[kept], means[kept], spread / degrees)


def compare(before: Days, after: Days) -> Shift | None:
    """`measure` on days already added up."""
    if len(before.counts) < 3 or not len(after.counts):
        return None
    observed = float(before.means.var(ddof=1))
    between = max(0.0, observed - before.within * float((1.0 / before.counts).mean()))
    change = after.mean - before.mean
    within = before.within
    if within == between == 0.0:
        # The baseline never varied: only what comes after tells by how much orders differ.
        within = max(after.within, change**2 / float(after.counts.sum()))
    error = float(np.sqrt(_error(before, before.within, between) + _error(after, within, between)))
    return Shift(
        baseline=before.mean,
        current=after.mean,
        change=change,
        error=error,
        z=change / error if error > 0 else 0.0,
        orders=int(after.counts.sum()),
    )


def _error(days: Days, within: float, between: float) -> float:
    weight = days.counts / days.counts.sum()
    return float((weight**2 * (between + within / days.counts)).sum())
