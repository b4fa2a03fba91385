"""What a new detection means for the incidents that are known: a list of changes, decided without a database.

Pure in (known incidents, detection report). The rules, in words, are in `docs/incidents.md`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from tools.incident_effect import Effect, effect
from tools.incident_identity import kinship, touch
from tools.incident_lifecycle import ClosedAs, IncidentStatus, Standing
from tools.incident_quiet import QUIET_DAYS, is_quiet
from tools.incidents import DetectionReport, Incident, Kind, Window
from tools.severity import rank

COOL_DOWN: Final = timedelta(hours=24)
"""A trouble that returns so soon after it was closed is the same incident."""

ChangeKind = Literal["opened", "seen", "escalated", "reopened", "closed"]


@dataclass(frozen=True)
class Tracked:
    """An incident as it is known."""

    incident: Incident
    standing: Standing
    effect: Effect
    """At its opening, or at its last escalation."""
    closed_as_of: datetime | None = None
    """As-of time of the data when it was closed."""


@dataclass(frozen=True)
class Change:
    """One thing that happens to an incident; `after` is how it is known from then on."""

    kind: ChangeKind
    after: Tracked
    reason: str


def changes(known: Sequence[Tracked], report: DetectionReport) -> tuple[Change, ...]:
    """Everything that a detection changes, in the order in which it happens.

    Args:
        known: all incidents so far, closed ones included.
        report: the new detection.
    """
    made: list[Change] = []
    now = {one.incident.id: one for one in known}
    found = _by_incident(known, report)
    for id_, parts in found.items():
        _note(now, made, _seen(now.get(id_), _folded(id_, parts), report, now))
    live = [id_ for id_, one in now.items() if one.standing.is_open]
    for id_ in sorted(live, key=lambda name: (now[name].incident.onset, name)):
        _note(now, made, _closed(now[id_], now, report, found.keys()))
    return tuple(made)


def _note(now: dict[str, Tracked], made: list[Change], found: Iterable[Change]) -> None:
    for change in found:
        now[change.after.incident.id] = change.after
        made.append(change)


# --- which reported incident is which


def _by_incident(known: Sequence[Tracked], report: DetectionReport) -> dict[str, list[Incident]]:
    """The reported incidents by the id that each goes under, worst first."""
    named = {one.incident.id for one in known}
    reported = {incident.id for incident in report.incidents}
    found: dict[str, list[Incident]] = defaultdict(list)
    for incident in report.incidents:
        past = None if incident.id in named else _returned(incident, known, reported)
        found[past.incident.id if past else incident.id].append(incident)
    return found


def _returned(incident: Incident, known: Sequence[Tracked], reported: set[str]) -> Tracked | None:
    """The known incident of which an unknown one is a return or a part."""
    kin = []
    for past in known:
        close = kinship(incident, past.incident)
        elsewhere = past.incident.id in reported and close != 0
        if close is None or elsewhere or not _recent(incident, past):
            continue
        apart = abs((incident.onset - past.incident.onset).total_seconds())
        kin.append((close, apart, past.incident.id, past))
    return min(kin, key=lambda item: item[:3])[3] if kin else None


def _recent(incident: Incident, past: Tracked) -> bool:
    if touch(incident, past.incident):
        return True
    closed = past.closed_as_of
    since = past.incident.window.end
    return closed is not None and since <= incident.window.start <= closed + COOL_DOWN


class _Fresh(NamedTuple):
    """An incident as the new detection shows it."""

    incident: Incident
    effect: Effect


def _folded(id_: str, parts: Sequence[Incident]) -> _Fresh:
    """The newest part, from the first part's onset on, under the incident's id."""
    newest = max(parts, key=lambda one: (one.window.end, one.id))
    start = min(one.window.start for one in parts)
    whole = {
        "id": id_,
        "window": Window(start=start, end=newest.window.end),
        "onset": min(one.onset for one in parts),
        "affected_orders": sum(one.affected_orders for one in parts),
    }
    return _Fresh(newest.model_copy(update=whole), effect(newest))


# --- what was seen


def _seen(
    past: Tracked | None, fresh: _Fresh, report: DetectionReport, now: Mapping[str, Tracked]
) -> Iterable[Change]:
    if past is None:
        yield Change("opened", Tracked(fresh.incident, Standing(), fresh.effect), "found by detection")
    elif past.standing.is_open:
        yield _updated(past, fresh)
    elif _comes_back(past, fresh, report, now):
        yield Change(
            "reopened",
            Tracked(fresh.incident, Standing(), fresh.effect),
            f"seen again until {fresh.incident.window.end:%Y-%m-%d %H:%M} UTC",
        )


def _updated(past: Tracked, seen: _Fresh) -> Change:
    """Severity rises while an incident is open, and never falls: a milder day does not send anybody home."""
    fresh, size = seen
    worse = rank(fresh.severity) > rank(past.incident.severity)
    kept = fresh if worse else fresh.model_copy(update={"severity": past.incident.severity})
    if size.grown_from(past.effect):
        grown = size.per_day / past.effect.per_day - 1
        return Change(
            "escalated", replace(past, incident=kept, effect=size), f"its effect grew by {grown:.0%}"
        )
    known = size.metric == past.effect.metric and past.effect.per_day > 0
    reference = past.effect if known else size
    after = replace(past, incident=kept, effect=reference)
    if worse:
        was = past.incident.severity.value
        return Change("escalated", after, f"its severity rose from {was} to {fresh.severity.value}")
    return Change("seen", after, "goes on")


def _comes_back(past: Tracked, seen: _Fresh, report: DetectionReport, now: Mapping[str, Tracked]) -> bool:
    """Whether a closed incident is open again: not by the old days that every detection reports again."""
    fresh = seen.incident
    if fresh.window.end <= past.incident.window.end or is_quiet(fresh, report):
        return False
    if past.standing.closed_as is ClosedAs.FALSE_ALARM:
        return seen.effect.grown_from(past.effect)
    target = now.get(past.standing.merged_into or "")
    return target is None or not target.standing.is_open


# --- what is over


def _closed(
    past: Tracked, now: Mapping[str, Tracked], report: DetectionReport, reported: Collection[str]
) -> Iterable[Change]:
    others = _open_beside(past.incident, now)
    fault = next((one for one in others if _is_artefact(past.incident, one, reported)), None)
    if fault is not None:
        yield _close(past, report, ClosedAs.DATA_FAULT, f"the records of its time are faulty: {fault.id}")
        return
    whole = next((one for one in others if _is_part(past.incident, one, reported)), None)
    if whole is not None:
        yield _close(past, report, ClosedAs.MERGED, f"a part of {whole.id}", merged_into=whole.id)
    elif is_quiet(past.incident, report):
        reason = f"quiet for {QUIET_DAYS} closed days since {past.incident.window.end:%Y-%m-%d %H:%M} UTC"
        faulty = past.incident.kind is Kind.DATA_QUALITY
        yield _close(past, report, ClosedAs.DATA_FAULT if faulty else ClosedAs.RECOVERED, reason)


def _open_beside(incident: Incident, now: Mapping[str, Tracked]) -> list[Incident]:
    """The other open incidents, widest first, so that a part goes to the whole and not to another part."""
    others = [one.incident for one in now.values() if one.standing.is_open]
    others.sort(key=lambda one: (len(one.slice.dimensions), one.onset, one.id))
    return [one for one in others if one.id != incident.id]


def _is_artefact(incident: Incident, fault: Incident, reported: Collection[str]) -> bool:
    """Whether a CX incident, no longer found, lies wholly within records that are known to be wrong."""
    return (
        incident.kind is Kind.CX
        and fault.kind is Kind.DATA_QUALITY
        and incident.id not in reported
        and fault.slice.contains(incident.slice)
        and fault.window.start <= incident.window.start
        and incident.window.end <= fault.window.end
    )


def _is_part(incident: Incident, whole: Incident, reported: Collection[str]) -> bool:
    """Whether an incident lies within another one at the same time.

    A trouble that is found by itself and is worse than what surrounds it stays: it may have a cause of its own.
    """
    inside = whole.slice.contains(incident.slice) and incident.kind is whole.kind
    together = incident.window.start < whole.window.end and whole.window.start < incident.window.end
    if not (inside and together):
        return False
    if incident.slice == whole.slice:
        return (whole.onset, whole.id) < (incident.onset, incident.id)
    return incident.id not in reported or rank(incident.severity) <= rank(whole.severity)


def _close(
    past: Tracked,
    report: DetectionReport,
    closed_as: ClosedAs,
    reason: str,
    *,
    merged_into: str | None = None,
) -> Change:
    standing = Standing(IncidentStatus.RESOLVED, closed_as, merged_into)
    return Change("closed", replace(past, standing=standing, closed_as_of=report.as_of), reason)
