"""The verdict after the challenge: what broke the leader counts, and nothing else changes."""

from typing import Any

import pytest

from tests.tools.conftest import found
from tools.challenged import challenged, leader_of
from tools.evidence import Evidence
from tools.findings import Adjudication, FindingVerdict, HypothesisId, IncidentVerdict

BATCHING = HypothesisId.BATCHING_POLICY


def tried(*failed: str, survived: bool, hypothesis: HypothesisId = BATCHING) -> Evidence:
    checks: dict[str, Any] = {
        name: {"passed": name not in failed} for name in ("dates", "slices", "parts", "rival")
    }
    result = {"hypothesis": hypothesis.value, "survived": survived, **checks}
    return Evidence(id="E30", tool="challenge", arguments={}, result=result, fingerprint="f")


def test_a_leader_that_survived_stays_confirmed_and_cites_the_challenge() -> None:
    before = found(BATCHING)
    after = challenged(before, tried(survived=True))
    assert after.verdict is IncidentVerdict.CONFIRMED
    leader, mediator = after.findings
    assert leader.verdict is FindingVerdict.CONFIRMED
    assert leader.evidence == (*before.findings[0].evidence, "E30")
    assert leader.against == ()
    assert mediator == before.findings[1]


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        ("dates", "{{E30.dates.n_as_strong}} show as much"),
        ("parts", "{{E30.parts.smallest_share}}"),
    ],
)
def test_a_leader_that_broke_is_likely_and_its_chance_stays(failed: str, said: str) -> None:
    before = found(BATCHING)
    after = challenged(before, tried(failed, survived=False))
    assert after.verdict is IncidentVerdict.LIKELY
    assert after.findings[0].verdict is FindingVerdict.LIKELY
    assert after.findings[0].p_primary == before.findings[0].p_primary
    assert said in after.findings[0].against[0].text


def test_what_only_weakens_it_is_said_and_undoes_nothing() -> None:
    after = challenged(found(BATCHING), tried("slices", "rival", survived=True))
    assert after.verdict is IncidentVerdict.CONFIRMED
    assert [objection.evidence for objection in after.findings[0].against] == ["E30", "E30"]


def test_a_likely_leader_is_never_raised() -> None:
    weak = _likely(found(BATCHING))
    assert challenged(weak, tried(survived=True)).verdict is IncidentVerdict.LIKELY


def _likely(adjudication: Adjudication) -> Adjudication:
    leader = adjudication.findings[0].model_copy(update={"verdict": FindingVerdict.LIKELY})
    return adjudication.model_copy(
        update={"verdict": IncidentVerdict.LIKELY, "findings": (leader, *adjudication.findings[1:])}
    )


def test_the_challenge_of_another_cause_is_refused() -> None:
    with pytest.raises(ValueError, match="the leader to be challenged is batching_policy"):
        challenged(found(BATCHING), tried(survived=True, hypothesis=HypothesisId.INVENTORY))


def test_without_a_primary_cause_nobody_leads() -> None:
    nobody = found(BATCHING).model_copy(update={"findings": found(BATCHING).findings[1:]})
    assert leader_of(nobody) is None
