"""What each component adds to the change of the CX index: parts that sum to it exactly."""

from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentFrame, SpanArguments, incident_frame
from tools.metric_values import rate
from tools.metrics import METRICS, WEIGHTED, available
from tools.registry import Result, ToolContext, tool
from tools.score import Score, contributions, cx


class ComponentChange(Result):
    """One component of the CX index."""

    metric: str
    weight_share: float
    """After sharing out the weights of components that these data do not have."""
    baseline_share: float
    current_share: float
    change_pp: float
    contribution_score: float
    """Points of the CX index: negative took away."""


class CxContributionsResult(Result):
    """The change of the CX index and its parts, worst first."""

    baseline_score: float
    """CX index before, 0-100."""
    current_score: float
    change_score: float
    parts: tuple[ComponentChange, ...]
    left_out: tuple[str, ...]
    """Components without a value in one of the periods."""


@tool()
def cx_contributions(context: ToolContext, arguments: SpanArguments) -> CxContributionsResult:
    """How many points of the CX index each component gained or lost in a slice; they sum to the whole change.

    Use it to say what customers felt most. The CX Score that people see is clipped per component and does not add up;
    this is about the CX index.
    """
    frame = incident_frame(context, arguments)
    before = _rates(frame, frame.inside & ~frame.during)
    after = _rates(frame, frame.inside & frame.during)
    both = before.keys() & after.keys()
    old, new = (cx({name: rates[name] for name in both}) for rates in (before, after))
    if old is None or new is None:
        raise ToolFailure("not testable: no component of the CX index has a value in both periods")
    return _result(old, new)


def _rates(frame: IncidentFrame, chosen: Flags) -> dict[str, float]:
    rows = frame.rows[chosen]
    known = {metric.id for metric in available(str(name) for name in frame.rows.columns)}
    values = {metric.id: rate(rows, metric) for metric in WEIGHTED if metric.id in known}
    return {name: value for name, value in values.items() if value is not None}


def _result(old: Score, new: Score) -> CxContributionsResult:
    gained = contributions(old, new)
    before = {part.metric: part for part in old.components}
    parts = [
        ComponentChange(
            metric=part.metric,
            weight_share=part.weight,
            baseline_share=before[part.metric].rate,
            current_share=part.rate,
            change_pp=100.0 * (part.rate - before[part.metric].rate),
            contribution_score=gained[part.metric],
        )
        for part in new.components
    ]
    return CxContributionsResult(
        baseline_score=old.index,
        current_score=new.index,
        change_score=new.index - old.index,
        parts=tuple(sorted(parts, key=lambda part: (part.contribution_score, [*METRICS].index(part.metric)))),
        left_out=new.left_out,
    )
