"""Every slice, window of hours, day and metric, tested against its baseline.

A `Sweep` holds dense sums per family and answers `alarms(first, last)`. Rows can be taken out (`exclude`), after
which the rest is tested without them: that is how one incident neither hides nor imitates another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from data.slices import HourRange, Slice
from tools.baseline import PRIOR_ORDERS, Span
from tools.cube import Cube, Floats, hour_sums
from tools.detectors import DETECTORS
from tools.dispersion import Dispersion, Windows, dispersion
from tools.metrics import CX_INDEX, WAITED, WAITED_PARTS
from tools.panel import LOOK_BACK, Panel, Runs, candidates, chance
from tools.signals import Signal

Bools = npt.NDArray[np.bool_]

LENGTHS: Final = (24, 1, 2, 3, 4, 5, 6)
"""Hours of a window; 24 is the whole day."""
LAG: Final = 3
"""Days that do not yet speak about how far a slice strays: a trouble would hide its own beginning."""


class Alarm(NamedTuple):
    """One test that stands out; ordered by strength, ties by place."""

    p: float
    statistic: float
    signal: str
    family: int
    place: int
    """Of the slice within its family."""
    day: int
    """The last day of the run that was tested, counted from the cube's first."""
    start: int
    """First hour of the window."""
    length: int
    """Hours of the window."""
    detector: str

    @property
    def single(self) -> bool:
        """Whether it rests on one day alone."""
        return self.detector == "zscore"


class _Layer(NamedTuple):
    """Dense sums of one signal over one family, shape (slices, days, 24)."""

    harm: Floats
    expected: Floats
    trials: Floats
    support: Floats


@dataclass
class Sweep:
    """Tests over a cube.

    Args:
        cube: the cells.
        signals: metrics over the cells' rows.
        weights: of the signals that make up the CX index; empty for none.
        span: which days a day is compared with.
        last: by signal, the first day that has not closed yet.
        history: rows that offsets and dispersion may learn from.
        min_orders: a slice with fewer orders a day is not tested.
    """

    cube: Cube
    signals: tuple[Signal, ...]
    weights: Mapping[str, float]
    span: Span
    last: Mapping[str, int]
    history: Bools
    min_orders: int
    excluded: Bools = field(init=False)
    """Rows that were taken out."""
    known: dict[tuple[str, int, int], Dispersion] = field(default_factory=dict)
    """By signal, family and length of window; learned from the history where it is not given."""
    _layers: dict[tuple[str, int], _Layer] = field(default_factory=dict)
    _orders: dict[int, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        everything = np.ones(len(self.cube.day), dtype=bool)
        self.excluded = ~everything
        if not self.known:
            self._load(self.history)
            self._learn()
            if self.history.all():
                return
        self._load(everything)

    def _learn(self) -> None:
        for position, length in self._shapes():
            for name, windows in self._windows(position, length, 0, self.cube.days).items():
                found = dispersion(windows, self.span, floor=self._floor(name))
                self.known[name, position, length] = Dispersion(*(_lagged(part) for part in found))

    def mirrored(self) -> "Sweep":
        """The sweep in which fewer bad events than expected stand out instead of more.

        How far a slice strays is the same in both directions.
        """
        turned = tuple(
            replace(one, harm=one.trials - one.harm, expected=one.trials - one.expected)
            for one in self.signals
        )
        known = {key: found._replace(offset=-found.offset) for key, found in self.known.items()}
        return replace(self, signals=turned, known=known, _layers={}, _orders={})

    def names(self) -> tuple[str, ...]:
        """What is tested: every signal, the CX index where it has parts, and what a wait ends in, together."""
        single = tuple(signal.metric.id for signal in self.signals)
        together = (WAITED,) if set(WAITED_PARTS) <= set(single) else ()
        return (*single, *((CX_INDEX,) if self.weights else ()), *together)

    def signal(self, name: str) -> Signal:
        """The signal of a metric."""
        return next(one for one in self.signals if one.metric.id == name)

    def exclude(self, rows: Bools) -> None:
        """Take rows out of everything that is tested from now on."""
        rows = rows & ~self.excluded
        self.excluded = self.excluded | rows
        chosen = np.flatnonzero(rows)
        for position, family in enumerate(self.cube.families):
            for signal in self.signals:
                layer = self._layers[signal.metric.id, position]
                for kept, part in zip(layer, _parts(signal), strict=True):
                    kept -= self.cube.dense(family, part, chosen)
                np.maximum(layer.trials, 0.0, out=layer.trials)
            self._orders[position] -= self.cube.dense(family, self.cube.orders, chosen)

    def slice_of(self, alarm: Alarm) -> Slice:
        """The slice that an alarm is about."""
        hour = None if alarm.length == 24 else HourRange(start=alarm.start, end=alarm.start + alarm.length)
        return self.cube.families[alarm.family].slice_at(alarm.place, hour)

    def phi(self, name: str, slice_: Slice, day: int) -> float:
        """Over-dispersion of a slice on a day; that of the nearest window where its own is not swept."""
        dims = tuple(dim for dim, _ in slice_.values)
        values = {dim: value for dim, value in slice_.values}
        hour = slice_.hour
        for position, family in enumerate(self.cube.families):
            if set(family.dims) != set(dims):
                continue
            wanted = tuple(values[dim] for dim in family.dims)
            if wanted not in family.values:
                continue
            length = hour.end - hour.start if hour and family.by_hour else 24
            length = length if length in LENGTHS else 24
            start = hour.start if hour and length < 24 else 0
            return float(self.known[name, position, length].phi[family.values.index(wanted), day, start])
        return 1.0

    def count(self) -> int:
        """Number of tests that a sweep over all days makes."""
        return len(DETECTORS) * sum(
            int(self._testable(name, position, length, 0, self.cube.days).sum())
            for position, length in self._shapes()
            for name in self.names()
        )

    def count_daily(self) -> float:
        """Mean number of tests that a tested day makes."""
        days = max(self.last.values(), default=0) - self.span.warmup_days
        return self.count() / max(days, 1)

    def alarms(self, first: int, last: int) -> list[Alarm]:
        """Everything that stands out on the days from `first` to before `last`, strongest first."""
        first = max(first, self.span.warmup_days)
        shapes = self._shapes()
        return sorted(one for shape in shapes for one in self._alarms_of(*shape, first, last))

    def _load(self, rows: Bools) -> None:
        chosen = None if rows.all() else np.flatnonzero(rows)
        for position, family in enumerate(self.cube.families):
            self._orders[position] = self.cube.dense(family, self.cube.orders, chosen)
            for signal in self.signals:
                parts = (self.cube.dense(family, part, chosen) for part in _parts(signal))
                self._layers[signal.metric.id, position] = _Layer(*parts)

    def _shapes(self) -> Iterator[tuple[int, int]]:
        """Families with the lengths of their windows."""
        for position, family in enumerate(self.cube.families):
            for length in LENGTHS if family.by_hour else LENGTHS[:1]:
                yield position, length

    def _floor(self, name: str) -> float:
        kinds = {signal.metric.id: signal.metric.kind for signal in self.signals}
        return 0.0 if kinds.get(name) == "mean" else 1.0

    def _windows(self, position: int, length: int, first: int, last: int) -> dict[str, Windows]:
        """Sums over windows of hours, of every signal and of the CX index."""
        found = {}
        for signal in self.signals:
            name = signal.metric.id
            layer = self._layers[name, position]
            harm, expected, trials, support = (hour_sums(part[:, first:last], length) for part in layer)
            own_error = 1 + trials / (support + PRIOR_ORDERS)
            by_chance = chance(expected, trials) if self._floor(name) else trials
            found[name] = Windows(harm, expected, trials, by_chance * own_error, np.zeros_like(harm))
        if self.weights:
            orders = hour_sums(self._orders[position][:, first:last], length)
            found[CX_INDEX] = self._index(found, orders)
        return found

    def _index(self, parts: Mapping[str, Windows], orders: Floats) -> Windows:
        drop, variance, third = (np.zeros_like(orders) for _ in range(3))
        for name, weight in self.weights.items():
            part = parts[name]
            share = np.divide(weight, part.trials, out=np.zeros_like(orders), where=part.trials > 0)
            drop += share * (part.harm - part.expected)
            variance += share**2 * part.variance
            rate = np.divide(part.expected, part.trials, out=np.zeros_like(orders), where=part.trials > 0)
            third += share**3 * part.variance * (1 - 2 * rate)
        return Windows(drop * orders, np.zeros_like(orders), orders, variance * orders**2, third * orders**3)

    def _testable(self, name: str, position: int, length: int, first: int, last: int) -> Bools:
        if name == WAITED:
            each = [self._testable(part, position, length, first, last) for part in WAITED_PARTS]
            return np.asarray(np.logical_and.reduce(each))
        known = self.known[name, position, length]
        enough = known.typical[:, first:last] >= self.min_orders
        enough &= known.freedom[:, first:last] > 6
        days = np.arange(first, min(last, self.cube.days))
        tested = (days >= self.span.warmup_days) & (days < self.last[name])
        return np.asarray(enough & tested[None, :, None])

    def _alarms_of(self, position: int, length: int, first: int, last: int) -> Iterator[Alarm]:
        begin = max(first - LOOK_BACK, 0)
        panels = {
            name: Panel.of(
                windows,
                Dispersion(*(part[:, begin:last] for part in self.known[name, position, length])),
                self._testable(name, position, length, begin, last),
                counts=name != CX_INDEX and bool(self._floor(name)),
            )
            for name, windows in self._windows(position, length, begin, last).items()
        }
        for label, detector in DETECTORS.items():
            kernel = detector.kernel(LOOK_BACK)
            runs = {name: Runs.of(panel, kernel) for name, panel in panels.items()}
            for name in self.names():
                found = candidates([runs[part] for part in _parts_of(name)], first - begin)
                yield from (
                    Alarm(p, statistic, name, position, place, day + begin, start, length, label)
                    for p, statistic, place, day, start in found
                )


def _parts(signal: Signal) -> tuple[Floats, ...]:
    return signal.harm, signal.expected, signal.trials, signal.support


def _parts_of(name: str) -> tuple[str, ...]:
    """The signals that a test reads."""
    return WAITED_PARTS if name == WAITED else (name,)


def _lagged(values: Floats) -> Floats:
    days = np.maximum(np.arange(values.shape[1]) - LAG, 0)
    return np.asarray(values[:, days])
