"""How it came about: the change made, the driver moved, the outcome moved, in order of time.

Of a driver it is told how long after it the outcome moved, and how soon that is expected.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from agents import render
from agents.catalog import Found
from agents.facts import metric_words
from agents.report import TimelineEntry
from tools.evidence import Evidence
from tools.hypotheses import HYPOTHESES


def timeline(found: Found) -> tuple[TimelineEntry, ...]:
    """Entries of the evidence that the findings rest on, and of the incident itself; earliest first."""
    incident = found.incident
    findings = found.adjudication.findings
    told = [f for f in findings if f.role is not None] or findings
    cited = {id_ for finding in told for id_ in finding.evidence}
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
    if evidence.tool == "onset_order" and result.get("driver_moved"):
        begin = datetime.fromisoformat(evidence.arguments["start"])
        at = begin + timedelta(seconds=result["driver_onset_s"])
        yield TimelineEntry(at=at, what=f"{_driver(result)} moved{_lag(result)}", evidence=evidence.id)


def _entry(at: str, what: str, evidence: Evidence) -> TimelineEntry:
    return TimelineEntry(at=datetime.fromisoformat(at), what=what, evidence=evidence.id)


def _change(result: dict[str, Any]) -> str:
    old, new = (render.harmless(str(result.get(name) or "unknown")) for name in ("old_value", "new_value"))
    return f"Recorded change: {render.words(str(result.get('policy')))} from {old} to {new}"


def _lag(result: dict[str, Any]) -> str:
    """How long after it the outcome moved, and how soon that is expected."""
    if not result.get("outcome_moved"):
        return ""
    lead = float(result["lead_s"])
    expected = next((h.expected_lag for h in HYPOTHESES.values() if h.driver == result.get("driver")), None)
    when = (
        "the same day"
        if not lead
        else f"{render.number(abs(lead), 's')} {'earlier' if lead < 0 else 'later'}"
    )
    return f"; the outcome moved {when}" + (f" (expected: {expected})" if expected else "")


def _driver(result: dict[str, Any]) -> str:
    return render.words(str(result.get("driver"))).capitalize()
