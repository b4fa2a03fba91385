"""What the writer is told and what it may cite, put together from what the investigation found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from agents import facts
from agents.grounding import Allowed
from agents.render import number
from agents.writing import pieces
from data.dataset import Dataset
from tools.evidence import Evidence
from tools.experiment import ExperimentPlan
from tools.findings import Adjudication, Finding
from tools.hypotheses import HYPOTHESES
from tools.incidents import Incident, Kind
from tools.modules import MODULES
from tools.recommendations import Recommendation

MAX_NAMES: Final = 5_000
MAX_CITED: Final = 3
_SCOPES: Final = frozenset({"slice", "scope"})


@dataclass(frozen=True)
class Found:
    """Everything an investigation found about one incident."""

    incident: Incident
    adjudication: Adjudication
    evidence: Mapping[str, Evidence]
    recommendations: tuple[Recommendation, ...]
    plan: ExperimentPlan | None
    zone: tzinfo
    names: frozenset[str]
    """Slice values and dimension names that prose may not contain."""


def zone_of(dataset: Dataset, incident: Incident) -> tzinfo:
    """The clock on which the incident is told: that of its region, else the dataset's own."""
    region = incident.slice.get("region")
    name = dataset.mapping.zones.get(region, dataset.mapping.default_zone) if region else None
    name = name or dataset.mapping.default_zone
    return ZoneInfo(name) if name else UTC


def names_in(dataset: Dataset, *parts: object) -> frozenset[str]:
    """Names of dimensions and of slice values: of the dataset, and of every slice in `parts` (JSON)."""
    cells = dataset.cells()
    found = set(dataset.dimensions)
    for dimension in dataset.dimensions:
        found |= {str(value) for value in cells[dimension].unique()[:MAX_NAMES]}
    for part in parts:
        found |= set(_slice_values(part))
    return frozenset(name for name in found if name)


def _slice_values(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            if name in _SCOPES and isinstance(child, Mapping):
                yield from (str(text) for key, text in child.items() if key != "hour")
            yield from _slice_values(child)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for child in value:
            yield from _slice_values(child)


def allowed(found: Found) -> Allowed:
    """What sentences about it may rest on."""
    metric = facts.metric_words(found.incident.metric)
    known = facts.of_incident(found.incident, metric, found.zone)
    for evidence in found.evidence.values():
        known |= facts.of_evidence(evidence, found.zone)
    for finding in _findings(found.adjudication):
        hypothesis = HYPOTHESES[finding.hypothesis]
        known |= facts.of_finding(finding, hypothesis.title, hypothesis.claim)
        known[f"finding.{finding.hypothesis.value}.evidence"] = ", ".join(finding.evidence[:MAX_CITED])
        known[f"finding.{finding.hypothesis.value}.one_more_datum"] = hypothesis.one_more_datum
    for rank, recommendation in enumerate(found.recommendations, start=1):
        known |= facts.of_recommendation(rank, recommendation)
    if found.plan is not None:
        known |= facts.of_plan(found.plan)
    known |= _adjudication_facts(found.adjudication)
    return Allowed(known, {f.hypothesis.value: f for f in _findings(found.adjudication)}, found.names)


def _adjudication_facts(adjudication: Adjudication) -> dict[str, str]:
    return {
        "adjudication.p_none": number(adjudication.p_none, "probability"),
        "adjudication.p_other": number(adjudication.p_other, "probability"),
    }


def _findings(adjudication: Adjudication) -> tuple[Finding, ...]:
    return (*adjudication.findings, *adjudication.ruled_out)


def writer_task(
    found: Found, may: Allowed, remarks: Mapping[str, str], limits: Sequence[str]
) -> dict[str, Any]:
    """The writer's task as JSON: what was found, and every placeholder with the words it stands for."""
    verdict = found.adjudication
    primary = next((f for f in verdict.findings if f.role == "primary"), None)
    ranked = [_recommendation_row(n, r, found) for n, r in enumerate(found.recommendations, start=1)]
    untested = [HYPOTHESES[item.hypothesis].title for item in verdict.not_testable]
    return {
        "verdict": verdict.verdict.value,
        "kind": found.incident.kind.value,
        "direction": "fell" if found.incident.delta < 0 else "rose",
        "primary": primary.hypothesis.value if primary else None,
        "findings": [_finding_row(f, verdict, found.incident.kind) for f in verdict.findings],
        "ruled_out": [_finding_row(f, verdict, found.incident.kind) for f in verdict.ruled_out],
        "untested": ", ".join(untested) or None,
        "evidence": [row for f in _findings(verdict) for row in _evidence_rows(f, found.evidence)],
        "scores": [{"id": e.id} for e in found.evidence.values() if e.arguments.get("metric") == "cx_score"],
        "money": [
            {"id": e.id}
            for e in found.evidence.values()
            if e.tool == "money_lost" and float(e.result["low_usd"]) > 0
        ],
        "mechanisms": [
            {"id": e.id, **{name: value for name, value in e.result.items() if isinstance(value, bool)}}
            for e in found.evidence.values()
            if e.tool == "mechanism_shapley"
        ],
        "ways": _ways(primary, found.evidence),
        "objections": [
            {"hypothesis": f.hypothesis.value, "role": f.role, "text": objection.text}
            for f in verdict.findings
            for objection in f.against
        ],
        "recommendations": ranked[:1],
        "alternatives": ranked[1:],
        "remarks": dict(remarks),
        "degraded": bool(limits),
        "placeholders": {path: may.facts[path] for path in sorted(may.facts)},
    }


def _ways(primary: Finding | None, evidence: Mapping[str, Evidence]) -> list[dict[str, Any]]:
    """The ways of the leader's own module, whoever asked for them."""
    if primary is None:
        return []
    return [
        {"id": e.id, "hypothesis": primary.hypothesis.value}
        | {name: value for name, value in e.result.items() if isinstance(value, bool)}
        for e in evidence.values()
        if e.tool == "mechanism_paths" and e.result["module"] == MODULES.get(primary.hypothesis)
    ]


def _finding_row(finding: Finding, verdict: Adjudication, kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "hypothesis": finding.hypothesis.value,
        "title": HYPOTHESES[finding.hypothesis].title,
        "verdict": finding.verdict.value,
        "overall": verdict.verdict.value,
        "role": finding.role,
        "mediator_of": finding.mediator_of.value if finding.mediator_of else None,
        "objection": finding.against[0].text if finding.against else None,
    }


def _evidence_rows(finding: Finding, evidence: Mapping[str, Evidence]) -> Iterator[dict[str, Any]]:
    for id_ in finding.evidence:
        if id_ in evidence:
            item = evidence[id_]
            yield {
                **{name: value for name, value in item.arguments.items() if isinstance(value, str)},
                **{name: value for name, value in item.result.items() if isinstance(value, bool)},
                "id": id_,
                "tool": item.tool,
                "hypothesis": finding.hypothesis.value,
                "role": finding.role,
                "verdict": finding.verdict.value,
            }


def _recommendation_row(rank: int, recommendation: Recommendation, found: Found) -> dict[str, Any]:
    return {
        "rank": rank,
        "title": globally(recommendation.title, rank),
        "action": recommendation.action,
        "addresses": recommendation.addresses,
        "metric": found.incident.metric,
        "effects": sorted(recommendation.effects),
        "reversibility": recommendation.reversibility,
    }


def globally(text: str, rank: int) -> str:
    """A recommendation's own text, its placeholders named from outside.

    Example:
        >>> globally("Pause {{scope}}", 2)
        'Pause {{recommendation.2.scope}}'
    """
    return "".join(
        piece.content if piece.kind == "text" else f"{{{{recommendation.{rank}.{piece.content}}}}}"
        for piece in pieces(text)
    )
