"""Training of the confidence model on made-up evidence: what it learns, and that it writes the same bytes again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals import calibrate as module
from evals.calibrate import calibrate
from evals.fitting import fit
from evals.samples import Place, Sample
from tools.confidence import ConfidenceModel
from tools.features import Reading
from tools.findings import HypothesisId

CAUSES = (HypothesisId.BATCHING_POLICY, HypothesisId.COURIER_SUPPLY, HypothesisId.MERCHANT_PREP)


def simulate(place: Place) -> tuple[Sample, ...]:
    """Two incidents of a world: in one a driver moved and explains most, in the other none did."""
    world = place.number
    rng = np.random.default_rng(world)
    cause = CAUSES[world % len(CAUSES)]

    def reading(*, true: bool) -> Reading:
        z = float(rng.normal(9.0 if true else 0.0, 1.5))
        share = float(np.clip(rng.normal(0.9 if true else 0.05, 0.1), 0, 1))
        return Reading(shift=z, share=share, scope=share, onset=float(true), change=0.0, explained=share)

    fault = {id_: reading(true=id_ is cause) for id_ in CAUSES}
    quiet = {id_: reading(true=False) for id_ in CAUSES}
    return (
        Sample(world, "fault", cause.value, fault, float(rng.normal(12, 2))),
        Sample(world, "chance", "none", quiet, float(rng.normal(4, 1))),
    )


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ConfidenceModel:
    monkeypatch.setattr(module, "simulate", simulate)
    return calibrate(tmp_path / "model.json", incidents=80, workers=1)


def test_calibrate_writes_the_same_bytes_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "simulate", simulate)
    told: list[int] = []
    calibrate(tmp_path / "a.json", incidents=40, workers=1, progress=lambda made, _of: told.append(made))
    calibrate(tmp_path / "b.json", incidents=40, workers=1)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert told[-1] == 40
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "b.json"}


def test_the_model_tells_causes_from_chance(model: ConfidenceModel) -> None:
    fault, quiet = simulate(Place(1_000))
    judged, calm = (model.judge(sample.readings, sample.z) for sample in (fault, quiet))
    cause = HypothesisId(fault.label)
    assert judged.primary[cause] > 0.8
    assert calm.none > 0.8
    assert sum(judged.primary.values()) + judged.none + judged.other == pytest.approx(1.0)
    assert all(judged.contributes[id_] >= judged.primary[id_] for id_ in judged.primary)


def test_evidence_never_lowers_a_cause(model: ConfidenceModel) -> None:
    assert min(model.weights) >= 0
    assert min(model.contributes_weights[1:]) >= 0
    assert max(model.none_weights[1:]) <= 0


def test_chance_and_unseen_causes_count_as_equally_common() -> None:
    samples = [one for world in range(40) for one in simulate(Place(world))]
    blind = [replace(one, label="other", z=9.0) for one in samples if one.label == "none"][:10]
    model = fit([*samples, *blind])
    assert model.unseen_odds == 40 / 10
    plain = model.model_copy(update={"unseen_odds": 1.0})
    for z in (3.0, 6.0, 9.0):
        now, then = (one.judge(samples[1].readings, z) for one in (model, plain))
        assert now.primary == pytest.approx(then.primary)
        assert now.other / now.none == pytest.approx(4 * then.other / then.none)


def test_the_record_is_of_answers_out_of_fold(model: ConfidenceModel) -> None:
    assert model.training is not None
    assert model.training.incidents == 80
    assert sum(row.answers for row in model.training.reliability) == 80
    assert model.training.accuracy > 0.9


def test_too_few_worlds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        fit([sample for world in range(3) for sample in simulate(Place(world))])
