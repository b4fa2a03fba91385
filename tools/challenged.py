"""The final verdict: an adjudication and what the challenge of its leader found.

Pure, as adjudication is: the same two give the same verdict. Probabilities stay what they were; a confirmed leader that
the challenge broke becomes likely, and what broke it stands against it.
"""

from tools.evidence import Evidence
from tools.findings import Adjudication, Finding, FindingVerdict, HypothesisId, IncidentVerdict
from tools.objections import objections


def leader_of(adjudication: Adjudication) -> HypothesisId | None:
    """The cause to challenge: the primary one, if there is one.

    A mediator, a contributor or ordinary variation is not challenged: nothing is done about it on its own account.
    """
    return next((f.hypothesis for f in adjudication.findings if f.role == "primary"), None)


def challenged(adjudication: Adjudication, evidence: Evidence) -> Adjudication:
    """An adjudication after its leader was challenged.

    Args:
        adjudication: of the battery's evidence alone.
        evidence: the result of the tool `challenge` on its leader.

    Raises:
        ValueError: the evidence is not of a challenge, or of another cause.
    """
    leader = leader_of(adjudication)
    if evidence.tool != "challenge" or leader is None or evidence.result["hypothesis"] != leader.value:
        asked = evidence.result.get("hypothesis")
        raise ValueError(
            f"{evidence.id} ({evidence.tool} of {asked}): the leader to be challenged is {leader}"
        )
    findings = tuple(
        _judged(finding, evidence) if finding.hypothesis is leader else finding
        for finding in adjudication.findings
    )
    broken = adjudication.verdict is IncidentVerdict.CONFIRMED and not evidence.result["survived"]
    verdict = IncidentVerdict.LIKELY if broken else adjudication.verdict
    return adjudication.model_copy(update={"findings": findings, "verdict": verdict})


def _judged(finding: Finding, evidence: Evidence) -> Finding:
    broken = finding.verdict is FindingVerdict.CONFIRMED and not evidence.result["survived"]
    return finding.model_copy(
        update={
            "verdict": FindingVerdict.LIKELY if broken else finding.verdict,
            "evidence": (*finding.evidence, evidence.id),
            "against": (
                *objections(finding.hypothesis, [evidence], upstream=None),
                *finding.against,
            ),
        }
    )
