"""Which recorded changes could concern an incident: by time, and by the orders they share with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import numpy as np
import pandas as pd

from data.dataset import PolicyChange
from data.slices import Slice
from tools.errors import ToolFailure
from tools.incident_frame import IncidentFrame, SpanArguments, incident_frame, positions, slice_mask
from tools.registry import Result, ToolContext, tool

Family = Literal["batching", "other", "any"]

LOOK_BACK: Final = timedelta(days=7)
"""A change older than this at the onset is no candidate."""
LOOK_AHEAD: Final = timedelta(hours=6)
"""Onsets are seen late, never much too early: a change after that cannot have caused the incident."""
HALF_LIFE_S: Final = 86_400.0


class ChangesArguments(SpanArguments):
    """Which kind of change, around which incident."""

    family: Family = "any"
    """`batching`: of how orders are batched; `other`: of anything else."""


class Change(Result):
    """One candidate."""

    change_id: str
    policy: str
    scope: Slice
    changed_at: datetime
    old_value: str | None
    new_value: str | None
    lag_s: float
    """From the first order it could touch to the onset; negative when the change came after it."""
    overlap_share: float
    """Order-Jaccard of its scope and the incident's slice, over the incident's window."""
    covered_share: float
    """Share of the incident's orders that lie in its scope."""
    match_share: float
    """Overlap, weighed down by half for every day between change and onset."""


class ChangesInScopeResult(Result):
    """Candidates, best match first; the best one's fields stand flat for citing."""

    candidates: tuple[Change, ...]
    n_changes: int
    """How many candidates there are."""
    n_recorded: int
    """How many changes are recorded at all, in the look-back before the incident."""
    policy: str | None
    change_id: str | None
    scope: Slice | None
    changed_at: datetime | None
    old_value: str | None
    new_value: str | None
    lag_s: float
    overlap_share: float
    covered_share: float
    match_share: float


@dataclass(frozen=True)
class _Overlap:
    jaccard: float
    covered: float


@tool()
def changes_in_scope(context: ToolContext, arguments: ChangesArguments) -> ChangesInScopeResult:
    """Recorded changes near the onset whose scope shares orders with the incident.

    A recent change is only a candidate: see policy_effect before calling it a cause.
    """
    context.dataset.require("policy_changes")
    found = matching(context, arguments, arguments.family)
    near = [c for c in context.dataset.policy_changes() if _near(c, arguments.start)]
    return summarise(found, len(near))


def matching(context: ToolContext, span: SpanArguments, family: Family) -> tuple[Change, ...]:
    """The changes of a family that share orders with the incident, best match first."""
    frame, facts = incident_frame(context, span), context.dataset.facts()
    found = []
    for change in context.dataset.policy_changes():
        if (
            not _near(change, span.start)
            or family not in ("any", family_of(change))
            or changes_nothing(change)
        ):
            continue
        overlap = _overlap(frame, change.scope)
        if overlap.jaccard > 0:
            found.append(_candidate(change, overlap, _lag_s(facts, change, span)))
    return tuple(sorted(found, key=lambda c: (-c.match_share, c.changed_at, c.change_id)))


def _lag_s(facts: pd.DataFrame, change: PolicyChange, span: SpanArguments) -> float:
    """From the first order that the change could touch to the onset: a night without orders is no delay."""
    if change.changed_at >= span.start:
        return (span.start - change.changed_at).total_seconds()
    first, stop = positions(facts["order_time"], (change.changed_at, span.start))
    between = facts.iloc[first:stop]
    touched = between["order_time"][slice_mask(between, change.scope) & slice_mask(between, span.slice)]
    return float((span.start - touched.iloc[0]).total_seconds()) if len(touched) else 0.0


def family_of(change: PolicyChange) -> Family:
    """Whether a change concerns batching, by its policy's name."""
    return "batching" if "batch" in change.policy.lower() else "other"


def summarise(found: tuple[Change, ...], recorded: int) -> ChangesInScopeResult:
    """The result with the best candidate's fields flat; zeros where there is none."""
    best = found[0] if found else None
    return ChangesInScopeResult(
        candidates=found,
        n_changes=len(found),
        n_recorded=recorded,
        policy=best.policy if best else None,
        change_id=best.change_id if best else None,
        scope=best.scope if best else None,
        changed_at=best.changed_at if best else None,
        old_value=best.old_value if best else None,
        new_value=best.new_value if best else None,
        lag_s=best.lag_s if best else 0.0,
        overlap_share=best.overlap_share if best else 0.0,
        covered_share=best.covered_share if best else 0.0,
        match_share=best.match_share if best else 0.0,
    )


def changes_nothing(change: PolicyChange) -> bool:
    """A new build of the same setting is recorded, but no value moved."""
    return change.old_value is not None and change.old_value == change.new_value


def _near(change: PolicyChange, onset: datetime) -> bool:
    return onset - LOOK_BACK <= change.changed_at <= onset + LOOK_AHEAD


def _overlap(frame: IncidentFrame, scope: Slice) -> _Overlap:
    try:
        theirs = slice_mask(frame.rows, scope) & frame.during
    except ToolFailure:
        return _Overlap(0.0, 0.0)
    mine = frame.inside & frame.during
    both, either = int(np.sum(mine & theirs)), int(np.sum(mine | theirs))
    return _Overlap(both / max(either, 1), both / max(int(mine.sum()), 1))


def _candidate(change: PolicyChange, overlap: _Overlap, lag_s: float) -> Change:
    return Change(
        change_id=change.change_id,
        policy=change.policy,
        scope=change.scope,
        changed_at=change.changed_at,
        old_value=change.old_value,
        new_value=change.new_value,
        lag_s=lag_s,
        overlap_share=overlap.jaccard,
        covered_share=overlap.covered,
        match_share=overlap.jaccard * 0.5 ** (abs(lag_s) / HALF_LIFE_S),
    )
