"""Space-time placebos: is an effect larger than the same arithmetic finds where and when nothing was changed?

The honest test where few units are treated: one treated region of eight cannot be significant among eight
regions, but it can among eight regions times the past windows of the same length.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PlaceboTest:
    """Where an effect stands among placebo effects."""

    effect: float
    """Difference-in-differences of the treated cell in the window."""
    p: float
    """(1 + placebos at least as large) / (1 + placebos); one-sided, towards harm."""
    placebos: int
    spread: float
    """Root mean square of the placebos: how far the arithmetic strays where nothing was changed."""
    shock: float
    """The part of it that the chance of single orders does not explain: what hits all orders of a cell on the same days,
    such as traffic."""


def placebo_test(
    total: Floats, count: Floats, *, treated: int, window: int, variance: float = 0.0
) -> PlaceboTest | None:
    """Compare the last `window` periods of one cell with every cell's earlier windows.

    A placebo is scaled by the root of its orders over the treated orders, so that a small, noisy cell does not
    make a large effect look ordinary.

    Args:
        total: summed outcome, shape (cells, periods); the last `window` periods are under treatment.
        count: orders, same shape.
        treated: index of the treated cell.
        window: treated periods.
        variance: of a single order's outcome; 0 takes all of the spread for shocks.

    Returns:
        None with fewer than two cells or two earlier windows.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> count = np.full((8, 30), 200.0)
        >>> total = rng.binomial(200, 0.1, (8, 30)).astype(float)
        >>> total[2, -2:] += 30
        >>> test = placebo_test(total, count, treated=2, window=2)
        >>> test.placebos, test.p < 0.02
        (112, True)
    """
    cells, periods = total.shape
    earlier = periods - window
    starts = [s for s in range(earlier - window, -1, -window) if earlier - window >= window]
    if cells < 2 or len(starts) < 2:
        return None
    actual = _effect(total, count, treated, np.arange(earlier, periods), np.arange(earlier))
    size = max(float(count[treated, earlier:].sum()), 1.0)
    placebos: list[float] = []
    chance: list[float] = []
    for start in starts:
        test = np.arange(start, start + window)
        before = np.setdiff1d(np.arange(earlier), test)
        for cell in range(cells):
            here, rest = float(count[cell, test].sum()), float(count[cell, before].sum())
            scale = min(float(np.sqrt(here / size)), 1.0)
            placebos.append(_effect(total, count, cell, test, before) * scale)
            chance.append(scale**2 * variance * (1 / max(here, 1.0) + 1 / max(rest, 1.0)))
    as_large = int(np.sum(np.array(placebos) >= actual))
    square = float(np.mean(np.square(placebos)))
    shock = float(np.sqrt(max(square - float(np.mean(chance)), 0.0)))
    return PlaceboTest(
        actual, (1 + as_large) / (1 + len(placebos)), len(placebos), float(np.sqrt(square)), shock
    )


def _effect(
    total: Floats, count: Floats, cell: int, window: npt.NDArray[np.int64], before: npt.NDArray[np.int64]
) -> float:
    others = np.arange(len(total)) != cell
    own = _mean(total[cell, window], count[cell, window]) - _mean(total[cell, before], count[cell, before])
    rest = _mean(total[others][:, window], count[others][:, window]) - _mean(
        total[others][:, before], count[others][:, before]
    )
    return own - rest


def _mean(total: Floats, count: Floats) -> float:
    return float(total.sum() / max(float(count.sum()), 1.0))
