"""A small demo world, detected once, and contexts over it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from langchain_core.language_models import BaseChatModel

from agents import powers
from agents.context import Budget, Context
from agents.events import ListSink
from agents.reasoner import OfflineReasoner
from data.dataset import Dataset
from data.mapping import Mapping as TableMapping
from data.world import World, WorldConfig
from tools.detection import detect
from tools.evidence import Evidence
from tools.findings import Adjudication, Finding, HypothesisId, NotTestable
from tools.incidents import DetectionReport, Incident
from tools.objections import objections

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Demo:
    """The dataset of a small demo world and what detection finds in it."""

    dataset: Dataset
    found: DetectionReport

    @property
    def incident(self) -> Incident:
        """The batching incident."""
        return self.found.incidents[0]


@pytest.fixture(scope="session")
def demo() -> Demo:
    run = World(WorldConfig(scenario="batching", days=35, orders_per_day=6_000, seed=7)).run()
    dataset = Dataset.from_frames(run.tables, mapping=TableMapping(zones=dict(run.zones)))
    return Demo(dataset, detect(dataset))


@pytest.fixture(scope="session")
def once() -> dict[str, object]:
    """Results of expensive code, kept between tests: it is deterministic, and tested in its own room."""
    return {}


@pytest.fixture
def detected(demo: Demo, once: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> Demo:
    """The demo; adjudication by a fixed verdict, detection and remedies computed once."""
    for name in ("recommend", "plan"):
        monkeypatch.setattr(powers, name, _remembered(name, getattr(powers, name), once))
    monkeypatch.setattr(powers, "detect", lambda context, grain: demo.found)
    monkeypatch.setattr(powers, "adjudicate", verdict)
    return demo


def _remembered(
    name: str, compute: Callable[[Context, Incident, object], object], kept: dict[str, object]
) -> Callable[[Context, Incident, object], object]:
    def answer(context: Context, incident: Incident, other: object) -> object:
        key = f"{name} {incident.id} {other}"
        if key not in kept:
            kept[key] = compute(context, incident, other)
        return kept[key]

    return answer


NewContext = Callable[..., Context]


@pytest.fixture
def new_context(detected: Demo) -> NewContext:
    def build(
        model: BaseChatModel | None = None, sink: ListSink | None = None, budget: Budget | None = None
    ) -> Context:
        return Context(
            dataset=detected.dataset,
            model=model or OfflineReasoner(),
            clock=lambda: NOW,
            sink=sink or ListSink(),
            budget=budget or Budget(),
        )

    return build


def verdict(
    context: Context,
    incident: Incident,
    evidence: Mapping[HypothesisId, Sequence[Evidence]],
    not_testable: Mapping[HypothesisId, str],
) -> Adjudication:
    """Batching confirmed, preparation its mediator, the rest ruled out."""
    findings = [_finding(id_, incident, evidence[id_]) for id_ in HypothesisId if id_ in evidence]
    kept = [f for f in findings if f.role is not None]
    return Adjudication.model_validate(
        {
            "verdict": "confirmed",
            "findings": tuple(sorted(kept, key=lambda f: -f.p_primary)),
            "ruled_out": tuple(f for f in findings if f.role is None),
            "not_testable": [NotTestable(hypothesis=id_, reason=why) for id_, why in not_testable.items()],
            "p_none": 0.001,
            "p_other": 0.02,
        }
    )


def _finding(id_: HypothesisId, incident: Incident, evidence: Sequence[Evidence]) -> Finding:
    primary, mediator = id_ is HypothesisId.BATCHING_POLICY, id_ is HypothesisId.MERCHANT_PREP
    upstream = HypothesisId.BATCHING_POLICY if mediator else None
    return Finding.model_validate(
        {
            "hypothesis": id_,
            "verdict": "confirmed" if primary else "inconclusive" if mediator else "ruled_out",
            "role": "primary" if primary else "mediator" if mediator else None,
            "mediator_of": upstream,
            "p_primary": 0.94 if primary else 0.01,
            "p_contributes": 0.97 if primary else 0.6 if mediator else 0.03,
            "impact": 0.8 * incident.affected_orders if primary else 0.0,
            "share_explained": 0.8 if primary else 0.1,
            "evidence": tuple(each.id for each in evidence),
            "against": objections(id_, evidence, upstream=upstream),
        }
    )
