"""Recommendations: actions that fit the verdict, their effects estimated, ranked by what is safe to expect.

An action is applicable when it addresses a cause that is likely at least and its data are there. Its
parameters are searched on the template's grid; of the best setting the dispatch simulator is asked as well. Ranking is
by the lower confidence limit of the CX gain times the probability of the cause, under the floor on efficiency; actions
that are paid with orders which these data cannot show come after those whose price is told, since what cannot be told is
not free.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from data.errors import NotTestableError
from tools.actions import ACTIONS, MONITOR, Action
from tools.candidates import Candidate, candidates
from tools.changes_in_scope import matching
from tools.efficiency import POOL
from tools.errors import ToolFailure
from tools.findings import Adjudication, Finding, FindingVerdict, IncidentVerdict
from tools.incident_frame import SpanArguments
from tools.incidents import Incident, Kind
from tools.metrics import METRICS
from tools.recommendations import Dropped, Effect, Models, Recommendation, Recommendations, Setting
from tools.registry import ToolContext
from tools.second_opinion import second_opinion
from tools.whatif import WhatIfResult, estimate

_ACTED_ON: Final = {FindingVerdict.CONFIRMED, FindingVerdict.LIKELY}
_NO_CAUSE: Final = {
    IncidentVerdict.INCONCLUSIVE,
    IncidentVerdict.NO_DEGRADATION,
    IncidentVerdict.OUTSIDE_DATA,
}

_NOTHING_WRONG: Final = "No action needed now: keep watching {{scope}}"


class _Estimated(NamedTuple):
    """A candidate with its answer."""

    candidate: Candidate
    result: WhatIfResult
    gain: Effect
    """Of the CX Score; of the incident's metric, turned so that more is better, where there is no score."""
    models: Models | None = None
    front: tuple[Setting, ...] = ()


def recommend(
    context: ToolContext, incident: Incident, adjudication: Adjudication
) -> tuple[Recommendation, ...]:
    """What to do about an incident, best first; at least one entry."""
    return consider(context, incident, adjudication).recommendations


def consider(context: ToolContext, incident: Incident, adjudication: Adjudication) -> Recommendations:
    """As `recommend`, with what was considered and dropped, and why."""
    if incident.kind is not Kind.CX or adjudication.verdict in _NO_CAUSE:
        return Recommendations(recommendations=(_monitor(incident, adjudication),), dropped=())
    found: list[tuple[float, Recommendation]] = []
    dropped: list[Dropped] = []
    for finding, action in _applicable(adjudication.findings):
        try:
            best = _twice(context, incident, _best(context, incident, action))
        except (ToolFailure, NotTestableError) as refusal:
            dropped.append(Dropped(action=action.id, reason=str(refusal)))
            continue
        found.append((_expected(best.gain.low, finding.p_primary), _recommendation(best, finding)))
    ranked = sorted(found, key=lambda item: (*_order(*item), item[1].action, str(item[1].scope)))
    chosen = tuple(recommendation for _, recommendation in ranked)
    return Recommendations(
        recommendations=chosen or (_monitor(incident, adjudication),), dropped=tuple(dropped)
    )


def _order(expected: float, recommendation: Recommendation) -> tuple[bool, bool, float]:
    """What is sure to help first; of that, what has a price that is told; then by what is safe to expect."""
    return expected <= 0, ACTIONS[recommendation.action].price == "orders", -expected


def _expected(low: float, probability: float) -> float:
    """A gain counts as far as its cause is likely; a possible loss counts in full."""
    return low * probability if low > 0 else low


def _applicable(findings: Iterable[Finding]) -> Iterator[tuple[Finding, Action]]:
    """Actions of the causes that are likely at least; a mediator is not acted on, its cause is."""
    seen: set[str] = set()
    for finding in findings:
        if finding.verdict not in _ACTED_ON or finding.role == "mediator":
            continue
        for action in ACTIONS.values():
            if finding.hypothesis in action.addresses and action is not MONITOR and action.id not in seen:
                seen.add(action.id)
                yield finding, action


def _best(context: ToolContext, incident: Incident, action: Action) -> _Estimated:
    """The best setting of an action under the efficiency floor.

    Raises:
        ToolFailure: no setting can be estimated, helps, or leaves enough efficiency.
    """
    context.dataset.require(*action.needs)
    options = _options(context, incident, action)
    if not options:
        raise ToolFailure(
            "no recorded change about the onset in this slice fits, or none is the one that was judged"
        )
    estimated, refusals = _estimate_all(context, incident, options)
    if not estimated:
        raise ToolFailure(refusals[0])
    helping = [option for option in estimated if option.gain.high > 0 and option.gain.estimate > 0]
    if not helping:
        raise ToolFailure("would not have helped these orders")
    floor = context.settings.efficiency_floor
    allowed = [option for option in helping if _efficiency(option) >= floor - 1]
    if not allowed:
        least = max(_efficiency(option) for option in helping)
        raise ToolFailure(
            f"efficiency of the courier pool would change by {least:+.1%} at the unfavourable limit, "
            f"the floor allows {floor - 1:+.1%}"
        )
    best = max(allowed, key=lambda option: (option.gain.low, option.gain.estimate))
    return best._replace(front=_front(helping))


def _options(context: ToolContext, incident: Incident, action: Action) -> list[Candidate]:
    """Its candidates; of roll-backs only that of the change which was held against orders that it did not reach."""
    found = list(candidates(action, incident, context))
    if action.recorded is None or action.recorded.judged is None:
        return found
    span = SpanArguments(slice=incident.slice, start=incident.window.start, end=incident.window.end)
    judged = [change.change_id for change in matching(context, span, action.recorded.judged)][:1]
    return [option for option in found if option.parameters["change_id"] in judged]


def _front(options: Iterable[_Estimated]) -> tuple[Setting, ...]:
    """Settings that no other one beats on both sides, from the dearest to the cheapest; none where there is no choice.

    What lies below the floor is kept: a manager sees what more efficiency would have bought.
    """
    kept: list[_Estimated] = []
    for option in sorted(options, key=lambda one: (-_efficiency(one), -one.gain.estimate)):
        if not kept or option.gain.estimate > kept[-1].gain.estimate:
            kept.append(option)
    if len(kept) < 2:
        return ()
    return tuple(
        Setting(
            parameters=dict(option.candidate.parameters),
            gain=option.gain,
            pool_efficiency=100 * _efficiency(option),
        )
        for option in reversed(kept)
    )


def _twice(context: ToolContext, incident: Incident, best: _Estimated) -> _Estimated:
    """The best setting with the simulator's answer beside it; the grid is searched by g-computation alone, for its cost.

    Raises:
        ToolFailure: by both answers together it would not help.
    """
    candidate = best.candidate
    result, models = second_opinion(
        context.dataset,
        best.result,
        where=candidate.scope,
        window=incident.window,
        intervention=candidate.intervention,
        settings=context.settings,
    )
    gain = _gain(result, incident.metric)
    if gain.estimate <= 0:
        raise ToolFailure("by both models together it would not have helped these orders")
    return best._replace(result=result, gain=gain, models=models)


def _estimate_all(
    context: ToolContext, incident: Incident, options: Iterable[Candidate]
) -> tuple[list[_Estimated], list[str]]:
    estimated: list[_Estimated] = []
    refusals: list[str] = []
    for option in options:
        try:
            result = estimate(
                context.dataset,
                where=option.scope,
                window=incident.window,
                intervention=option.intervention,
                settings=context.settings,
                doubted=False,
            )
            estimated.append(_Estimated(option, result, _gain(result, incident.metric)))
        except ToolFailure as refusal:
            refusals.append(str(refusal))
    return estimated, refusals


def _gain(result: WhatIfResult, metric: str) -> Effect:
    if "cx_score" in result.effects:
        return result.effects["cx_score"]
    if metric not in result.effects:
        raise ToolFailure(f"its effect on {metric} cannot be told from these data")
    effect = result.effects[metric]
    if METRICS[metric].better == "higher":
        return effect
    return effect.model_copy(update={"estimate": -effect.estimate, "low": -effect.high, "high": -effect.low})


def _efficiency(option: _Estimated) -> float:
    """Change of the pool's efficiency at the unfavourable limit; 0 where the action takes no courier time."""
    change = option.result.efficiency.get(POOL)
    return 0.0 if change is None else change.low / 100


def _recommendation(best: _Estimated, finding: Finding) -> Recommendation:
    return recommendation_of(
        best.candidate,
        best.result,
        confidence=finding.p_primary * best.result.coverage_share,
        addresses=finding.hypothesis.value,
        evidence=finding.evidence,
        models=best.models,
        front=best.front,
    )


def recommendation_of(
    candidate: Candidate,
    result: WhatIfResult,
    *,
    confidence: float,
    addresses: str,
    evidence: tuple[str, ...] = (),
    models: Models | None = None,
    front: tuple[Setting, ...] = (),
) -> Recommendation:
    """An action made concrete, with its estimated effects."""
    action = candidate.action
    return Recommendation(
        action=action.id,
        title=action.title,
        parameters=dict(candidate.parameters),
        scope=candidate.scope,
        effects=result.effects,
        models=models,
        efficiency_cost=result.efficiency,
        front=front,
        not_testable=result.not_testable,
        confidence=confidence,
        addresses=addresses,
        owner=action.owner,
        reversibility=action.reversibility,
        complexity=action.complexity,
        implementation=action.implementation,
        risks=action.risks,
        evidence=evidence,
    )


def _monitor(incident: Incident, adjudication: Adjudication) -> Recommendation:
    """No action: confidence is how surely nothing that was tested caused it."""
    caused = sum(f.p_primary for f in adjudication.findings if f.hypothesis not in MONITOR.addresses)
    return Recommendation(
        action=MONITOR.id,
        title=_NOTHING_WRONG if adjudication.verdict is IncidentVerdict.NO_DEGRADATION else MONITOR.title,
        parameters={},
        scope=incident.slice,
        effects={},
        efficiency_cost={},
        confidence=min(max(1.0 - caused, 0.0), 1.0),
        addresses="normal_variance",
        owner=MONITOR.owner,
        reversibility=MONITOR.reversibility,
        complexity=MONITOR.complexity,
        implementation=MONITOR.implementation,
        risks=MONITOR.risks,
        evidence=tuple(sorted({id_ for f in adjudication.findings for id_ in f.evidence}, key=_number)),
    )


def _number(evidence: str) -> tuple[int, str]:
    digits = "".join(c for c in evidence if c.isdigit())
    return int(digits or 0), evidence
