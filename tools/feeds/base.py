"""What a fault of the records is, and the view on the data in which faults are looked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from data.slices import HourRange, Slice
from tools.baseline import WEEK, Span, trailing
from tools.cube import Cube, Family, Floats, Stretch

Bools = npt.NDArray[np.bool_]
LEAST_Z: Final = 6.0
LEAST_ORDERS: Final = 50.0
"""A day (or hour) on which fewer were expected says nothing about a feed."""

EVERYTHING: Final[frozenset[str]] = frozenset()


class Break(NamedTuple):
    """A run of days (and hours) on which a feed looks broken."""

    slice: Slice
    first: int
    last: int
    """The day after its last."""
    expected: float
    """A day, in the unit of the metric."""
    seen: float
    z: float
    """Signed: negative where records are missing."""
    metric: str = "order_volume"
    spoils: frozenset[str] = EVERYTHING
    """Metrics that cannot be trusted; none named: all of them."""


class Mark(NamedTuple):
    """One day of one place that looks broken."""

    expected: float
    seen: float
    z: float


@dataclass(frozen=True)
class Panel:
    """Regions (or all orders) by days."""

    cube: Cube
    family: Family
    span: Span
    good: Bools
    """Days that teach what is usual, shape (places, days)."""
    tested: Bools
    """Days that are looked at, shape (places, days)."""
    orders: Floats = field(repr=False)
    """Shape (places, days, 24)."""

    @classmethod
    def of(cls, cube: Cube, family: Family, span: Span, days: int) -> "Panel":
        """Every day teaches; those after the warm-up that have closed are looked at."""
        orders = cube.dense(family, cube.orders)
        day = np.arange(cube.days)
        tested = np.broadcast_to((day >= span.warmup_days) & (day < days), orders.shape[:2])
        return cls(cube, family, span, np.ones(orders.shape[:2], dtype=bool), tested, orders)

    def place(self, index: int) -> Slice:
        """The slice of a place."""
        return self.family.slice_at(index)

    def usual(self, values: Floats, *, step: int = WEEK) -> Floats:
        """Mean over the good days of the trailing weeks; of the same weekday, or of all days with step 1.

        Args:
            values: shape (places, days, n).
            step: 7 or 1.
        """
        weights = self.good[..., None].astype(np.float64)
        sums = trailing(values * weights, self.span, step=step)
        count = trailing(weights, self.span, step=step)
        near = self.usual(values, step=1) if step != 1 else np.zeros_like(values)
        return np.where(count > 0, sums / np.maximum(count, 1.0), near)

    def strays(self, excess: Floats, ordinary: Floats) -> Floats:
        """Over-dispersion: the mean of squared scores over good days, each no larger than `ordinary`.

        Args:
            excess: squared deviation over its expectation, shape (places, days, n).
            ordinary: cap, so that one broken day does not excuse the next.
        """
        return np.maximum(self.usual(np.minimum(excess, ordinary), step=1), 1.0)


def panels(cube: Cube, span: Span, days: int) -> tuple[Panel, ...]:
    """All orders first, then the regions, where there are any."""
    whole = next(one for one in cube.families if not one.dims)
    regional = [one for one in cube.families if one.dims == ("region",)]
    return tuple(Panel.of(cube, family, span, days) for family in (whole, *regional))


def runs(
    panel: Panel,
    place: int,
    marks: dict[int, Mark],
    *,
    metric: str,
    spoils: frozenset[str] = EVERYTHING,
    hour: HourRange | None = None,
) -> Iterator[Break]:
    """Marked days of one place as runs without a gap."""
    slice_ = panel.family.slice_at(place, hour)
    numbered = enumerate(sorted(marks))
    for _, run in groupby(numbered, key=lambda item: item[1] - item[0]):
        days = [day for _, day in run]
        chosen = [marks[day] for day in days]
        yield Break(
            slice_,
            days[0],
            days[-1] + 1,
            float(np.mean([one.expected for one in chosen])),
            float(np.mean([one.seen for one in chosen])),
            float(sum(one.z for one in chosen) / np.sqrt(len(chosen))),
            metric,
            spoils,
        )


def without(panel: Panel, found: Iterable[Break]) -> Panel:
    """The same panel, of which the broken days neither teach nor are looked at again."""
    broken = _covered(panel, (one for one in found if one.slice.hour is None))
    return replace(panel, good=panel.good & ~broken, tested=panel.tested & ~broken)


def untaught(panel: Panel, parts: Iterable[Stretch]) -> Panel:
    """The same panel, of which these days do not teach what is usual."""
    return replace(panel, good=panel.good & ~_covered(panel, parts))


def _covered(panel: Panel, parts: Iterable[Stretch]) -> Bools:
    covered = np.zeros_like(panel.good)
    for part in parts:
        for index in range(len(covered)):
            if part.slice.overlaps(panel.place(index)):
                covered[index, max(part.first, 0) : max(part.last, 0)] = True
    return covered
