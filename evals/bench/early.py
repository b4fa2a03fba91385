"""How early, how exact and how alone the demo's fault is reported: the report of `cx bench early`."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldConfig
from evals.parallel import side_by_side
from evals.seeds import derive
from tools.buckets import moment_of
from tools.detection import detect
from tools.incidents import DetectionReport, Incident, Kind

Progress = Callable[[int, int], None]

SPACE: Final = "cx-bench-early"
DAYS: Final = 35
ORDERS_PER_DAY: Final = 12_000
Z_ALARM: Final = 2.5
Z_POWER: Final = 0.8416
"""Standard score that leaves a power of .80."""
USUAL, FAULTY = 0.92, 0.78
"""On-time delivery in the demo's slice before and during the fault."""
MOST_HOURS: Final = 10
"""Hours of the slice that are looked at, from the onset on."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EarlyCase(_Model):
    """One world."""

    seed: int
    powerful_hour: int | None
    """Hour of slice traffic since the onset, from 1, after which a test had a power of .80."""
    found_hour: int | None
    """Hour of slice traffic since the onset, from 1, after which the fault was first reported."""
    slice_exact: bool
    """Of the final report."""
    onset_off_h: float | None
    """Hours between the reported onset and the first hour of slice traffic under the fault."""
    others: int
    """Further CX incidents of the final report."""


class EarlyReport(_Model):
    """All worlds together."""

    label: str
    cases: tuple[EarlyCase, ...]
    median_wait_hours: float | None
    """Hours of slice traffic from the first powerful one to the first report; a fault never found counts as endless."""
    exact: int
    onset_right: int
    """Reported onset within one hour of the slice."""
    others: int


def measure(
    label: str, *, worlds: int, workers: int = 2, progress: Progress = lambda _done, _of: None
) -> EarlyReport:
    """Run the benchmark on worlds seeded from a label."""
    seeds = [derive(SPACE, label, number) for number in range(worlds)]
    cases: list[EarlyCase] = []
    for case in side_by_side(run_case, seeds, workers=workers):
        cases.append(case)
        progress(len(cases), worlds)
    return summarise(label, cases)


def summarise(label: str, cases: Sequence[EarlyCase]) -> EarlyReport:
    """Add the cases up."""
    waits = [
        float("inf") if case.found_hour is None else max(case.found_hour - case.powerful_hour, 0)
        for case in cases
        if case.powerful_hour is not None
    ]
    median = float(np.median(waits)) if waits else float("inf")
    return EarlyReport(
        label=label,
        cases=tuple(cases),
        median_wait_hours=None if np.isinf(median) else median,
        exact=sum(case.slice_exact for case in cases),
        onset_right=sum(case.onset_off_h is not None and abs(case.onset_off_h) <= 1 for case in cases),
        others=sum(case.others for case in cases),
    )


class _Hour(NamedTuple):
    begins: datetime
    orders: float


def run_case(seed: int) -> EarlyCase:
    """One world, hour by hour of its slice."""
    world = World(WorldConfig(scenario="batching", days=DAYS, orders_per_day=ORDERS_PER_DAY, seed=seed))
    run = world.run()
    dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    if world.fault is None or world.onset is None:
        raise AssertionError("the demo has a fault")
    scope, hours = world.fault.scope, list(_slice_hours(dataset, world.fault.scope, world.onset))
    final = detect(dataset)
    mine = _hit(final, scope)
    return EarlyCase(
        seed=seed,
        powerful_hour=_powerful([hour.orders for hour in hours]),
        found_hour=_first_found(dataset, scope, hours),
        slice_exact=mine is not None and mine.slice == scope,
        onset_off_h=None if mine is None else (mine.onset - hours[0].begins).total_seconds() / 3600,
        others=sum(i.kind is Kind.CX and i is not mine for i in final.incidents),
    )


def _slice_hours(dataset: Dataset, scope: Slice, onset: datetime) -> Iterator[_Hour]:
    facts = dataset.facts()
    zone = dataset.mapping.zone_of(scope.get("region"))
    first = int(facts.loc[facts["order_time"] >= onset, "day"].min())
    inside = np.ones(len(facts), dtype=bool)
    for name, value in scope.values:
        inside &= (facts[name] == value).to_numpy()
    orders = facts[inside].groupby(["day", "hour"])["orders"].sum()
    places = [(day, hour) for day in range(first, first + MOST_HOURS) for hour in _hours(scope)]
    for day, hour in places[:MOST_HOURS]:
        begins = moment_of(zone, day, hour)
        if begins + timedelta(hours=1) <= dataset.as_of:
            yield _Hour(begins, float(orders.get((day, hour), 0.0)))


def _hours(scope: Slice) -> Sequence[int]:
    return scope.hour.hours if scope.hour is not None else range(24)


def _powerful(orders: Sequence[float]) -> int | None:
    """The first hour after which all orders since the onset show the drop with a power of .80.

    The drop over its standard error under the usual rate must pass the alarm's threshold by what the power asks.
    """
    for number, total in enumerate(np.cumsum(orders), start=1):
        usual, faulty = (np.sqrt(rate * (1 - rate) / max(total, 1.0)) for rate in (USUAL, FAULTY))
        if Z_ALARM * usual + Z_POWER * faulty <= USUAL - FAULTY:
            return number
    return None


def _first_found(dataset: Dataset, scope: Slice, hours: Sequence[_Hour]) -> int | None:
    ripe = timedelta(hours=1 + dataset.mapping.maturity.delivery_h)
    for number, hour in enumerate(hours, start=1):
        if _hit(detect(dataset.at(hour.begins + ripe), grain="hour"), scope) is not None:
            return number
    return None


def _hit(report: DetectionReport, scope: Slice) -> Incident | None:
    found = (i for i in report.incidents if i.kind is Kind.CX and i.slice.overlaps(scope))
    return next(found, None)
