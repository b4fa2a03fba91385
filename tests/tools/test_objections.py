"""What the checks beside a policy's effect say against it."""

import pytest

from tools.evidence import Evidence
from tools.findings import HypothesisId
from tools.objections import objections

QUIET = {"survived": True, "pre_trend_seen": False, "placebo_dates_share": 0.0, "dose_agrees": True}


def said(**result: object) -> list[str]:
    evidence = Evidence(
        id="E4", tool="policy_effect", arguments={}, result={**QUIET, **result}, fingerprint="f"
    )
    found = objections(HypothesisId.POLICY_CHANGE, [evidence], upstream=None)
    assert all(objection.evidence == "E4" for objection in found)
    return [objection.text for objection in found]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"pre_trend_seen": True}, "the chance of such luck is {{E4.p_pre_trend}}"),
        ({"placebo_dates_share": 0.25}, "At {{E4.placebo_dates_share}} of the earlier dates"),
        ({"dose_agrees": False}, "Over the {{E4.n_dose_levels}} values"),
        ({"survived": False}, "did not survive its checks"),
    ],
)
def test_each_check_that_fails_is_an_objection_of_its_own(result: dict[str, object], text: str) -> None:
    (only,) = said(**result)
    assert text in only


def test_what_passed_or_could_not_be_tested_is_none() -> None:
    assert said() == []
    assert said(pre_trend_seen=None, placebo_dates_share=None, dose_agrees=None) == []
