"""The verdict over all hypotheses, from the battery's evidence alone.

Pure: the same evidence and model give the same verdict. Its leader is challenged afterwards, and the verdict made final
(`tools.challenged`). Thresholds are those of the product's definition: a finding
is `confirmed` from p_primary .80 if it survived the challenge, `likely` from .50, `ruled_out` up to p_contributes
.10 with the power to see it, otherwise `inconclusive`. A hypothesis whose driver moved only because of an upstream
cause is reported as that cause's mediator, whatever its p.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from tools.battery import BatteryResult
from tools.confidence import ConfidenceModel, Probabilities
from tools.evidence import Evidence
from tools.features import CAUSES, Pool, Reading, moved, outcome_z, read
from tools.findings import (
    Adjudication,
    Finding,
    FindingVerdict,
    HypothesisId,
    IncidentVerdict,
    NotTestable,
    Objection,
)
from tools.hypotheses import HYPOTHESES
from tools.incidents import Incident, Kind
from tools.objections import objections

Role = Literal["primary", "contributor", "mediator"] | None

CONFIRMED: Final = 0.80
LIKELY: Final = 0.50
RULED_OUT: Final = 0.10
CONTRIBUTES: Final = 0.50
POWER_SHARE: Final = 0.50
"""A test has power where it would have seen half of the worsening."""
OUTSIDE_SHARE: Final = 0.30
"""Below this, explained by everything tested together, the cause lies outside the data."""
REAL_Z: Final = 4.0
UNDENIABLE_Z: Final = 8.0
"""From so many standard errors between days on, no search among slices finds a change by chance."""
RECORDED_CHANGE: Final = 0.5
"""A recorded change that matches at least so well in time and orders, and survived its checks, explains a driver."""
EXACT_CHANGE: Final = 0.8
"""A change that matches so well, and survived its checks, began with the worsening and where it is: no rival is needed."""
UNSEEN_RIVALS: Final = (
    HypothesisId.COURIER_SUPPLY,
    HypothesisId.MERCHANT_PREP,
    HypothesisId.BATCHING_POLICY,
)
"""Whose driver, where it is not recorded, is part of what a policy change is judged by: the unexplained."""
SHOWN_BY: Final = {HypothesisId.BATCHING_POLICY: (HypothesisId.COURIER_SUPPLY, HypothesisId.MERCHANT_PREP)}
"""Whose drivers an untested cause would have moved: orders that are carried together wait for each other, and are held in
the store until the last is ready."""
MEDIATED_SHARE: Final = 0.35
"""A driver is a mediator where its own shift explains at most this, and most of its z went with the parents."""


@dataclass(frozen=True)
class _Case:
    """Everything that a verdict on one incident reads."""

    incident: Incident
    evidence: Pool
    readings: Mapping[HypothesisId, Reading]
    p: Probabilities
    z: float

    @property
    def leader(self) -> HypothesisId | None:
        """The cause with the highest p_primary, if one is likely."""
        best = max(self.p.primary, key=lambda id_: (self.p.primary[id_], id_.value), default=None)
        return best if best is not None and self.p.primary[best] >= LIKELY else None


def adjudicate_batteries(
    incident: Incident, results: Mapping[HypothesisId, BatteryResult], model: ConfidenceModel
) -> Adjudication:
    """As `adjudicate`, of the batteries' results as they came."""
    return adjudicate(
        incident,
        {id_: result.evidence for id_, result in results.items()},
        {id_: result.not_testable for id_, result in results.items() if result.not_testable is not None},
        model,
    )


def adjudicate(
    incident: Incident,
    evidence: Pool,
    not_testable: Mapping[HypothesisId, str],
    model: ConfidenceModel,
) -> Adjudication:
    """Weigh the battery's evidence.

    Args:
        incident: what happened.
        evidence: the battery's evidence by hypothesis.
        not_testable: why the others could not be tested.
        model: turns evidence into probabilities.
    """
    readings = {id_: read(id_, evidence[id_]) for id_ in HypothesisId if evidence.get(id_)}
    z = outcome_z(evidence, -incident.z)
    case = _Case(incident, evidence, readings, chances(readings, z, model), z)
    everything = [_finding(case, id_) for id_ in readings]
    dropped = [f for f in everything if f.verdict is FindingVerdict.RULED_OUT]
    kept = [f for f in everything if f.verdict is not FindingVerdict.RULED_OUT]
    return Adjudication(
        verdict=_verdict(case, kept),
        findings=tuple(sorted(kept, key=_rank)),
        ruled_out=tuple(sorted(dropped, key=_rank)),
        not_testable=tuple(
            NotTestable(hypothesis=id_, reason=not_testable[id_])
            for id_ in HypothesisId
            if id_ in not_testable
        ),
        p_none=case.p.none,
        p_other=case.p.other,
    )


def chances(readings: Mapping[HypothesisId, Reading], z: float, model: ConfidenceModel) -> Probabilities:
    """What the model says of an incident, and what its outcome and the causes that were not tested make of it.

    Args:
        readings: of every hypothesis that was tested.
        z: standard score of the incident's worsening.
        model: turns evidence into probabilities.
    """
    p = _of_outcome(model.judge(readings, z), z, measured=HypothesisId.NORMAL_VARIANCE in readings)
    return _shared_with_untested(p, readings)


def _of_outcome(p: Probabilities, z: float, *, measured: bool) -> Probabilities:
    """What the outcome alone decides, whatever the causes look like.

    Where nothing got worse there is nothing to explain. What the model leaves to chance goes to the untested where
    chance is out of the question, or where the outcome could not be held against other days; it goes to no tested
    cause, as none of them has gained evidence.
    """
    if measured and z <= 0.0:
        zero = dict.fromkeys(p.primary, 0.0)
        return replace(p, primary=zero, contributes=zero, none=1.0, other=0.0)
    if measured and z < UNDENIABLE_Z:
        return p
    return replace(p, none=0.0, other=p.other + p.none)


def _shared_with_untested(p: Probabilities, readings: Mapping[HypothesisId, Reading]) -> Probabilities:
    """A driver whose own causes could not be tested may have moved as their consequence: it shares its p with them.

    Each of them counts as much as the hypothesis itself. So a consequence is never confirmed in place of a cause whose
    table is missing; with a recorded change that explains the driver, nothing is shared.
    """
    primary = {id_: value / (1 + len(_untested_upstream(id_, readings))) for id_, value in p.primary.items()}
    return replace(p, primary=primary, other=p.other + sum(p.primary.values()) - sum(primary.values()))


def _untested_upstream(
    id_: HypothesisId, readings: Mapping[HypothesisId, Reading]
) -> tuple[HypothesisId, ...]:
    """Causes of its driver that these data cannot speak to and that nothing refutes.

    None where a recorded change explains the driver. That a policy of no known mechanism changed explains nothing yet:
    what no measured driver accounts for may be theirs, unless the change matches the incident in time and orders.
    """
    if id_ not in readings:
        return ()
    policy = id_ is HypothesisId.POLICY_CHANGE
    if readings[id_].change >= (EXACT_CHANGE if policy else RECORDED_CHANGE):
        return ()
    causes = UNSEEN_RIVALS if policy else HYPOTHESES[id_].upstream
    return tuple(cause for cause in causes if cause not in readings and not _refuted(cause, id_, readings))


def _refuted(
    cause: HypothesisId, consequence: HypothesisId, readings: Mapping[HypothesisId, Reading]
) -> bool:
    """Whether another consequence that an untested cause would have had was measured, with power, and did not move."""
    others = [readings[id_] for id_ in SHOWN_BY.get(cause, ()) if id_ in readings and id_ is not consequence]
    return any(moved(other.marginal) == 0.0 and other.detectable <= POWER_SHARE for other in others)


def _finding(case: _Case, id_: HypothesisId) -> Finding:
    reading = case.readings[id_]
    upstream = _mediated_by(case, id_)
    return Finding(
        hypothesis=id_,
        verdict=_finding_verdict(case, id_, mediator=upstream is not None),
        role=_role(case, id_, upstream),
        mediator_of=upstream,
        p_primary=case.p.primary.get(id_, 0.0),
        p_contributes=_contributes(case, id_),
        impact=max(0.0, min(reading.explained, 1.0)) * case.incident.affected_orders,
        share_explained=reading.explained,
        evidence=tuple(item.id for item in _strongest_first(case, id_)),
        against=_against(case, id_, upstream),
    )


def _contributes(case: _Case, id_: HypothesisId) -> float:
    """Normal variance is the class `none`: its p_primary is p_none and is not counted twice."""
    return case.p.none if id_ is HypothesisId.NORMAL_VARIANCE else case.p.contributes[id_]


def _finding_verdict(case: _Case, id_: HypothesisId, *, mediator: bool) -> FindingVerdict:
    if mediator:
        return FindingVerdict.INCONCLUSIVE
    p = case.p.none if id_ is HypothesisId.NORMAL_VARIANCE else case.p.primary[id_]
    if p >= CONFIRMED and survived(case.readings, case.p, id_):
        return FindingVerdict.CONFIRMED
    if p >= LIKELY:
        return FindingVerdict.LIKELY
    if _contributes(case, id_) <= RULED_OUT and case.readings[id_].detectable <= POWER_SHARE:
        return FindingVerdict.RULED_OUT
    return FindingVerdict.INCONCLUSIVE


def survived(readings: Mapping[HypothesisId, Reading], p: Probabilities, id_: HypothesisId) -> bool:
    """What in the battery's own evidence would break the leader, and whether it did; `tools.challenge` tries further.

    A recorded change must have survived its own placebo and pre-trend; a driver must have moved, and not after the
    outcome; and without the leader no rival may explain as much as it does.
    """
    if id_ is HypothesisId.NORMAL_VARIANCE:
        return True
    own = readings[id_]
    if id_ is HypothesisId.POLICY_CHANGE and not own.change >= 0.25:
        return False
    if own.onset == 0.0 or not moved(own.shift) > 0.0:
        return False
    rivals = [r for other, r in readings.items() if other is not id_ and other in CAUSES]
    return all(rival.share < max(own.share, 1e-9) for rival in rivals)


def _mediated_by(case: _Case, id_: HypothesisId) -> HypothesisId | None:
    """The leader, if this hypothesis's driver moved with it and not by itself."""
    leader = case.leader
    if leader is None or leader is id_ or leader not in HYPOTHESES[id_].upstream:
        return None
    own = case.readings[id_]
    went_with_it = own.marginal >= 3.0 and own.shift < 0.5 * own.marginal
    return leader if went_with_it and own.explained <= MEDIATED_SHARE else None


def _role(case: _Case, id_: HypothesisId, upstream: HypothesisId | None) -> Role:
    if upstream is not None:
        return "mediator"
    if id_ is case.leader:
        return "primary"
    contributes = id_ in CAUSES and case.p.contributes[id_] >= CONTRIBUTES
    return "contributor" if contributes else None


def _verdict(case: _Case, kept: list[Finding]) -> IncidentVerdict:
    """Over all findings; that records are broken is never told away as ordinary variation."""
    if case.p.none >= LIKELY and case.incident.kind is Kind.CX:
        return IncidentVerdict.NO_DEGRADATION
    best = [f for f in kept if f.hypothesis is case.leader]
    if best and best[0].verdict in (FindingVerdict.CONFIRMED, FindingVerdict.LIKELY):
        return IncidentVerdict(best[0].verdict.value)
    return IncidentVerdict.OUTSIDE_DATA if _outside(case) else IncidentVerdict.INCONCLUSIVE


def _outside(case: _Case) -> bool:
    """The worsening is real, and what was tested, with power, explains little of it together."""
    tested = [reading for id_, reading in case.readings.items() if id_ in CAUSES]
    with_power = [reading for reading in tested if reading.detectable <= POWER_SHARE]
    together = sum(reading.share for reading in tested)
    return case.z >= REAL_Z and len(with_power) >= 2 and together < OUTSIDE_SHARE


def _strongest_first(case: _Case, id_: HypothesisId) -> list[Evidence]:
    def order(item: Evidence) -> tuple[int, str]:
        rank = _STRENGTH.index(item.tool) if item.tool in _STRENGTH else len(_STRENGTH)
        return rank, item.id

    return sorted(case.evidence[id_], key=order)


def _against(case: _Case, id_: HypothesisId, upstream: HypothesisId | None) -> tuple[Objection, ...]:
    if id_ is HypothesisId.NORMAL_VARIANCE and case.p.none >= LIKELY:
        return ()
    untested = _untested_upstream(id_, case.readings)
    return objections(id_, case.evidence[id_], upstream=upstream, untested=untested)


def _rank(finding: Finding) -> tuple[bool, float, float, str]:
    mediator = finding.role == "mediator"
    return (
        mediator,
        -finding.p_primary * max(finding.impact, 1e-9),
        -finding.p_primary,
        finding.hypothesis.value,
    )


_STRENGTH: Final = ("mechanism_shift", "policy_effect", "supply_shift", "volume_shift", "changes_in_scope")
