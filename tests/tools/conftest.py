"""One simulated incident for the tools' tests: a batching threshold raised in one slice."""

from typing import NamedTuple

import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from data.world.config import WorldConfig
from data.world.world import World
from tools.findings import Adjudication, Finding, FindingVerdict, HypothesisId, IncidentVerdict
from tools.incidents import Incident, Kind, Severity, Window


class Scene(NamedTuple):
    """A dataset with an incident, and the same world without the fault."""

    dataset: Dataset
    twin: Dataset
    incident: Incident


def scene(scenario: str, *, seed: int, orders_per_day: int) -> Scene:
    world = World(WorldConfig(scenario=scenario, seed=seed, orders_per_day=orders_per_day))
    run, fault = world.run(), world.fault
    assert fault is not None
    assert world.onset is not None
    assert world.end is not None
    mapping = Mapping(zones=dict(run.zones))
    dataset = Dataset.from_frames(run.tables, mapping=mapping)
    twin = Dataset.from_frames(world.twin().tables, mapping=mapping, as_of=dataset.as_of)
    incident = Incident(
        id="inc-1",
        kind=Kind.CX,
        metric="on_time",
        slice=fault.scope,
        window=Window(start=world.onset, end=min(world.end, dataset.as_of)),
        onset=world.onset,
        baseline=0.92,
        current=0.78,
        delta=-0.14,
        z=-9.0,
        q_value=0.0,
        severity=Severity.CRITICAL,
        affected_orders=500,
        top_slices=(),
    )
    return Scene(dataset, twin, incident)


def found(hypothesis: HypothesisId, *, p_primary: float = 0.9) -> Adjudication:
    """An adjudication with one confirmed cause and preparation as its mediator."""
    cause = Finding(
        hypothesis=hypothesis,
        verdict=FindingVerdict.CONFIRMED,
        role="primary",
        p_primary=p_primary,
        p_contributes=0.97,
        impact=400.0,
        share_explained=0.9,
        evidence=("E2", "E10"),
        against=(),
    )
    mediator = cause.model_copy(
        update={
            "hypothesis": HypothesisId.MERCHANT_PREP,
            "role": "mediator",
            "mediator_of": hypothesis,
            "p_primary": 0.02,
        }
    )
    return Adjudication(
        verdict=IncidentVerdict.CONFIRMED,
        findings=(cause, mediator),
        ruled_out=(),
        not_testable=(),
        p_none=0.01,
        p_other=0.05,
    )


@pytest.fixture(scope="session")
def batching() -> Scene:
    return scene("batching", seed=7, orders_per_day=6000)


@pytest.fixture
def adjudicate_as() -> object:
    return found


@pytest.fixture
def elsewhere() -> Slice:
    return Slice.parse({"category": "pharmacy", "region": "DEN", "hour": {"from": 3, "to": 4}})
