"""Simulated incidents with their true cause, as the confidence model sees them."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final, Literal, NamedTuple

import numpy as np

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldRun
from evals.drawn_worlds import Split, draw_config
from evals.plain_answers import PlainAnswers, plain_answers
from evals.pseudo_incidents import incident, metric, seen_inexactly, window, worst_by_chance
from evals.seeds import derive
from evals.true_effects import MOST, TrueEffects, true_effects, weather_share
from evals.withheld import Withheld
from tools.battery import run_all
from tools.detection import detect
from tools.features import Reading, outcome_z, read
from tools.findings import HypothesisId
from tools.incidents import Incident, Kind
from tools.registry import ToolContext

SPACE: Final = "cx-calibrate"
LEAN: Final = frozenset({"items", "ratings", "inventory_events"})
"""Half of the worlds have none of these tables: confidence must not hang on them."""
CHANCE_PER_NULL: Final = 4
DECOYS: Final = 0.25
"""Of the worlds with a fault: an incident by chance beside it, in a metric that the fault does not move."""
STANDS_OUT: Final = 2.0
"""Standard errors between days: what stands out by less is no incident, and nobody would ask for its cause."""
DETECTED_EVERY: Final = 7
"""In every seventh world the detector itself is asked."""

CAUSE_TABLES: Final = {
    HypothesisId.COURIER_SUPPLY: frozenset({"supply_snapshots", "deliveries.dasher_wait"}),
    HypothesisId.MERCHANT_PREP: frozenset({"deliveries.merchant_prep_time"}),
    HypothesisId.BATCHING_POLICY: frozenset({"deliveries.batched_flag", "policy_changes"}),
    HypothesisId.INVENTORY: frozenset({"items", "inventory_events"}),
    HypothesisId.DEMAND_SURGE: frozenset({"supply_snapshots", "deliveries.dasher_wait"}),
}
"""Without these the cause cannot be seen; then `other` is the right answer. Of promises nothing can be withheld:
without them no order is late."""
IRRELEVANT: Final = {
    HypothesisId.COURIER_SUPPLY: frozenset({"policy_changes"}),
    HypothesisId.MERCHANT_PREP: frozenset({"supply_snapshots"}),
    HypothesisId.BATCHING_POLICY: frozenset({"supply_snapshots"}),
    HypothesisId.INVENTORY: frozenset({"supply_snapshots"}),
    HypothesisId.ETA_MODEL: frozenset({"supply_snapshots"}),
    HypothesisId.DEMAND_SURGE: frozenset({"policy_changes"}),
}
"""Without these the cause can still be seen."""

Label = str
"""A hypothesis id, `none` or `other`."""
SampleKind = Literal["fault", "double", "withheld", "irrelevant", "chance", "decoy", "detected", "resolved"]


@dataclass(frozen=True)
class Sample:
    """One incident: what its evidence says and what is true."""

    world: int
    """Incidents of one world stay together when folds are made."""
    kind: SampleKind
    """`resolved`: not simulated, a user's own (`evals.history`)."""
    label: Label
    readings: dict[HypothesisId, Reading]
    z: float
    second: Label | None = None
    """The other cause, where two are true; the smaller in its effect."""
    plain: PlainAnswers = field(default_factory=PlainAnswers)
    """What simpler methods answer."""


class Place(NamedTuple):
    """Which world: its seed is derived from all but the split."""

    number: int
    space: str = SPACE
    label: str = "world"
    split: Split = "held_out"


class Case(NamedTuple):
    """An incident on some data, before its evidence is gathered."""

    kind: SampleKind
    label: Label
    dataset: Dataset
    incident: Incident
    second: Label | None = None


def simulate(place: Place) -> tuple[Sample, ...]:
    """The samples of one world, from its place alone."""
    index = place.number
    seed = derive(place.space, place.label, index)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    world = World(draw_config(rng, index, seed, place.split))
    run = world.run()
    tables = dict(run.tables)
    if rng.random() < 0.5 and "inventory" not in world.config.scenario:
        tables = {name: rows for name, rows in tables.items() if name not in LEAN}
    dataset = Dataset.from_frames(tables, mapping=Mapping(zones=dict(run.zones)))
    effects = true_effects(world, run)
    chance = _Chance(dataset, world, run)
    found = list(_cases(rng, chance, effects, place.split))
    if place.split != "withheld" and index % DETECTED_EVERY == 0:
        found += _detected(chance, effects)
    samples = tuple(one for one in (_sample(index, case) for case in found) if one.z >= STANDS_OUT)
    del dataset, run, world, tables, effects, chance, found
    gc.collect()  # a dataset is big and part of cycles: it would stay until chance collects it
    return samples


@dataclass(frozen=True)
class _Chance:
    """A world, and what is true where its fault is not."""

    dataset: Dataset
    world: World
    run: WorldRun

    @cached_property
    def calm(self) -> WorldRun:
        """The world without storms and promotions."""
        return self.world.calm()

    def case(self, kind: SampleKind, found: Incident) -> Case:
        """Nothing is wrong there, unless a storm or a promotion did most of it."""
        share = weather_share(self.calm, self.run, found.metric, found.slice, found.window)
        label = HypothesisId.EXTERNAL_SHOCK.value if share >= MOST else "none"
        return Case(kind, label, self.dataset, found)

    def worst(self, rng: np.random.Generator, name: str) -> Incident | None:
        """What looks worst in a metric at some late time."""
        found = worst_by_chance(rng, self.dataset.facts(), name, length=int(rng.integers(1, 5)))
        return None if found is None else incident(self.dataset.facts(), name, *found)


def _cases(
    rng: np.random.Generator, chance: _Chance, effects: TrueEffects | None, split: Split
) -> Iterator[Case]:
    if effects is None:
        return _chance(rng, chance)
    if split == "withheld":
        return _thrice(rng, chance.dataset, chance.world, effects)
    return _fault(rng, chance, effects)


def _thrice(rng: np.random.Generator, dataset: Dataset, world: World, effects: TrueEffects) -> Iterator[Case]:
    """One incident with all tables, without an irrelevant one, and without those of its cause."""
    cause = HypothesisId(effects.causes("on_time")[0])
    hidden = CAUSE_TABLES[cause]
    seen = tuple(
        name for name in effects.moved if not (name == "refund" and "items" in hidden | _absent(dataset))
    )
    if not seen:
        return
    found = _true(rng, dataset, world, metric(rng, seen))
    yield Case("fault", cause.value, dataset, found)
    yield Case("irrelevant", cause.value, Withheld(dataset, IRRELEVANT[cause]), found)
    yield Case("withheld", "other", Withheld(dataset, hidden), found)


def _absent(dataset: Dataset) -> frozenset[str]:
    return frozenset(name for name in LEAN if not dataset.has(name))


def _fault(rng: np.random.Generator, chance: _Chance, effects: TrueEffects) -> Iterator[Case]:
    dataset, world = chance.dataset, chance.world
    yield from _decoy(rng, chance, effects)
    seen = tuple(name for name in effects.moved if name != "refund" or dataset.has("items"))
    if not seen:
        return
    name = metric(rng, seen)
    causes = effects.causes(name)
    kind: SampleKind = "double" if len(causes) > 1 else "fault"
    second = causes[1] if len(causes) > 1 else None
    yield Case(kind, causes[0], dataset, _true(rng, dataset, world, name), second)
    if second is None:
        yield from _without(rng, dataset, world, name, HypothesisId(causes[0]))


def _without(
    rng: np.random.Generator, dataset: Dataset, world: World, name: str, cause: HypothesisId
) -> Iterator[Case]:
    """The same fault with the tables of its cause withheld, or an irrelevant one."""
    withhold = rng.random() < 0.4 and cause in CAUSE_TABLES
    if withhold and not (name == "refund" and "items" in CAUSE_TABLES[cause]):
        blind = Withheld(dataset, CAUSE_TABLES[cause])
        yield Case("withheld", "other", blind, _true(rng, dataset, world, name))
    elif not withhold:
        seen = Withheld(dataset, IRRELEVANT[cause])
        yield Case("irrelevant", cause.value, seen, _true(rng, dataset, world, name))


def _true(rng: np.random.Generator, dataset: Dataset, world: World, name: str) -> Incident:
    fault, onset = world.fault, world.onset
    if fault is None or onset is None:
        raise ValueError(f"scenario {world.config.scenario!r} has no fault")
    span = window(rng, onset, min(dataset.as_of, world.end or dataset.as_of))
    return incident(dataset.facts(), name, seen_inexactly(rng, fault.scope), span)


def _chance(rng: np.random.Generator, chance: _Chance) -> Iterator[Case]:
    for _ in range(CHANCE_PER_NULL):
        found = chance.worst(rng, metric(rng, _metrics(chance.dataset)))
        if found is not None:
            yield chance.case("chance", found)


def _decoy(rng: np.random.Generator, chance: _Chance, effects: TrueEffects) -> Iterator[Case]:
    """Something is wrong, but not with this metric: it looks bad by chance while a driver moves."""
    untouched = tuple(name for name in _metrics(chance.dataset) if name in effects.untouched)
    if rng.random() >= DECOYS or not untouched:
        return
    found = chance.worst(rng, metric(rng, untouched))
    if found is not None:
        yield chance.case("decoy", found)


def _metrics(dataset: Dataset) -> tuple[str, ...]:
    names = ("on_time", "cancellation", "support_contact", "refund", "cx_index")
    return tuple(name for name in names if name != "refund" or dataset.has("items"))


def _detected(chance: _Chance, effects: TrueEffects | None) -> Iterator[Case]:
    """What the detector reports: the fault, and false alarms away from it."""
    dataset, world = chance.dataset, chance.world
    for reported in detect(dataset).incidents[:3]:
        if reported.kind is not Kind.CX:
            continue
        if world.fault is None or world.onset is None or effects is None:
            yield chance.case("detected", reported)
        elif _same(reported, world, world.onset):
            causes = effects.causes(reported.metric)
            yield Case("detected", causes[0], dataset, reported, causes[1] if len(causes) > 1 else None)
        elif reported.window.end <= world.onset or not reported.slice.overlaps(world.fault.scope):
            yield chance.case("detected", reported)


def _same(reported: Incident, world: World, onset: datetime) -> bool:
    if world.fault is None or reported.window.end <= onset:
        return False
    return reported.slice.contains(world.fault.scope) or world.fault.scope.contains(reported.slice)


def _sample(index: int, case: Case) -> Sample:
    results = run_all(case.incident, ToolContext(case.dataset))
    pool = {id_: result.evidence for id_, result in results.items() if result.evidence}
    readings = {id_: read(id_, evidence) for id_, evidence in pool.items()}
    unseen = case.label in set(HypothesisId) and case.label not in readings
    return Sample(
        world=index,
        kind=case.kind,
        label="other" if unseen else case.label,
        readings=readings,
        z=outcome_z(pool, -case.incident.z),
        second=case.second,
        plain=plain_answers(case.dataset, case.incident, pool),
    )
