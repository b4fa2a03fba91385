"""Retraining on resolved incidents: what it learns, what it leaves alone, and what it refuses."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from evals import fitting
from evals.fitting import TEMPERATURE_NEEDS, refit
from evals.history import LEAST, Resolved, Taken, TooFewError, Unusable, retrain, take
from evals.samples import Sample
from tests.evals.histories import DRIVERS, NAMES, as_judged, history, one_a_week, past, report
from tests.server.fakes import make_report
from tools.cause_found import CauseFound
from tools.confidence import ConfidenceModel, load_model
from tools.features import CAUSES, FEATURES
from tools.findings import HypothesisId
from tools.incident_lifecycle import ClosedAs
from tools.incidents import Kind

SEEDS = (1, 2, 3)


def samples(found: list[Resolved]) -> list[Sample]:
    taken = [take(one) for one in found]
    assert all(isinstance(one, Taken) for one in taken)
    return [replace(one.sample, world=n) for n, one in enumerate(taken) if isinstance(one, Taken)]


def log_loss(model: ConfidenceModel, held_out: list[Sample]) -> float:
    return float(np.mean(losses(model, held_out)))


def losses(model: ConfidenceModel, held_out: list[Sample]) -> list[float]:
    found = []
    for sample in held_out:
        p = model.judge(sample.readings, sample.z)
        said = {id_.value: value for id_, value in p.primary.items()} | {"none": p.none, "other": p.other}
        found.append(-float(np.log(said[sample.label])))
    return found


def distance(model: ConfidenceModel, prior: ConfidenceModel) -> float:
    def weights(one: ConfidenceModel) -> np.ndarray:
        return np.array([*one.weights, *one.none_weights, *one.other_weights])

    return float(np.linalg.norm(weights(model) - weights(prior)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_business_that_differs_moves_the_model_the_right_way(seed: int) -> None:
    prior = load_model()
    retrained = retrain(history(40, seed), prior)
    weight = dict(zip(FEATURES, retrained.model.weights, strict=True))
    known = dict(zip(FEATURES, prior.weights, strict=True))
    assert weight["onset"] > known["onset"] + 0.2, "what moves first is the cause here"
    assert weight["share"] < known["share"], "what explains most is not"
    held_out = samples(history(200, seed, first=40))
    assert log_loss(retrained.model, held_out) < log_loss(prior, held_out) - 0.3
    assert retrained.report.better
    assert retrained.report.after.log_loss < retrained.report.before.log_loss


@pytest.mark.parametrize("seed", SEEDS)
def test_a_business_like_ours_moves_it_less_and_does_no_harm(seed: int) -> None:
    prior = load_model()
    alike = retrain(history(40, seed, alike=True, mistaken=0.0), prior).model
    other = retrain(history(40, seed, mistaken=0.0), prior).model
    assert distance(alike, prior) < 0.6 * distance(other, prior)
    held_out = samples(history(200, seed, alike=True, first=40, mistaken=0.0))
    assert log_loss(alike, held_out) <= log_loss(prior, held_out) + 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_told_out_of_fold_is_what_new_incidents_show(seed: int) -> None:
    retrained = retrain(history(120, seed), load_model())
    shown = losses(retrained.model, samples(history(300, seed, first=120)))
    se = float(np.std(shown)) * (1 / 120 + 1 / 300) ** 0.5
    assert abs(retrained.report.after.log_loss - np.mean(shown)) < 3 * se


def test_the_prior_is_found_again_where_nothing_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an ever more precise prior, the answer is the prior, bit for bit but for rounding."""
    prior = load_model()
    monkeypatch.setattr(fitting, "RIDGE", 1e9)
    model = refit(samples(history(60, 1)), prior, seeds="history").model
    assert model.weights == pytest.approx(prior.weights, abs=1e-5)
    assert model.none_weights == pytest.approx(prior.none_weights, abs=1e-5)
    assert model.other_weights == pytest.approx(prior.other_weights, abs=1e-5)
    assert model.contributes_weights == pytest.approx(prior.contributes_weights, abs=1e-5)
    assert model.temperature == pytest.approx(prior.temperature, abs=1e-5)


def test_the_weights_are_the_maximum_a_posteriori() -> None:
    """No small step raises the posterior, written down here once more and by the model's own probabilities."""
    prior = load_model()
    found = samples(history(40, 1))
    model = refit(found, prior, seeds="history").model
    assert model.temperature == prior.temperature

    def loss(weights: np.ndarray) -> float:
        moved = model.model_copy(update={"weights": tuple(weights)})
        return log_loss(moved, found) * len(found) + 0.5 * float(
            np.sum((weights - np.array(prior.weights)) ** 2)
        )

    at = np.array(model.weights)
    for column in range(len(FEATURES)):
        for step in (-0.02, 0.02):
            other = at.copy()
            other[column] = max(other[column] + step, 0.0)
            assert loss(other) >= loss(at) - 1e-6


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("alike", [True, False])
def test_signs_keep_their_bounds(seed: int, *, alike: bool) -> None:
    model = retrain(history(40, seed, alike=alike), load_model()).model
    assert min(model.weights) >= 0
    assert min(model.contributes_weights[1:]) >= 0
    assert max(model.none_weights[1:]) <= 0


def test_standardisation_stays_the_priors() -> None:
    prior = load_model()
    model = retrain(history(40, 1), prior).model
    assert (model.means, model.scales, model.context_means, model.context_scales) == (
        prior.means,
        prior.scales,
        prior.context_means,
        prior.context_scales,
    )


def test_the_same_history_gives_the_same_model() -> None:
    once, again = (retrain(history(40, 1), load_model()) for _ in range(2))
    assert once.model.model_dump_json() == again.model.model_dump_json()
    assert once.report == again.report


@pytest.mark.parametrize(("size", "refitted"), [(TEMPERATURE_NEEDS - 1, False), (80, True)])
def test_a_temperature_is_refitted_only_where_there_are_enough(size: int, *, refitted: bool) -> None:
    prior = load_model()
    retrained = retrain(history(size, 1), prior)
    assert retrained.report.temperature_refitted is refitted
    assert (retrained.model.temperature != prior.temperature) is refitted
    assert any("temperature was kept" in text for text in retrained.report.remarks) is not refitted


def test_without_errors_no_temperature_is_refitted() -> None:
    """That sixty of sixty were right does not say how sure to be; sharper would be a guess."""
    flawless = [past(number, 1, alike=True, mistaken=0.0) for number in range(60)]
    retrained = retrain(flawless, load_model())
    assert retrained.report.after.accuracy == 1.0
    assert retrained.model.temperature == load_model().temperature


def test_the_model_remembers_what_it_learned_from() -> None:
    prior = load_model()
    retrained = retrain(history(24, 1), prior)
    again = ConfidenceModel.model_validate_json(retrained.model.model_dump_json())
    assert again.history is not None
    assert again.history.incidents == tuple(f"I{number}" for number in range(24))
    assert again.history.prior == prior.fingerprint != again.fingerprint
    assert again.training is not None
    assert (again.training.seeds, again.training.incidents) == ("history", 24)


@pytest.mark.parametrize("seed", SEEDS)
def test_causes_stated_without_regard_to_the_evidence_only_make_it_less_sure(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stated = [replace(one, cause=NAMES[int(rng.integers(3))]) for one in history(40, seed)]
    found = retrain(stated, load_model()).report
    assert found.after.accuracy < 0.6
    assert found.after.log_loss > np.log(3) - 0.1, "no better than to guess among the three"
    assert found.after.expected_calibration_error < found.before.expected_calibration_error


def test_where_there_is_nothing_to_learn_it_is_mostly_not_better() -> None:
    prior = load_model()
    found = [retrain(as_judged(40, seed, prior), prior).report for seed in range(12)]
    assert sum(one.better for one in found) <= 5
    assert all(one.log_loss_gain < 3 * one.log_loss_gain_se for one in found)
    unsure = [one for one in found if 0 < one.log_loss_gain < 2 * one.log_loss_gain_se]
    assert all(any("may be chance" in text for text in one.remarks) for one in unsure)


def test_no_history_is_refused() -> None:
    with pytest.raises(TooFewError, match=r"^0 of the resolved incidents .* 20 more$"):
        retrain([], load_model())


def test_a_refusal_says_how_many_are_missing_and_why_others_were_left_out() -> None:
    usable = history(15, 1)
    silent = [replace(one, cause=None) for one in history(5, 1, first=15)]
    unseen = [replace(one, report=None) for one in history(1, 1, first=20)]
    with pytest.raises(TooFewError) as refused:
        retrain([*usable, *silent, *unseen], load_model())
    text = str(refused.value)
    assert text.startswith("15 of the resolved incidents can be learned from, 20 are needed: 5 more")
    assert "5 no cause stated: `cx cause INCIDENT CAUSE` does (I15, I16, I17 and 2 more)" in text
    assert "1 not investigated before the close (I20)" in text


def test_incidents_of_one_trouble_are_not_held_apart() -> None:
    """Twenty-four incidents, all of one week: of four causes, so of four troubles."""
    start = one_a_week(0)
    together = [
        replace(one, incident=start.model_copy(update={"id": one.incident.id})) for one in history(24, 1)
    ]
    with pytest.raises(TooFewError, match="24 incidents are of 4 troubles"):
        retrain(together, load_model())


def test_troubles_are_counted_by_cause_and_time() -> None:
    made = history(24, 1)
    twin = replace(made[0], incident=made[0].incident.model_copy(update={"id": "twin"}))
    assert retrain([*made, twin], load_model()).report.troubles == 24
    other = replace(twin, cause=NAMES[1])
    assert retrain([*made, other], load_model()).report.troubles == 25


def test_windows_that_touch_end_to_end_are_two_troubles() -> None:
    made = history(24, 1)
    whole = made[0].incident
    length = whole.window.end - whole.window.start
    window = whole.window.model_copy(
        update={"start": whole.window.end, "end": whole.window.end + max(length, timedelta(days=1))}
    )
    after = replace(made[0], incident=whole.model_copy(update={"id": "after", "window": window}))
    assert retrain([*made, after], load_model()).report.troubles == 25


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"cause": None}, Unusable.NO_CAUSE),
        ({"report": None}, Unusable.NO_REPORT),
        ({"closed_as": ClosedAs.MERGED, "cause": None}, Unusable.MERGED),
        ({"report": "{}"}, Unusable.UNREADABLE),
        ({"report": "no JSON"}, Unusable.UNREADABLE),
        ({"incident": one_a_week(0).model_copy(update={"kind": Kind.DATA_QUALITY})}, Unusable.RECORDS),
    ],
)
def test_why_an_incident_teaches_nothing(changed: dict[str, object], why: Unusable) -> None:
    assert take(replace(past(0, 1, alike=True), **changed)) is why  # type: ignore[arg-type]  # fields by name


def test_evidence_of_another_version_is_left_out() -> None:
    """A field that the present reading needs is not there; or the evidence that a finding cites is gone."""
    old = past(0, 1, alike=True)
    assert old.report is not None
    renamed = replace(old, report=old.report.replace("explained_share", "explained"))
    gone = replace(old, report=old.report.replace('"evidence":["E1"]', '"evidence":["E99"]'))
    assert (take(renamed), take(gone)) == (Unusable.UNREADABLE, Unusable.UNREADABLE)


def test_an_incident_without_any_tested_cause_teaches_nothing() -> None:
    document = report(one_a_week(0), {}, 5.0).model_dump_json()
    assert take(replace(past(0, 1, alike=True), report=document)) is Unusable.UNTESTED


def test_a_report_without_evidence_teaches_nothing() -> None:
    bare = make_report(one_a_week(0)).model_copy(update={"findings": ()})
    assert take(replace(past(0, 1, alike=True), report=bare.model_dump_json())) is Unusable.UNTESTED


def test_a_cause_that_was_not_tested_counts_as_other() -> None:
    stated = CauseFound.EXTERNAL_SHOCK
    assert HypothesisId(stated.value) not in DRIVERS
    made = history(24, 1, alike=True)
    made[0] = replace(made[0], cause=stated)
    taken = take(made[0])
    assert isinstance(taken, Taken)
    assert taken.sample.label == "other"
    found = retrain(made, load_model()).report
    assert found.after.labels["other"] == 1
    assert any("cause of 1 could not be tested" in text for text in found.remarks)


def test_what_a_history_does_not_have_is_said() -> None:
    made = [one for one in history(40, 1) if one.cause is not CauseFound.NONE]
    assert any("`none`" in text for text in retrain(made, load_model()).report.remarks)
    alike = [replace(one, cause=NAMES[0]) for one in made]
    assert any("every incident had the cause" in text for text in retrain(alike, load_model()).report.remarks)


def test_that_it_is_sure_of_wrong_causes_more_often_is_said() -> None:
    """Mistaken statements: our model shrugs at this business, the retrained one names causes, some of them wrongly."""
    found = retrain(history(40, 1), load_model()).report
    assert found.after.confidently_wrong > found.before.confidently_wrong
    assert any(text.startswith("it is sure of a wrong cause in") for text in found.remarks)
    careful = retrain(history(40, 1, mistaken=0.0), load_model()).report
    assert careful.after.confidently_wrong == 0.0
    assert not any("sure of a wrong cause" in text for text in careful.remarks)


def test_every_cause_can_be_stated() -> None:
    assert {cause.value for cause in CauseFound} == {id_.value for id_ in CAUSES} | {"none", "other"}


def test_least_is_told_by_the_folds() -> None:
    assert LEAST >= 2 * fitting.FOLDS
