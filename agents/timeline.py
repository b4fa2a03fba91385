"""How it came about: the change made, the driver moved, the outcome moved, in order of time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from agents import render
from agents.catalog import Found
from agents.facts import metric_words
from agents.report import TimelineEntry
from tools.evidence import Evidence


def timeline(found: Found) -> tuple[TimelineEntry, ...]:
    """Entries of the evidence that the findings rest on, and of the incident itself; earliest first."""
    incident = found.incident
    cited = {id_ for finding in found.adjudication.findings for id_ in finding.evidence}
    entries = {
        (entry.at, entry.what): entry
        for id_, evidence in reversed(list(found.evidence.items()))
        if id_ in cited
        for entry in _of_evidence(evidence)
    }
    metric = metric_words(incident.metric)
    moved = f"{metric.title} left its expected range: {render.slice_words(incident.slice)}"
    entries[incident.onset, moved] = TimelineEntry(at=incident.onset, what=moved, evidence=None)
    return tuple(entries[key] for key in sorted(entries))


def _of_evidence(evidence: Evidence) -> Iterator[TimelineEntry]:
    result = evidence.result
    if evidence.tool == "changes_in_scope" and result.get("changed_at"):
        yield _entry(result["changed_at"], _change(result), evidence)
    if evidence.tool == "onset_order" and result.get("driver_onset"):
        yield _entry(result["driver_onset"], f"{_driver(result)} moved", evidence)


def _entry(at: str, what: str, evidence: Evidence) -> TimelineEntry:
    return TimelineEntry(at=datetime.fromisoformat(at), what=what, evidence=evidence.id)


def _change(result: dict[str, Any]) -> str:
    old, new = (render.harmless(str(result.get(name) or "unknown")) for name in ("old_value", "new_value"))
    return f"Recorded change: {render.words(str(result.get('policy')))} from {old} to {new}"


def _driver(result: dict[str, Any]) -> str:
    return render.words(str(result.get("driver"))).capitalize()
