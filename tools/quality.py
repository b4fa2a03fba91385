"""A gate before blame: where the records themselves look broken, nobody is blamed for what they show.

Each kind of fault has its file in `tools.feeds`. Regions are looked at, and all orders together; what every region
shows alike is told once, of the whole business. Days that are found broken do not teach what is usual, and are not
looked at for anything else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.mapping import Family
from tools.baseline import WEEK, Span
from tools.cube import Cube, Floats, Stretch
from tools.feeds import clock, copies, gaps, tables, volume
from tools.feeds.base import Break, Panel, panels, untaught, without

Bools = npt.NDArray[np.bool_]
_MOST: Final = 0.8
"""Of the regions: a fault that so many show at once is one of the whole business."""


@dataclass(frozen=True)
class Records:
    """What the gate looks at."""

    cells: pd.DataFrame
    cube: Cube
    span: Span
    ripe: Mapping[Family, Bools]
    """Which rows have ripened, by family of outcomes."""
    last: Mapping[Family, int]
    """The first day that is not tested yet."""
    zones: bool
    """Whether local time is known."""
    facts: Callable[[], pd.DataFrame]
    """Gives the orders one by one; called only where copies are suspected."""
    expected: Sequence[Stretch] = ()
    """Planned events: odd volumes within them are known beforehand, and teach nothing."""

    @cached_property
    def copied(self) -> copies.Copied:
        """The orders one by one, and which of them are copies."""
        return copies.copied(self.facts())


_Look = Callable[[Panel, Records], Iterator[Break]]


def breaks(records: Records) -> tuple[Break, ...]:
    """Everything that is broken, in order of time."""
    whole, *regional = (
        untaught(panel, records.expected)
        for panel in panels(records.cube, records.span, records.last["delivery"])
    )
    found: list[Break] = []
    one_by_one: tuple[_Look, ...] = (_days, _clocks)
    for look in one_by_one:
        while news := _news(look, whole, regional, found, records):
            begin = min(one.first for one in news)
            # Of a week at a time: a later day was compared with broken ones.
            found += [one._replace(last=min(one.last, begin + WEEK)) for one in news if one.first == begin]
    at_once: tuple[_Look, ...] = (_hours, _tables)
    for look in at_once:
        found += _news(look, whole, regional, found, records)
    return _joined(found)


def _news(
    look: _Look, whole: Panel, regional: Sequence[Panel], found: Sequence[Break], records: Records
) -> list[Break]:
    """What a look at the days that are not known to be broken shows."""
    everywhere = list(look(without(whole, found), records))
    local = [one for panel in regional for one in look(without(panel, found), records)]
    return _told_once(everywhere, local, sum(len(panel.family.values) for panel in regional))


def spoiled(cube: Cube, found: Iterable[Break], metric: str | None = None) -> Bools:
    """Rows of the cells in which a metric (or every metric, without one named) cannot be trusted."""
    rows = np.zeros(len(cube.day), dtype=bool)
    for one in found:
        if not one.spoils or (metric is not None and metric in one.spoils):
            rows |= cube.within(one)
    return rows


def _days(panel: Panel, records: Records) -> Iterator[Break]:
    known = volume.volume(panel)
    surged = volume.surged(panel, known)
    copied = list(copies.breaks(panel, surged, records.copied)) if surged.any() else []
    yield from copied
    rest = without(panel, copied)
    yield from volume.breaks(rest, known, volume.stopped(rest, known) | volume.multiplied(rest, known))


def _clocks(panel: Panel, records: Records) -> Iterator[Break]:
    yield from clock.order_breaks(panel, zones=records.zones)
    if {"delivered", "lateness_s", "on_time"} <= set(records.cells.columns):
        yield from clock.arrival_breaks(
            panel, *(_column(records, name, "delivery") for name in ("delivered", "lateness_s", "on_time"))
        )


def _hours(panel: Panel, _: Records) -> Iterator[Break]:
    yield from gaps.breaks(panel)


def _tables(panel: Panel, records: Records) -> Iterator[Break]:
    for feed in tables.FEEDS:
        base = next((name for name in feed.among if name in records.cells.columns), None)
        if base is not None and feed.rows in records.cells.columns:
            rows, among = (_column(records, name, feed.family) for name in (feed.rows, base))
            yield from tables.breaks(panel, feed, rows, among, records.last)


def _column(records: Records, name: str, family: Family) -> Floats:
    return np.where(records.ripe[family], records.cells[name].to_numpy(np.float64), 0.0)


def _told_once(whole: Sequence[Break], local: Sequence[Break], regions: int) -> list[Break]:
    """Faults of the whole business, and of the regions what those do not tell."""
    kept = [one for one in whole if not _is_one_regions(one, local, regions)]
    return [*kept, *(rest for one in local for rest in _beyond(one, kept))]


def _is_one_regions(whole: Break, local: Sequence[Break], regions: int) -> bool:
    """Copies of one large region stand out in all orders too; other faults do not."""
    showing = {one.slice.values for one in local if _same(one, whole)}
    return whole.metric == "order_copies" and 0 < len(showing) < _MOST * regions


def _beyond(local: Break, kept: Sequence[Break]) -> Iterator[Break]:
    """What is left of a region's days without those of the whole business."""
    days = set(range(local.first, local.last))
    for wide in kept:
        if _same(local, wide):
            days -= set(range(wide.first, wide.last))
    numbered = enumerate(sorted(days))
    for _, run in groupby(numbered, key=lambda item: item[1] - item[0]):
        left = [day for _, day in run]
        yield local._replace(first=left[0], last=left[-1] + 1)


def _same(one: Break, other: Break) -> bool:
    together = one.first < other.last and other.first < one.last
    return one.metric == other.metric and together and one.slice.overlaps(other.slice)


def _joined(found: Sequence[Break]) -> tuple[Break, ...]:
    """Runs that touch as one, in order of time."""
    whole: dict[tuple[str, str, bool], list[Break]] = {}
    for one in sorted(found, key=lambda one: one.first):
        chain = whole.setdefault((one.metric, str(one.slice), one.seen > one.expected), [])
        if chain and chain[-1].last >= one.first:
            chain[-1] = _sum(chain[-1], one)
        else:
            chain.append(one)
    runs = [one for chain in whole.values() for one in chain]
    return tuple(sorted(runs, key=lambda one: (one.first, one.last, one.metric, str(one.slice))))


def _sum(one: Break, two: Break) -> Break:
    days = np.array([one.last - one.first, two.last - two.first], dtype=np.float64)
    expected, seen = (
        float(np.average(part, weights=days)) for part in ((one.expected, two.expected), (one.seen, two.seen))
    )
    z = (one.z + two.z) / float(np.sqrt(2.0))
    return one._replace(last=two.last, expected=expected, seen=seen, z=z)
