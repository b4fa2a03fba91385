from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from data.slices import Slice
from tools.adjudication import adjudicate
from tools.confidence import ConfidenceModel
from tools.evidence import Evidence
from tools.features import CONTEXT, FEATURES
from tools.findings import FindingVerdict, HypothesisId, IncidentVerdict
from tools.incidents import Incident, Kind, Severity, Window

START, END = datetime(2026, 2, 4, tzinfo=UTC), datetime(2026, 2, 6, tzinfo=UTC)

MODEL = ConfidenceModel(
    means=(0.0,) * len(FEATURES),
    scales=(1.0,) * len(FEATURES),
    context_means=(0.0,) * len(CONTEXT),
    context_scales=(1.0,) * len(CONTEXT),
    weights=(0.5, 1.0, 6.0, 1.0, 1.0, 2.0),
    none_weights=(7.0, -1.5, 0.0, -3.0, -3.0),
    other_weights=(3.0, 0.0, 0.0, 0.0, -2.0),
    temperature=1.0,
    contributes_weights=(-5.0, 0.5, 1.0, 6.0, 1.0, 1.0, 2.0),
)

INCIDENT = Incident(
    id="inc",
    kind=Kind.CX,
    metric="on_time",
    slice=Slice.parse({"region": "SF"}),
    window=Window(start=START, end=END),
    onset=START,
    baseline=0.92,
    current=0.78,
    delta=-0.14,
    z=-9.0,
    q_value=0.0,
    severity=Severity.HIGH,
    affected_orders=1000,
    top_slices=(),
)


def evidence(tool: str, number: int, **result: Any) -> Evidence:  # noqa: ANN401
    return Evidence(id=f"E{number}", tool=tool, arguments={}, result=result, fingerprint="f")


def shift(
    number: int, *, z: float, marginal: float, share: float, contrast: float = 0.9, power: float = 0.1
) -> Evidence:
    return evidence(
        "mechanism_shift",
        number,
        z_conditional=z,
        z_marginal=marginal,
        explained_share=share,
        contrast_share=contrast,
        detectable_share=power,
        outside_ratio=0.05,
    )


def onset(number: int, *, in_order: bool) -> Evidence:
    return evidence("onset_order", number, in_order=in_order, driver_moved=in_order, lead_s=0.0)


def batching_pool(*, survived: bool = True, outcome_z: float = 12.0) -> dict[HypothesisId, list[Evidence]]:
    change = {"match_share": 1.0, "n_changes": 1, "covered_share": 1.0, "overlap_share": 1.0, "lag_s": 0.0}
    return {
        HypothesisId.BATCHING_POLICY: [
            evidence("changes_in_scope", 1, **change),
            shift(2, z=15.0, marginal=16.0, share=0.95),
            evidence("policy_effect", 3, survived=survived),
            onset(4, in_order=True),
        ],
        HypothesisId.MERCHANT_PREP: [shift(5, z=0.4, marginal=20.0, share=0.01), onset(6, in_order=False)],
        HypothesisId.COURIER_SUPPLY: [
            evidence("supply_shift", 7, z=0.3, supply_part_share=0.5, detectable_share=0.05),
            shift(8, z=-1.0, marginal=14.0, share=-0.02),
        ],
        HypothesisId.NORMAL_VARIANCE: [evidence("outcome_shift", 9, z=outcome_z, p_chance=0.0)],
    }


def quiet_pool(z: float) -> dict[HypothesisId, list[Evidence]]:
    return {
        HypothesisId.MERCHANT_PREP: [shift(1, z=0.2, marginal=0.1, share=0.02)],
        HypothesisId.BATCHING_POLICY: [shift(2, z=-0.3, marginal=0.1, share=-0.05)],
        HypothesisId.NORMAL_VARIANCE: [evidence("outcome_shift", 3, z=z, p_chance=0.1)],
    }


def total(adjudication: Any) -> float:  # noqa: ANN401
    findings = (*adjudication.findings, *adjudication.ruled_out)
    return float(sum(f.p_primary for f in findings) + adjudication.p_none + adjudication.p_other)


def by_id(adjudication: Any) -> Mapping[HypothesisId, Any]:  # noqa: ANN401
    return {f.hypothesis: f for f in (*adjudication.findings, *adjudication.ruled_out)}


def test_batching_is_confirmed_and_preparation_its_mediator() -> None:
    found = adjudicate(INCIDENT, batching_pool(), {HypothesisId.INVENTORY: "no table"}, MODEL)
    assert found.verdict is IncidentVerdict.CONFIRMED
    findings = by_id(found)
    assert found.findings[0].hypothesis is HypothesisId.BATCHING_POLICY
    assert found.findings[0].role == "primary"
    prep = findings[HypothesisId.MERCHANT_PREP]
    assert (prep.role, prep.mediator_of) == ("mediator", HypothesisId.BATCHING_POLICY)
    assert prep in found.findings
    assert prep.against[0].text.startswith("It moved as a consequence of batching policy: {{E5.z_marginal}}")
    assert findings[HypothesisId.COURIER_SUPPLY].verdict is FindingVerdict.RULED_OUT
    assert findings[HypothesisId.COURIER_SUPPLY].role is None
    assert [(n.hypothesis, n.reason) for n in found.not_testable] == [(HypothesisId.INVENTORY, "no table")]
    assert total(found) == pytest.approx(1.0)
    assert found.findings[0].impact == pytest.approx(950.0)


def prep_pool(*, batching: bool) -> dict[HypothesisId, list[Evidence]]:
    """Preparation moved by itself, as far as anyone can see."""
    pool = {
        HypothesisId.MERCHANT_PREP: [shift(1, z=14.0, marginal=14.0, share=0.9), onset(2, in_order=True)],
        HypothesisId.BATCHING_POLICY: [shift(3, z=-0.3, marginal=0.1, share=-0.02)],
        HypothesisId.COURIER_SUPPLY: [shift(4, z=0.1, marginal=0.3, share=0.0)],
        HypothesisId.DEMAND_SURGE: [shift(5, z=0.1, marginal=0.3, share=0.0)],
        HypothesisId.NORMAL_VARIANCE: [evidence("outcome_shift", 9, z=12.0, p_chance=0.0)],
    }
    return {id_: found for id_, found in pool.items() if batching or id_ is not HypothesisId.BATCHING_POLICY}


def test_a_consequence_is_not_confirmed_in_place_of_a_cause_that_could_not_be_tested() -> None:
    seen = adjudicate(INCIDENT, prep_pool(batching=True), {}, MODEL)
    assert seen.verdict is IncidentVerdict.CONFIRMED
    pool = prep_pool(batching=False)
    pool[HypothesisId.COURIER_SUPPLY] = [shift(4, z=0.1, marginal=6.0, share=0.0)]
    blind = adjudicate(INCIDENT, pool, {HypothesisId.BATCHING_POLICY: "no column"}, MODEL)
    assert blind.verdict is not IncidentVerdict.CONFIRMED
    prep = by_id(blind)[HypothesisId.MERCHANT_PREP]
    assert prep.p_primary <= 0.5
    assert prep.against[0].text == (
        "Batching policy could not be tested; the move of {{E1.z_conditional}} standard errors may be its consequence."
    )
    assert total(blind) == pytest.approx(1.0)


@pytest.mark.parametrize(("power", "confirmed"), [(0.1, True), (0.9, False)])
def test_a_cause_that_could_not_be_tested_is_refuted_by_a_consequence_that_did_not_move(
    power: float, confirmed: bool
) -> None:
    """Batching would have made orders wait for each other; a wait that nobody could have seen says nothing."""
    pool = prep_pool(batching=False)
    pool[HypothesisId.COURIER_SUPPLY] = [shift(4, z=0.1, marginal=0.3, share=0.0, power=power)]
    found = adjudicate(INCIDENT, pool, {HypothesisId.BATCHING_POLICY: "no column"}, MODEL)
    assert (found.verdict is IncidentVerdict.CONFIRMED) is confirmed


def policy_pool(*, match: float) -> dict[HypothesisId, list[Evidence]]:
    """A recorded change of something, whose effect survived, and no table of waits, preparation or batching."""
    change = {
        "match_share": match,
        "n_changes": 1,
        "covered_share": 1.0,
        "overlap_share": match,
        "lag_s": 0.0,
    }
    return {
        HypothesisId.POLICY_CHANGE: [
            evidence("changes_in_scope", 1, **change),
            shift(2, z=9.0, marginal=9.0, share=0.95),
            evidence("policy_effect", 3, survived=True),
        ],
        HypothesisId.NORMAL_VARIANCE: [evidence("outcome_shift", 9, z=12.0, p_chance=0.0)],
    }


@pytest.mark.parametrize(("match", "named"), [(0.95, True), (0.6, False)])
def test_a_change_of_no_known_mechanism_needs_an_exact_match_where_rivals_could_not_be_tested(
    match: float, named: bool
) -> None:
    found = adjudicate(INCIDENT, policy_pool(match=match), {}, MODEL)
    assert (found.findings[0].p_primary >= 0.5) is named
    assert total(found) == pytest.approx(1.0)


def test_a_recorded_change_needs_no_test_of_what_is_upstream() -> None:
    pool = batching_pool()
    assert HypothesisId.DEMAND_SURGE not in pool
    assert by_id(adjudicate(INCIDENT, pool, {}, MODEL))[HypothesisId.BATCHING_POLICY].p_primary > 0.8
    unproven = adjudicate(INCIDENT, batching_pool(survived=False), {}, MODEL)
    assert by_id(unproven)[HypothesisId.BATCHING_POLICY].p_primary <= 0.5


def test_nothing_that_moved_is_no_degradation() -> None:
    found = adjudicate(INCIDENT, quiet_pool(0.8), {}, MODEL)
    assert found.verdict is IncidentVerdict.NO_DEGRADATION
    assert found.p_none > 0.8
    assert by_id(found)[HypothesisId.NORMAL_VARIANCE].verdict is FindingVerdict.CONFIRMED
    assert total(found) == pytest.approx(1.0)


def test_a_real_drop_that_nothing_tested_explains_lies_outside_the_data() -> None:
    found = adjudicate(INCIDENT, quiet_pool(60.0), {}, MODEL)
    assert found.verdict is IncidentVerdict.OUTSIDE_DATA
    assert found.p_other > 0.5


def test_without_power_nothing_is_ruled_out() -> None:
    pool = quiet_pool(60.0)
    pool[HypothesisId.MERCHANT_PREP] = [shift(1, z=0.2, marginal=0.1, share=0.02, power=3.0)]
    found = adjudicate(INCIDENT, pool, {}, MODEL)
    assert by_id(found)[HypothesisId.MERCHANT_PREP].verdict is FindingVerdict.INCONCLUSIVE
    assert found.verdict is IncidentVerdict.INCONCLUSIVE


def test_a_leader_that_moved_after_its_effect_is_not_confirmed() -> None:
    pool = batching_pool()
    pool[HypothesisId.BATCHING_POLICY][3] = onset(4, in_order=False)
    found = adjudicate(INCIDENT, pool, {}, MODEL)
    assert by_id(found)[HypothesisId.BATCHING_POLICY].verdict is FindingVerdict.LIKELY


def test_a_rival_that_explains_as_much_breaks_the_leader() -> None:
    pool = batching_pool()
    pool[HypothesisId.MERCHANT_PREP] = [shift(5, z=20.0, marginal=20.0, share=0.97), onset(6, in_order=False)]
    found = adjudicate(INCIDENT, pool, {}, MODEL)
    assert by_id(found)[HypothesisId.BATCHING_POLICY].verdict is not FindingVerdict.CONFIRMED


def test_same_evidence_same_verdict() -> None:
    first = adjudicate(INCIDENT, batching_pool(), {}, MODEL)
    again = adjudicate(INCIDENT, dict(reversed(batching_pool().items())), {}, MODEL)
    assert first.model_dump_json() == again.model_dump_json()


def test_model_of_other_features_is_refused() -> None:
    with pytest.raises(ValueError, match="train it again"):
        ConfidenceModel.model_validate({**MODEL.model_dump(), "features": ("a",)})
    with pytest.raises(ValueError, match="weights has 1 numbers"):
        ConfidenceModel.model_validate({**MODEL.model_dump(), "weights": (1.0,)})


def test_broken_records_are_never_told_away_as_ordinary_variation() -> None:
    broken = INCIDENT.model_copy(update={"kind": Kind.DATA_QUALITY})
    found = adjudicate(broken, quiet_pool(0.8), {}, MODEL)
    assert found.verdict is IncidentVerdict.INCONCLUSIVE


def test_what_chance_cannot_do_is_never_left_to_chance() -> None:
    found = adjudicate(INCIDENT, quiet_pool(8.5), {}, MODEL)
    assert found.p_none == 0.0
    assert found.verdict in (IncidentVerdict.OUTSIDE_DATA, IncidentVerdict.INCONCLUSIVE)
    assert total(found) == pytest.approx(1.0)


def test_what_could_not_be_measured_is_not_called_ordinary() -> None:
    reasons = {id_: "not testable: too few orders with on_time" for id_ in HypothesisId}
    found = adjudicate(INCIDENT, {}, reasons, MODEL)
    assert found.verdict is IncidentVerdict.INCONCLUSIVE
    assert found.p_none == 0.0
    assert found.p_other == pytest.approx(1.0)
    assert len(found.not_testable) == len(HypothesisId)


def test_where_nothing_got_worse_no_cause_is_named() -> None:
    pool = batching_pool()
    pool[HypothesisId.NORMAL_VARIANCE] = [evidence("outcome_shift", 90, z=0.0, p_chance=1.0)]
    found = adjudicate(INCIDENT, pool, {}, MODEL)
    assert found.verdict is IncidentVerdict.NO_DEGRADATION
    assert found.p_none == 1.0
    assert total(found) == pytest.approx(1.0)
    assert not [finding for finding in found.findings if finding.role == "primary"]
