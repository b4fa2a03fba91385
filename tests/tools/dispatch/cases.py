"""Incidents of three kinds with the worlds that they came from, made once for all tests of a process."""

from collections.abc import Mapping as Frames
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldConfig, WorldRun
from tools.dispatch.calibration import Calibrated, calibrate
from tools.dispatch.fleet import Fleet, fleet_of
from tools.incidents import Window
from tools.settings import AnalysisSettings


class Case(NamedTuple):
    world: World
    run: WorldRun
    dataset: Dataset
    where: Slice
    window: Window

    def fleet(self) -> Fleet:
        return fleet_of(self.dataset, where=self.where, window=self.window, settings=AnalysisSettings())

    def with_tables(self, **tables: pd.DataFrame | None) -> "Case":
        """The same case with some tables replaced, or withheld."""
        frames = {**self.run.tables, **{name: frame for name, frame in tables.items() if frame is not None}}
        kept = {name: frame for name, frame in frames.items() if tables.get(name, frame) is not None}
        return self._replace(dataset=dataset_of(kept, self.run))


def dataset_of(tables: Frames[str, pd.DataFrame], run: WorldRun) -> Dataset:
    return Dataset.from_frames(tables, mapping=Mapping(zones=dict(run.zones)))


@cache
def case(scenario: str, seed: int) -> Case:
    world = World(WorldConfig(scenario=scenario, orders_per_day=4_000, seed=seed))
    run = world.run()
    dataset = dataset_of(run.tables, run)
    assert world.fault is not None
    assert world.onset is not None
    assert world.end is not None
    window = Window(start=world.onset, end=min(world.end, dataset.as_of))
    return Case(world, run, dataset, world.fault.scope, window)


class Fitted(NamedTuple):
    case: Case
    fleet: Fleet
    fitted: Calibrated


@cache
def fitted(scenario: str, seed: int) -> Fitted:
    made = case(scenario, seed)
    fleet = made.fleet()
    return Fitted(made, fleet, calibrate(fleet, seed=7))


def batching() -> Fitted:
    return fitted("batching", 2)


def short_of_couriers() -> Fitted:
    return fitted("courier_supply", 1)


def slow_stores() -> Fitted:
    return fitted("merchant_prep", 3)


def late_without_a_cause(case: Case) -> Case:
    """Every delivery of the incident takes four minutes more, and no record says why."""
    tables = case.run.tables
    placed = tables["orders"].set_index("order_id")["order_time"].reindex(tables["deliveries"]["order_id"])
    late = pd.to_timedelta(np.where(placed >= case.window.start, 240, 0), unit="s")
    arrivals = {name: tables["deliveries"][name] + late for name in ("actual_eta", "delivery_time")}
    return case.with_tables(deliveries=tables["deliveries"].assign(**arrivals))
