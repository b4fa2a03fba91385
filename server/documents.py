"""A report as a Markdown document that stands by itself."""

from collections.abc import Iterable

from agents.report import ChallengeEntry, InvestigationReport
from server.wording import amount, explain, moment, outcome, span
from tools.evidence import Evidence
from tools.findings import Finding
from tools.recommendations import Recommendation
from tools.wording import models_words


def report_markdown(report: InvestigationReport) -> str:
    """The whole report; every number in it stands in the JSON too."""
    incident = report.incident
    if incident is None:
        return f"# No degradation\n\nAs of {moment(report.as_of)}.\n\n{report.narrative}\n".rstrip() + "\n"
    head = (
        f"# Incident {incident.id}: {incident.metric} in {incident.slice}\n\n"
        f"{amount(incident.metric, incident.baseline)} before, "
        f"{amount(incident.metric, incident.current)} since {moment(incident.onset)}; "
        f"{incident.affected_orders:,} orders; severity {incident.severity.value}; "
        f"{f'planned: {incident.planned}; ' if incident.planned else ''}"
        f"verdict {report.verdict.value.replace('_', ' ')}."
    )
    parts = [
        head,
        report.narrative.strip(),
        _section("Causes", _findings(report.findings)),
        _section("What the challenge tried", _challenge(report.challenge)),
        _section("Ruled out", _findings(report.ruled_out)),
        _section(
            "Not testable",
            [
                f"- {n.hypothesis.value}: {n.reason.removeprefix('not testable: ')}"
                for n in report.not_testable
            ],
        ),
        _section("Recommendations", _recommendations(report.recommendations)),
        _section("Evidence", _evidence(report.evidence)),
        _section("Limitations", [f"- {text}" for text in report.limitations]),
        _colophon(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _colophon(report: InvestigationReport) -> str:
    grounding = report.grounding
    model = f" Confidence model {report.confidence_model}." if report.confidence_model else ""
    return (
        f"Data {report.fingerprint}, as of {moment(report.as_of)}.{model} {grounding.supported} of {grounding.claims} "
        f"claims are backed by evidence, {grounding.removed} were removed."
    )


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"## {title}\n\n{body}" if body else ""


def _findings(findings: Iterable[Finding]) -> list[str]:
    rows = [
        f"| {f.hypothesis.value} | {f.verdict.value.replace('_', ' ')} | {_role(f)} | {f.p_primary:.0%} | "
        f"{f.p_contributes:.0%} | {' '.join(f.evidence)} |"
        for f in findings
    ]
    if not rows:
        return []
    return [
        "| hypothesis | verdict | role | main cause | matters | evidence |",
        "| --- | --- | --- | ---: | ---: | --- |",
        *rows,
    ]


def _challenge(entries: Iterable[ChallengeEntry]) -> list[str]:
    rows = [
        f"| {entry.name} | {outcome(entry.passed)} | {_cell(entry.text)} | {entry.evidence} |"
        for entry in entries
    ]
    return ["| check | result | found | evidence |", "| --- | --- | --- | --- |", *rows] if rows else []


def _role(finding: Finding) -> str:
    if finding.mediator_of is not None:
        return f"{finding.role} of {finding.mediator_of.value}"
    return finding.role or ""


def _recommendations(items: Iterable[Recommendation]) -> list[str]:
    lines = []
    for rank, item in enumerate(items, start=1):
        lines.append(f"{rank}. **{item.title}** ({item.scope}; {item.owner}, {item.reversibility} to undo)")
        for metric, effect in {**item.effects, **item.efficiency_cost}.items():
            lines.append(f"   - {metric} {span(effect.estimate, effect.low, effect.high, effect.unit)}")
        if item.models is not None:
            lines.append(f"   - {models_words(item.models)}")
    return lines


def _evidence(evidence: dict[str, Evidence]) -> list[str]:
    rows = [f"| {name} | {item.tool} | {_cell(explain(item))} |" for name, item in evidence.items()]
    return ["| id | tool | result |", "| --- | --- | --- |", *rows] if rows else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
