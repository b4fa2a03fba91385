"""Detection: everything that went wrong, slice by slice, over all days that have closed.

Pure: the dataset, its as-of time, the settings and, if given, past incidents decide every byte of the report.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.errors import DataError
from data.mapping import FAMILIES, Family
from tools import quality, relative, signals
from tools.baseline import Span
from tools.buckets import all_zones, closed_hours, local_day
from tools.cube import Cube, Part, Stretch, build
from tools.feeds import Break
from tools.improvements import improvements
from tools.incident_building import foreseen, incidents
from tools.incidents import DetectionReport, Grain, Incident
from tools.metrics import CX_INDEX, Metric, available
from tools.planned_events import planned
from tools.search import WITHIN_PLACE, Episode, merged, search
from tools.series import series
from tools.settings import AnalysisSettings
from tools.signals import Signal
from tools.sweep import Sweep

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Frame:
    """The closed cells of a dataset, ready for detection."""

    cells: pd.DataFrame
    cube: Cube
    metrics: tuple[Metric, ...]
    ripe: dict[Family, Bools]
    """Which rows have ripened, by family of outcomes."""
    last: dict[Family, int]
    """The first day, counted from the cube's first, that is not tested yet."""
    span: Span
    whole: dict[Family, int]
    """The first day that is not complete yet."""

    def inside(self, parts: Iterable[Stretch]) -> Bools:
        """Which rows lie in any of these slices and days."""
        chosen = np.zeros(len(self.cube.day), dtype=bool)
        for part in parts:
            chosen |= self.cube.within(part)
        return chosen


def detect(
    dataset: Dataset,
    *,
    grain: Grain = "day",
    settings: AnalysisSettings | None = None,
    history: Sequence[Incident] = (),
) -> DetectionReport:
    """Sweep all closed days after the warm-up, over every weighted metric, slice and window of hours.

    Args:
        dataset: bound to its as-of time.
        grain: `day` tests complete days; `hour` also the closed hours of the day that is still running, and gives
            the series by hour.
        settings: thresholds.
        history: incidents of earlier runs; their periods do not teach the baseline, and an incident that goes on
            keeps its id.

    Raises:
        DataError: there are no orders, or too few closed days to compare with.
    """
    settings = settings or AnalysisSettings()
    frame = prepare(dataset, grain=grain, settings=settings)
    expected = planned(
        settings.calendar, dataset.mapping, first_day=frame.cube.first_day, dimensions=dataset.dimensions
    )
    broken = quality.breaks(records(dataset, frame, expected))
    clean = _Clean(frame.cube, tuple(one for one in broken if foreseen(one, expected) is None))
    recorded = frame.cube
    # Orders without a trusted outcome would count in the composite as orders without trouble.
    trusted = np.where(clean.rows(), recorded.orders, 0.0)
    frame = replace(frame, cube=replace(recorded, orders=trusted))
    known = clean.rows() & ~frame.inside(_remembered(dataset, frame, history)) & ~frame.inside(expected)
    heard = _signals(frame, clean, known)
    sweep = _sweep(frame, heard, known, settings)
    episodes = _episodes(frame, sweep, settings)
    if episodes:
        taught = known & ~frame.inside(episodes)
        heard = _signals(frame, clean, taught)
        sweep = _sweep(frame, heard, taught, settings)
        episodes = _episodes(frame, sweep, settings, first=min(one.first for one in episodes))
    return DetectionReport(
        incidents=incidents(dataset, sweep, episodes, broken, history, expected, recorded=recorded.orders),
        improvements=tuple(improvements(sweep)),
        series=series(dataset, recorded, heard, frame.span, grain=grain),
        fingerprint=dataset.fingerprint,
        as_of=dataset.as_of,
    )


def _episodes(
    frame: Frame, sweep: Sweep, settings: AnalysisSettings, *, first: int = 0
) -> tuple[Episode, ...]:
    """What stands out against its own past, then what stands out against the rest of its place.

    In this order: a trouble of a whole place must not be taken apart into those of its slices that got it worst.
    """
    found = search(sweep, first=first)
    if not relative.comparable(frame.cube):
        return found
    inner = replace(frame, cube=relative.within_place(frame.cube))
    heard = relative.relative(frame.cube, sweep.signals)
    rest = _sweep(inner, heard, sweep.history, settings)
    rest.exclude(frame.inside(found))
    return merged(found, search(rest, first=first, budget=WITHIN_PLACE))


def prepare(dataset: Dataset, *, grain: Grain, settings: AnalysisSettings) -> Frame:
    """The cells that have closed, as a cube, with what each metric may use of them."""
    cells = dataset.cells()
    if cells.empty or not int(cells["orders"].sum()):
        raise DataError(f"no orders before {dataset.as_of:%Y-%m-%d %H:%M} UTC: nothing to test")
    closed = _closed(dataset, cells, grain)
    first = int(cells["day"].min())
    at = (cells["day"].to_numpy(np.int64) - first, cells["hour"].to_numpy(np.int64))
    kept = cells[closed["delivery"][at]]
    days = int(closed["delivery"].all(axis=1).sum())
    if days < settings.warmup_days + 1:
        raise DataError(
            f"{days} closed days of orders: detection needs at least {settings.warmup_days + 1}, "
            f"{settings.warmup_days} to compare with and one to test"
        )
    made = build(kept, dataset.dimensions)
    ripe = {name: hours[made.day, made.hour] for name, hours in closed.items()}
    last = {name: _tested_days(hours, grain) for name, hours in closed.items()}
    span = Span(settings.baseline_days, settings.warmup_days)
    whole = {name: int(hours.all(axis=1).sum()) for name, hours in closed.items()}
    return Frame(kept, made, available(kept.columns), ripe, last, span, whole)


def _closed(dataset: Dataset, cells: pd.DataFrame, grain: Grain) -> dict[Family, Bools]:
    """Which local hours have closed, by family of outcomes; shape (days, 24)."""
    regions = cells["region"].cat.categories if "region" in cells.columns else ()
    first = int(cells["day"].min())
    closed: dict[Family, Bools] = {}
    for name in FAMILIES:
        hours = closed_hours(
            all_zones(dataset.mapping, [str(region) for region in regions]),
            first_day=first,
            days=int(cells["day"].max()) - first + 1,
            as_of=dataset.as_of,
            maturity_us=dataset.mapping.maturity.microseconds(name),
        )
        closed[name] = hours if grain == "hour" else np.repeat(hours.all(axis=1, keepdims=True), 24, axis=1)
    return closed


def _tested_days(closed: Bools, grain: Grain) -> int:
    some = closed.any(axis=1) if grain == "hour" else closed.all(axis=1)
    return int(some.sum())


class _Clean(NamedTuple):
    """What the gate of `tools.quality` lets through."""

    cube: Cube
    broken: tuple[Break, ...]

    def rows(self, metric: str | None = None) -> Bools:
        """Rows whose records can be trusted, for a metric or for all of them."""
        return ~quality.spoiled(self.cube, self.broken, metric)


def records(dataset: Dataset, frame: Frame, expected: Sequence[Stretch]) -> quality.Records:
    """What the gate looks at."""
    return quality.Records(
        cells=frame.cells,
        cube=frame.cube,
        span=frame.span,
        ripe=frame.ripe,
        last=frame.whole,
        zones=bool(dataset.mapping.zones or dataset.mapping.default_zone),
        facts=dataset.facts,
        expected=expected,
    )


def _signals(frame: Frame, clean: _Clean, known: Bools) -> tuple[Signal, ...]:
    usable = [frame.ripe[metric.maturity] & clean.rows(metric.id) for metric in frame.metrics]
    return signals.build(frame.cells, frame.cube, frame.metrics, ripe=usable, history=known, span=frame.span)


def _sweep(frame: Frame, heard: Sequence[Signal], known: Bools, settings: AnalysisSettings) -> Sweep:
    """Only what counts in the CX index can raise an incident."""
    tested = tuple(signal for signal in heard if signal.metric.weight)
    total = sum(signal.metric.weight for signal in tested)
    last = {signal.metric.id: frame.last[signal.metric.maturity] for signal in tested}
    return Sweep(
        cube=frame.cube,
        signals=tested,
        weights={signal.metric.id: signal.metric.weight / total for signal in tested},
        span=frame.span,
        last={**last, CX_INDEX: frame.last["delivery"]},
        history=known,
        min_orders=settings.min_slice_orders,
    )


def _remembered(dataset: Dataset, frame: Frame, history: Sequence[Incident]) -> list[Part]:
    """Past incidents as slices and days."""
    parts = []
    for incident in history:
        region = incident.slice.get("region")
        start = local_day(dataset.mapping, region, incident.window.start) - frame.cube.first_day
        end = local_day(dataset.mapping, region, incident.window.end) - frame.cube.first_day
        parts.append(Part(incident.slice, start, end + 1))
    return parts
