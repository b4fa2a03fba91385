import math

from tools.evidence import Evidence
from tools.features import FEATURES, Reading, beyond, context, moved, outcome_z, read, squash
from tools.findings import HypothesisId


def item(tool: str, **result: object) -> Evidence:
    return Evidence(id="x:1", tool=tool, arguments={}, result=result, fingerprint="f")


OWN = item(
    "mechanism_shift",
    z_conditional=8.0,
    z_marginal=9.0,
    explained_share=0.8,
    contrast_share=1.0,
    detectable_share=0.1,
)


def test_no_evidence_reads_as_nothing_known() -> None:
    for id_ in HypothesisId:
        vector = read(id_, ()).vector()
        assert len(vector) == len(FEATURES)
        assert math.isnan(vector[0])
        assert vector[2] == 0.0


def test_a_longer_wait_is_a_lack_of_couriers_only_where_they_were_fewer() -> None:
    usual = item("supply_shift", z=0.5, supply_part_share=0.0, detectable_share=0.05)
    fewer = item("supply_shift", z=-7.0, supply_part_share=1.0, detectable_share=0.05)
    assert read(HypothesisId.COURIER_SUPPLY, (OWN, usual)).share == 0.0
    assert read(HypothesisId.COURIER_SUPPLY, (OWN, fewer)).share == 0.8
    assert read(HypothesisId.COURIER_SUPPLY, (OWN,)).share == 0.8


def test_demand_takes_the_part_that_supply_does_not() -> None:
    volume = item("volume_shift", z=6.0, detectable_share=0.05)
    fewer = item("supply_shift", z=-7.0, supply_part_share=0.75, detectable_share=0.05)
    assert read(HypothesisId.DEMAND_SURGE, (OWN, volume, fewer)).share == 0.2


def test_shorter_promises_explain_what_their_old_length_would_have_kept() -> None:
    """Where promises follow the distance, no regression on them tells it; counting late orders again does."""
    counted = item("promise_shift", explained_share=0.95, promise_part_share=1.0)
    unmoved = item("mechanism_shift", **(OWN.result | {"z_conditional": 0.5, "explained_share": 0.0}))
    weak = item("mechanism_shift", **(OWN.result | {"explained_share": 0.1}))
    assert read(HypothesisId.ETA_MODEL, (weak, counted)).share == 0.95
    assert read(HypothesisId.ETA_MODEL, (unmoved, counted)).share == 0.0


def test_another_change_counts_only_after_its_effect_survived() -> None:
    found = item(
        "changes_in_scope", covered_share=1.0, overlap_share=1.0, match_share=1.0, lag_s=0.0, n_changes=1
    )
    kept = read(HypothesisId.POLICY_CHANGE, (found, OWN, item("policy_effect", survived=True)))
    dropped = read(HypothesisId.POLICY_CHANGE, (found, OWN, item("policy_effect", survived=False)))
    assert (kept.share, kept.change) == (0.8, 1.0)
    assert (dropped.share, dropped.change) == (0.0, 0.25)


def test_no_change_in_scope_leaves_nothing_to_blame() -> None:
    none = item(
        "changes_in_scope", covered_share=0.0, overlap_share=0.0, match_share=0.0, lag_s=0.0, n_changes=0
    )
    reading = read(HypothesisId.POLICY_CHANGE, (none, OWN))
    assert (reading.share, reading.detectable) == (0.0, 0.0)


def test_context_hypotheses_read_their_own_tool() -> None:
    mix = read(HypothesisId.MIX_SHIFT, (item("mix_effect", z=6.0, mix_share=0.9),))
    storm = read(
        HypothesisId.EXTERNAL_SHOCK,
        (item("context_overlap", z=5.0, explained_share=-0.2, contrast_share=0.5),),
    )
    assert mix.share == 0.9
    assert storm.share == 0.0
    assert storm.shift <= 0.0


def test_context_takes_the_strongest_of_the_causes() -> None:
    readings = {
        HypothesisId.MERCHANT_PREP: Reading(shift=9.0, share=0.4),
        HypothesisId.INVENTORY: Reading(),
        HypothesisId.NORMAL_VARIANCE: Reading(shift=50.0),
    }
    assert context(readings, 3.0) == (squash(3.0), beyond(3.0), 1.0, 0.4)
    assert moved(2.5) == 0.25


def test_outcome_z_falls_back_to_the_incident() -> None:
    assert outcome_z({}, 4.0) == 4.0
    assert outcome_z({HypothesisId.NORMAL_VARIANCE: [item("outcome_shift", z=7.0)]}, 4.0) == 7.0
