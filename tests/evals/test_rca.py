"""The report on causes, on incidents whose evidence is made up."""

from dataclasses import replace

import pytest

from evals import rca as module
from evals.fitting import fit
from evals.rca import KindRow, RcaReport, measure, score
from evals.samples import Place, Sample
from tests.evals.test_calibrate import simulate
from tools.confidence import ConfidenceModel
from tools.features import Reading
from tools.findings import HypothesisId


@pytest.fixture(scope="module")
def model() -> ConfidenceModel:
    return fit([sample for number in range(40) for sample in simulate(Place(number))])


@pytest.fixture(scope="module")
def samples() -> tuple[Sample, ...]:
    """With the outcome measured, and demand tested and quiet, so that nothing upstream of batching is in the dark."""
    quiet = Reading(shift=0.0, share=0.0, scope=0.0, onset=0.0, change=0.0)
    made = (sample for number in range(100, 130) for sample in simulate(Place(number)))
    return tuple(replace(s, readings={**s.readings, **_measured(s, quiet)}) for s in made)


def _measured(sample: Sample, quiet: Reading) -> dict[HypothesisId, Reading]:
    return {HypothesisId.DEMAND_SURGE: quiet, HypothesisId.NORMAL_VARIANCE: Reading(shift=sample.z)}


def row(report: RcaReport, kind: str) -> KindRow:
    return next(one for one in report.kinds if one.kind == kind)


def test_right_answers_are_counted(samples: tuple[Sample, ...], model: ConfidenceModel) -> None:
    report = score("x", "held_out", samples, model)
    assert row(report, "fault").top_1.hits >= 28
    assert row(report, "chance").top_1.hits >= 28
    assert row(report, "chance").confidently_wrong.hits == 0
    assert report.false_alarms.total == 30
    right = {one.method: one.right.hits for one in report.baselines}
    assert right["commonest cause"] == 10, "three causes in turn"
    assert right["largest shift"] >= 28
    assert right["most recent change"] == right["largest SHAP value"] == 0, "neither was asked"
    assert sum(one.answers for one in report.reliability) == 60
    assert report.expected_calibration_error < 0.1


def test_an_answer_that_is_sure_and_wrong_is_told_as_such(
    samples: tuple[Sample, ...], model: ConfidenceModel
) -> None:
    prep = HypothesisId.MERCHANT_PREP.value
    wrong = [replace(s, label=prep) for s in samples if s.kind == "fault" and s.label != prep]
    report = score("x", "held_out", wrong, model)
    assert row(report, "fault").top_1.hits == 0
    assert row(report, "fault").confidently_wrong.hits >= 18
    assert report.expected_calibration_error > 0.8


def test_a_cause_whose_table_is_missing_is_not_replaced_by_its_consequence(
    samples: tuple[Sample, ...], model: ConfidenceModel
) -> None:
    """Batching is withheld, and what it did to preparation looks like a fault of its own."""
    batching, prep = HypothesisId.BATCHING_POLICY, HypothesisId.MERCHANT_PREP
    blind = [
        replace(s, kind="withheld", label="other", readings={prep: s.readings[batching]})
        for s in samples
        if s.kind == "fault" and s.label == batching.value
    ]
    true = [s for s in samples if s.kind == "fault"]
    report = score("x", "held_out", [*true, *blind], model)
    assert row(report, "withheld").top_1.total == 10
    assert row(report, "withheld").confidently_wrong.hits == 0


def test_of_two_causes_either_may_come_first_and_both_are_counted(
    samples: tuple[Sample, ...], model: ConfidenceModel
) -> None:
    faults = [s for s in samples if s.kind == "fault"]
    doubles = [
        replace(s, kind="double", label=other, second=s.label)
        for s in faults
        for other in (HypothesisId.BATCHING_POLICY.value, HypothesisId.COURIER_SUPPLY.value)
        if other != s.label
    ]
    doubles = [replace(s, readings={**s.readings, **_loud(s)}) for s in doubles]
    report = score("x", "held_out", [*faults, *doubles], model)
    assert row(report, "double").top_1.hits == len(doubles)
    assert row(report, "double").both.hits == len(doubles)
    assert row(report, "fault").both.total == 0


def _loud(sample: Sample) -> dict[HypothesisId, Reading]:
    """The smaller cause moved too."""
    return {HypothesisId(sample.label): Reading(shift=8.0, share=0.5, scope=0.5, onset=1.0, change=0.0)}


def test_of_the_withheld_split_the_withheld_are_counted(
    monkeypatch: pytest.MonkeyPatch, model: ConfidenceModel
) -> None:
    def thrice(place: Place) -> tuple[Sample, ...]:
        fault, _ = simulate(place)
        return fault, replace(fault, kind="irrelevant"), replace(fault, kind="withheld", label="other")

    monkeypatch.setattr(module, "simulate", thrice)
    report = measure("abc", model, incidents=20, split="withheld", workers=1)
    assert (report.worlds, report.incidents) == (20, 60)


def test_worlds_come_from_a_space_of_their_own(
    monkeypatch: pytest.MonkeyPatch, model: ConfidenceModel
) -> None:
    asked: list[Place] = []

    def spy(place: Place) -> tuple[Sample, ...]:
        asked.append(place)
        return simulate(place)

    monkeypatch.setattr(module, "simulate", spy)
    told: list[int] = []
    report = measure("abc", model, incidents=20, workers=1, progress=lambda done, _of: told.append(done))
    assert (report.worlds, told[-1]) == (10, 20)
    assert {(place.space, place.label) for place in asked} == {("cx-eval-rca-held_out", "abc")}
