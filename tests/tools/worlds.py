"""Small simulated worlds with an incident, made once for all tests of a process."""

from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

import pandas as pd

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldConfig
from tools.incidents import Incident, Kind, Severity, Window


class Case(NamedTuple):
    dataset: Dataset
    incident: Incident
    tables: dict[str, pd.DataFrame]


def incident(slice_: Slice, start: datetime, end: datetime, metric: str = "on_time") -> Incident:
    return Incident(
        id="inc",
        kind=Kind.CX,
        metric=metric,
        slice=slice_,
        window=Window(start=start, end=end),
        onset=start,
        baseline=0.9,
        current=0.8,
        delta=-0.1,
        z=-5.0,
        q_value=0.0,
        severity=Severity.HIGH,
        affected_orders=500,
        top_slices=(),
    )


@cache
def case(scenario: str, *, orders_per_day: int = 6_000, seed: int = 11) -> Case:
    world = World(WorldConfig(scenario=scenario, orders_per_day=orders_per_day, seed=seed))
    result = world.run()
    dataset = Dataset.from_frames(result.tables, mapping=Mapping(zones=dict(result.zones)))
    scope = world.fault.scope if world.fault else Slice.parse({"region": "SF"})
    start = world.onset or datetime(2026, 2, 4, 8, tzinfo=UTC)
    return Case(dataset, incident(scope, start, dataset.as_of), result.tables)
