"""Simulated incidents with their true cause, as the confidence model sees them."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

import numpy as np

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldConfig
from evals.cases import CAUSE_OF, FAULTS
from evals.pseudo_incidents import incident, metric, seen_inexactly, window, worst_by_chance
from evals.seeds import derive
from evals.withheld import Withheld
from tools.battery import run_all
from tools.detection import detect
from tools.features import Reading, outcome_z, read
from tools.findings import HypothesisId
from tools.incidents import Incident, Kind
from tools.registry import ToolContext

SPACE: Final = "cx-calibrate"
SCENARIOS: Final = ("none", *FAULTS, "none", *FAULTS, *FAULTS)
"""In turn: two worlds of eleven have nothing wrong; each gives several incidents by chance."""
VOLUMES: Final = (5_000, 7_000, 10_000)
LEAN: Final = frozenset({"items", "ratings", "inventory_events"})
"""Half of the worlds have none of these tables: confidence must not hang on them."""
CHANCE_PER_NULL: Final = 5
DETECTED_EVERY: Final = 6
"""In every sixth world the detector itself is asked."""

CAUSE_TABLES: Final = {
    HypothesisId.COURIER_SUPPLY: frozenset({"supply_snapshots", "deliveries.dasher_wait"}),
    HypothesisId.MERCHANT_PREP: frozenset({"deliveries.merchant_prep_time"}),
    HypothesisId.BATCHING_POLICY: frozenset({"deliveries.batched_flag"}),
}
"""Without these the cause cannot be seen; then `other` is the right answer."""
IRRELEVANT: Final = {
    HypothesisId.COURIER_SUPPLY: frozenset({"policy_changes"}),
    HypothesisId.MERCHANT_PREP: frozenset({"supply_snapshots"}),
    HypothesisId.BATCHING_POLICY: frozenset({"policy_changes"}),
}
"""Without these the cause can still be seen."""

Label = str
"""A hypothesis id, `none` or `other`."""


@dataclass(frozen=True)
class Sample:
    """One incident: what its evidence says and what is true."""

    world: int
    """Incidents of one world stay together when folds are made."""
    kind: Literal["fault", "withheld", "irrelevant", "chance", "detected", "resolved"]
    """`resolved`: not simulated, a user's own (`evals.history`)."""
    label: Label
    readings: dict[HypothesisId, Reading]
    z: float


class Place(NamedTuple):
    """Which world: its seed is derived from all three."""

    number: int
    space: str = SPACE
    label: str = "world"


def simulate(place: Place) -> tuple[Sample, ...]:
    """The samples of one world, from its place alone."""
    index = place.number
    seed = derive(place.space, place.label, index)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    scenario = SCENARIOS[index % len(SCENARIOS)]
    config = WorldConfig(scenario=scenario, orders_per_day=int(rng.choice(VOLUMES)), seed=seed)
    world = World(config)
    run = world.run()
    tables = dict(run.tables)
    if rng.random() < 0.5:
        tables = {name: rows for name, rows in tables.items() if name not in LEAN}
    dataset = Dataset.from_frames(tables, mapping=Mapping(zones=dict(run.zones)))
    found = _null(rng, dataset) if world.fault is None else _fault(rng, dataset, world)
    samples = [_sample(index, *case) for case in found]
    if index % DETECTED_EVERY == 0:
        samples += [_sample(index, *case) for case in _detected(dataset, world)]
    del dataset, run, world, tables
    gc.collect()  # a dataset is big and part of cycles: it would stay until chance collects it
    return tuple(samples)


Case = tuple[Literal["fault", "withheld", "irrelevant", "chance", "detected"], Label, Dataset, Incident]


def _fault(rng: np.random.Generator, dataset: Dataset, world: World) -> Iterator[Case]:
    cause = HypothesisId(CAUSE_OF[world.config.scenario])
    yield "fault", cause.value, dataset, _true(rng, dataset, world)
    if rng.random() < 0.4:
        yield "withheld", "other", Withheld(dataset, CAUSE_TABLES[cause]), _true(rng, dataset, world)
    else:
        yield "irrelevant", cause.value, Withheld(dataset, IRRELEVANT[cause]), _true(rng, dataset, world)


def _true(rng: np.random.Generator, dataset: Dataset, world: World) -> Incident:
    fault, onset = world.fault, world.onset
    if fault is None or onset is None:
        raise ValueError(f"scenario {world.config.scenario!r} has no fault")
    span = window(rng, onset, min(dataset.as_of, world.end or dataset.as_of))
    return incident(
        dataset.facts(), metric(rng, dataset.has("items")), seen_inexactly(rng, fault.scope), span
    )


def _null(rng: np.random.Generator, dataset: Dataset) -> Iterator[Case]:
    for _ in range(CHANCE_PER_NULL):
        name = metric(rng, dataset.has("items"))
        found = worst_by_chance(rng, dataset.facts(), name, length=int(rng.integers(1, 5)))
        if found is not None:
            yield "chance", "none", dataset, incident(dataset.facts(), name, found[0], found[1])


def _detected(dataset: Dataset, world: World) -> Iterator[Case]:
    """What the detector reports: the fault, and false alarms away from it."""
    for reported in detect(dataset).incidents[:3]:
        if reported.kind is not Kind.CX:
            continue
        if world.fault is None or world.onset is None:
            yield "detected", "none", dataset, reported
        elif _same(reported, world, world.onset):
            yield "detected", CAUSE_OF[world.config.scenario], dataset, reported
        elif reported.window.end <= world.onset or not reported.slice.overlaps(world.fault.scope):
            yield "detected", "none", dataset, reported


def _same(reported: Incident, world: World, onset: datetime) -> bool:
    if world.fault is None or reported.window.end <= onset:
        return False
    return reported.slice.contains(world.fault.scope) or world.fault.scope.contains(reported.slice)


def _sample(
    index: int,
    kind: Literal["fault", "withheld", "irrelevant", "chance", "detected"],
    label: Label,
    dataset: Dataset,
    found: Incident,
) -> Sample:
    results = run_all(found, ToolContext(dataset))
    pool = {id_: result.evidence for id_, result in results.items() if result.evidence}
    readings = {id_: read(id_, evidence) for id_, evidence in pool.items()}
    tested = label in readings
    cause = label in [id_.value for id_ in HypothesisId]
    return Sample(index, kind, label if tested or not cause else "other", readings, outcome_z(pool, -found.z))
