"""How often detection is wrong, and how early and exact it is right: the report of `cx bench detect`."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, cast

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.dataset import Dataset
from data.slices import Slice
from evals.bench.planted import DAYS, LASTS, SPACE, PlantedData, draw, null_world
from evals.bench.size import SizeRow, sizes
from evals.intervals import Share, wilson
from evals.parallel import side_by_side
from evals.seeds import derive
from tools.cohorts import in_slice
from tools.detection import detect
from tools.incidents import DetectionReport, Kind
from tools.settings import AnalysisSettings

Progress = Callable[[int, int], None]

PLANTS_PER_WORLD: Final = 4
BINS: Final = ((1.0, 2.0), (2.0, 4.0), (4.0, 10.0))
DEMO_DROP: Final = 0.14
RIGHT_JACCARD: Final = 0.8


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NullWorld(_Model):
    """What was raised where nothing was wrong."""

    days: int
    """Tested."""
    slices: int
    """Incidents raised, of any severity."""
    weeks_with_alarm: int
    weeks: int


class PlantResult(_Model):
    """What was said of one planted drop."""

    sigma: float
    """Size in standard deviations of the slice's day."""
    fixed: bool
    """14 points, whatever that is in sigma."""
    found: bool
    delay_days: int | None
    """Days from the onset to the first morning on which it was reported."""
    jaccard: float
    """Orders in both slices over orders in either, for the best reported slice."""
    slices: int
    """CX incidents reported that overlap the planted days."""


class World(_Model):
    """One null world and the drops planted in it, one after the other."""

    null: NullWorld
    plants: tuple[PlantResult, ...]


class BinRow(_Model):
    """Results of one range of sizes, in sigma of the slice's day."""

    low: float
    high: float
    plants: int
    found: Share
    exact: Share
    """Order-Jaccard at least .8 with at most two slices, of those planted."""
    mean_delay_days: float | None
    """Of those found."""


class DetectReport(_Model):
    """Everything that the benchmark measured."""

    label: str
    sizes: tuple[SizeRow, ...]
    null_weeks: Share
    """Weeks with any alarm, of those without a fault."""
    null_slices_per_day: float
    bins: tuple[BinRow, ...]
    """Of drops drawn in sigma."""
    demo_size: BinRow
    """Of drops of 14 points."""


def measure(
    label: str, *, weeks: int, plants: int, workers: int = 2, progress: Progress = lambda _done, _of: None
) -> DetectReport:
    """Run the benchmark.

    Args:
        label: what the seeds are derived from.
        weeks: null weeks to test at least.
        plants: drops to plant at least.
        workers: processes.
        progress: called after every world.
    """
    tested = _tested_weeks()
    count = max(-(-weeks // tested), -(-plants // PLANTS_PER_WORLD), 1)
    numbers = [(label, number) for number in range(count)]
    worlds = []
    for world in side_by_side(run_world, numbers, workers=workers):
        worlds.append(world)
        progress(len(worlds), count)
    return _report(label, worlds)


def _tested_weeks() -> int:
    return (DAYS - AnalysisSettings().warmup_days) // 7


def run_world(place: tuple[str, int]) -> World:
    """One world: its null weeks, then every planted drop."""
    label, number = place
    dataset = null_world(label, number)
    null = _null(dataset)
    rng = np.random.default_rng(derive(SPACE, f"{label}:plants", number))
    early = {day: dataset.at(dataset.as_of - timedelta(days=day)) for day in range(LASTS)}
    drops = (None, DEMO_DROP) * (PLANTS_PER_WORLD // 2)
    return World(null=null, plants=tuple(_plant(early, rng, drop) for drop in drops))


def _null(dataset: Dataset) -> NullWorld:
    report = detect(dataset)
    first = dataset.as_of - timedelta(days=7 * _tested_weeks())
    starts = [(i.onset - first).days // 7 for i in report.incidents]
    return NullWorld(
        days=7 * _tested_weeks(),
        slices=len(report.incidents),
        weeks_with_alarm=len(set(starts)),
        weeks=_tested_weeks(),
    )


def _plant(early: dict[int, Dataset], rng: np.random.Generator, drop: float | None) -> PlantResult:
    plant, seed = draw(early[0], rng, drop=drop), int(rng.integers(2**62))
    delay, report = None, None
    for back in sorted(early, reverse=True):
        data = cast("Dataset", PlantedData(early[back], plant, seed))  # it answers all that detection asks
        report = detect(data)
        if _jaccard(early[0], report, plant.slice) > 0:
            delay = LASTS - back
            break
    if report is None:
        raise AssertionError("a planted drop is looked for on one day at least")
    return PlantResult(
        sigma=plant.sigma,
        fixed=drop is not None,
        found=delay is not None,
        delay_days=delay,
        jaccard=_jaccard(early[0], report, plant.slice),
        slices=sum(i.kind is Kind.CX and i.window.end > plant.onset for i in report.incidents),
    )


def _jaccard(dataset: Dataset, report: DetectionReport, true: Slice) -> float:
    cells = dataset.cells()
    orders = cells["orders"].to_numpy(np.float64)
    inside = in_slice(cells, true)
    best = 0.0
    for incident in report.incidents:
        if incident.kind is Kind.CX and incident.slice.overlaps(true):
            said = in_slice(cells, incident.slice)
            best = max(best, float(orders[inside & said].sum() / orders[inside | said].sum()))
    return best


def _report(label: str, worlds: Sequence[World]) -> DetectReport:
    nulls = [world.null for world in worlds]
    plants = [plant for world in worlds for plant in world.plants]
    fixed = [plant for plant in plants if plant.fixed]
    return DetectReport(
        label=label,
        sizes=sizes(),
        null_weeks=wilson(sum(n.weeks_with_alarm for n in nulls), sum(n.weeks for n in nulls)),
        null_slices_per_day=sum(n.slices for n in nulls) / max(sum(n.days for n in nulls), 1),
        bins=tuple(
            _bin([p for p in plants if not p.fixed and low <= p.sigma < high], low, high)
            for low, high in BINS
        ),
        demo_size=_bin(fixed, min(p.sigma for p in fixed), max(p.sigma for p in fixed)),
    )


def _bin(mine: Sequence[PlantResult], low: float, high: float) -> BinRow:
    delays = [plant.delay_days for plant in mine if plant.delay_days is not None]
    return BinRow(
        low=low,
        high=high,
        plants=len(mine),
        found=wilson(sum(plant.found for plant in mine), len(mine)),
        exact=wilson(sum(plant.jaccard >= RIGHT_JACCARD and plant.slices <= 2 for plant in mine), len(mine)),
        mean_delay_days=float(np.mean(delays)) if delays else None,
    )
