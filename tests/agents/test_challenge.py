"""What the challenge tried is told in sentences whose numbers come from its evidence."""

from datetime import UTC

import pytest

from agents import powers
from agents.challenge import CHECKS, entries
from agents.context import Context
from agents.investigation import investigate
from tests.agents.conftest import NewContext
from tools.challenge import ChallengeResult, best_rival
from tools.errors import ToolFailure
from tools.evidence import Evidence
from tools.findings import FindingVerdict, HypothesisId, IncidentVerdict
from tools.left_out import LeftOut, nothing_left_out
from tools.placebos import Placebos, untried

BATCHING = HypothesisId.BATCHING_POLICY


def placebos(name: str, *, passed: bool) -> Placebos:
    return Placebos(
        name=name,
        passed=passed,
        reason="",
        n_tested=7,
        n_as_strong=0 if passed else 3,
        z_strongest=1.4 if passed else 12.0,
        n_left_out=0,
    )


def result(*, passed: bool) -> ChallengeResult:
    shares = {BATCHING: 0.8 if passed else 0.1, HypothesisId.INVENTORY: 0.2}
    return ChallengeResult(
        hypothesis=BATCHING.value,
        survived=passed,
        n_passed=4 if passed else 0,
        n_failed=0 if passed else 4,
        n_not_testable=0,
        driver="batched",
        z=11.0,
        explained_share=0.8,
        dates=placebos("placebo dates", passed=passed),
        slices=placebos("placebo slices", passed=passed),
        parts=LeftOut(
            name="leave one out",
            passed=passed,
            reason="",
            part="store",
            n_left_out=10,
            smallest_share=0.7 if passed else -0.1,
            largest_share=0.9,
        ),
        rival=best_rival(BATCHING, shares),
    )


def evidence(of: ChallengeResult, id: str = "E9") -> Evidence:
    return Evidence(id=id, tool="challenge", arguments={}, result=of.model_dump(mode="json"), fingerprint="f")


@pytest.mark.parametrize("passed", [True, False])
def test_every_check_is_told_with_its_numbers(passed: bool) -> None:
    told = entries([evidence(result(passed=passed))], UTC)
    assert [entry.passed for entry in told] == [passed] * len(CHECKS)
    assert not [entry.text for entry in told if "unknown" in entry.text or "{{" in entry.text]
    assert ("1.4 standard errors" if passed else "In 3 of 7 earlier windows") in told[0].text
    assert ("70.0 % and 90.0 %" if passed else "-10.0 % to 90.0 %") in told[2].text
    assert "inventory, with 20.0 % beside" in told[3].text


def test_what_could_not_be_tried_is_told_with_its_reason() -> None:
    untested = result(passed=True).model_copy(
        update={
            "dates": untried("placebo dates", "2 earlier windows can be compared, 3 are needed"),
            "parts": nothing_left_out("one region, and fewer than two stores with enough orders"),
        }
    )
    told = entries([evidence(untested)], UTC)
    assert told[0].text == "Could not be tried: 2 earlier windows can be compared, 3 are needed."
    assert told[2].text == "Could not be tried: one region, and fewer than two stores with enough orders."


async def test_a_leader_that_the_challenge_broke_is_only_likely(
    new_context: NewContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(context: Context, *_: object, id: str) -> Evidence:
        return evidence(result(passed=False), id)

    monkeypatch.setattr(powers, "challenge", broken)
    report = await investigate(new_context(), run_id="r")
    assert report.verdict is IncidentVerdict.LIKELY
    leader = report.findings[0]
    assert (leader.hypothesis, leader.verdict) == (BATCHING, FindingVerdict.LIKELY)
    assert leader.p_primary == 0.94
    assert leader.against[0].text == "Of 7 earlier windows without an incident, 3 show as much."
    assert "is probably the primary cause" in report.narrative
    assert "The challenge weakened it: 0 checks passed, 4 failed" in report.narrative
    assert [entry.passed for entry in report.challenge] == [False] * 4
    assert report.grounding.removed == 0


async def test_a_challenge_that_cannot_be_made_is_a_limitation(
    new_context: NewContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(context: Context, *_: object, id: str) -> Evidence:
        raise ToolFailure("not testable: too few orders")

    monkeypatch.setattr(powers, "challenge", refuse)
    report = await investigate(new_context(), run_id="r")
    assert report.verdict is IncidentVerdict.CONFIRMED
    assert report.challenge == ()
    assert "the leading cause was not challenged: not testable: too few orders" in report.limitations
