"""Scorers: pure functions from what was true and what was said to a score."""

from collections.abc import Collection, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from evals.cases import WorldCase
from evals.intervals import Share, wilson


class CaseResult(BaseModel):
    """What an investigation said of one case, and how right it was."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    case: WorldCase
    incidents: int
    """CX incidents reported, over the whole of the world."""
    detected: bool
    """One of them overlaps the fault in slice and time."""
    delay_days: int | None
    """Whole days from the fault's start to the first day on which it was reported."""
    slice_jaccard: float | None
    """Orders in both slices over orders in either, within the fault's window."""
    slice_exact: bool | None
    top_cause: str | None
    """Hypothesis with the highest p_primary, `none` and `other` included."""
    p_true: float | None
    """p_primary given to the true cause."""
    p_top: float | None
    verdict: str
    cause_right: bool
    """The true cause came first with verdict confirmed or likely; on a null, nothing was named."""
    seconds: float


def jaccard(left: Collection[int], right: Collection[int]) -> float:
    """Overlap of two sets of orders; 0 where both are empty.

    Example:
        >>> jaccard({1, 2, 3}, {2, 3, 4})
        0.5
    """
    a, b = set(left), set(right)
    return len(a & b) / len(a | b) if a or b else 0.0


class Scorecard(BaseModel):
    """The table of an evaluation, each share with its Wilson 95 % interval."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    label: str
    faults: int
    nulls: int
    detected: Share
    slice_right: Share
    """Order-Jaccard at least .8, of the faults detected."""
    slice_exact: Share
    cause_right: Share
    """Of all faults, missed ones included."""
    confidently_wrong: Share
    """p_primary at least .7 on a cause that is not the true one, over all cases."""
    false_alarms: Share
    """Null worlds with any CX incident."""
    median_delay_days: float | None
    mean_p_true: float | None
    brier: float | None
    """Of p_primary of the top answer against whether it was right, over investigated cases."""
    seconds_per_case: float


def summarise(label: str, results: Sequence[CaseResult]) -> Scorecard:
    """Add up case results."""
    faults = [r for r in results if r.case.kind == "fault"]
    nulls = [r for r in results if r.case.kind == "null"]
    found = [r for r in faults if r.detected]
    delays = [r.delay_days for r in found if r.delay_days is not None]
    truths = [r.p_true for r in faults if r.p_true is not None]
    answered = [(r.p_top, r.top_cause == (r.case.cause or "none")) for r in results if r.p_top is not None]
    return Scorecard(
        label=label,
        faults=len(faults),
        nulls=len(nulls),
        detected=wilson(len(found), len(faults)),
        slice_right=wilson(sum((r.slice_jaccard or 0) >= 0.8 for r in found), len(found)),
        slice_exact=wilson(sum(r.slice_exact is True for r in found), len(found)),
        cause_right=wilson(sum(r.cause_right for r in faults), len(faults)),
        confidently_wrong=wilson(sum(map(_confidently_wrong, results)), len(results)),
        false_alarms=wilson(sum(r.incidents > 0 for r in nulls), len(nulls)),
        median_delay_days=float(np.median(delays)) if delays else None,
        mean_p_true=float(np.mean(truths)) if truths else None,
        brier=float(np.mean([(p - right) ** 2 for p, right in answered])) if answered else None,
        seconds_per_case=float(np.mean([r.seconds for r in results])) if results else 0.0,
    )


def _confidently_wrong(result: CaseResult) -> bool:
    named = result.top_cause not in (None, "none", "other")
    return named and (result.p_top or 0) >= 0.7 and result.top_cause != result.case.cause
