"""G-computation against worlds whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from tools.gcomputation import (
    Adjustment,
    GComputation,
    Limits,
    Standardisation,
    UnsupportedError,
    g_computation,
)


def _logistic(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _confounded(seed: int, rows: int = 30_000) -> tuple[pd.DataFrame, float]:
    """A threshold that is raised in busy hours, and the true effect of setting it to 2 everywhere."""
    rng = np.random.default_rng(seed)
    load = rng.integers(0, 3, rows)
    threshold = np.where(rng.random(rows) < np.array([0.2, 0.5, 0.8])[load], 4, 2)
    uniform = rng.random(rows)

    def on_time(k: np.ndarray) -> np.ndarray:
        return (uniform < _logistic(3.2 - 0.9 * load - 0.5 * (k == 4) * (1 + load))).astype(int)

    frame = pd.DataFrame(
        {"on_time": on_time(threshold), "threshold": threshold, "load": load, "day": np.arange(rows) % 30}
    )
    truth = float(on_time(np.full(rows, 2)).mean() - frame["on_time"].mean())
    return frame, truth


def _effect(frame: pd.DataFrame, **options: object) -> GComputation:
    asked: dict[str, object] = {
        "outcome": "on_time",
        "treatment": "threshold",
        "level": 2,
        "covariates": ["load"],
        "block": ["day"],
        "modifier": "load",
    }
    return g_computation(frame, **(asked | options))  # type: ignore[arg-type]  # free keywords


def test_g_computation_recovers_the_truth_where_a_plain_comparison_does_not() -> None:
    frame, truth = _confounded(1)
    effect = _effect(frame)
    means = frame.groupby("threshold")["on_time"].mean()
    naive = float((means[2] - means[4]) * (frame["threshold"] == 4).mean())
    assert abs(effect.estimate - truth) < 0.012
    assert effect.low < truth < effect.high
    assert naive > truth * 1.2


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(40):
        frame, truth = _confounded(seed, rows=4_000)
        effect = _effect(frame)
        hits += effect.low <= truth <= effect.high
    assert hits >= 35


def test_g_computation_is_the_same_for_the_same_seed() -> None:
    frame, _ = _confounded(2, rows=3_000)
    first, second = _effect(frame), _effect(frame)
    assert (first.estimate, first.low, first.high) == (second.estimate, second.low, second.high)
    assert np.array_equal(first.draws, second.draws)
    assert _effect(frame, seed=8).low != first.low


def test_estimate_does_not_depend_on_the_order_of_rows() -> None:
    frame, _ = _confounded(3, rows=3_000)
    shuffled = frame.sample(frac=1, random_state=1)
    assert _effect(shuffled).estimate == pytest.approx(_effect(frame).estimate, abs=1e-12)


def test_level_never_seen_is_refused() -> None:
    frame, _ = _confounded(4, rows=2_000)
    with pytest.raises(UnsupportedError, match="0%"):
        _effect(frame, level=3)


def test_level_not_seen_in_one_stratum_widens_the_interval_to_hold_no_change_there() -> None:
    frame, _ = _confounded(5, rows=20_000)
    unseen = frame[~((frame["load"] == 2) & (frame["threshold"] == 2))].reset_index(drop=True)
    effects = {}
    for least in (0.5, 0.9):
        question = {"level": 2, "treatment": "threshold", "block": ["day"]}
        adjustment = Adjustment(["load"], modifier="load")
        limits = Limits(min_coverage=least)
        if least == 0.9:
            with pytest.raises(UnsupportedError, match="at least 90%"):
                Standardisation(unseen, adjustment=adjustment, limits=limits, **question)  # type: ignore[arg-type]
            continue
        kept = Standardisation(unseen, adjustment=adjustment, limits=limits, **question)  # type: ignore[arg-type]
        effects[least] = kept.estimate(unseen["on_time"].to_numpy(float), np.ones(len(unseen)))
    effect = effects[0.5]
    seen = unseen[unseen["load"] != 2].reset_index(drop=True)
    inside = _effect(seen).estimate
    assert effect.coverage == pytest.approx(float((unseen["load"] != 2).mean()))
    assert effect.low < inside * effect.coverage < effect.estimate < inside < effect.high + 0.02


def test_column_without_support_is_adjusted_for_by_its_main_effect() -> None:
    rng = np.random.default_rng(6)
    day = np.repeat(np.arange(40), 300)
    after = day >= 30
    storm = day >= 36
    log_odds = 2.5 - 1.0 * after - 1.5 * storm
    frame = pd.DataFrame(
        {
            "y": (rng.random(len(day)) < _logistic(log_odds)).astype(int),
            "policy": np.where(after, "4", "2"),
            "storm": storm.astype(int),
            "day": day,
            "all": 0,
        }
    )
    truth = float((_logistic(log_odds + 1.0) - _logistic(log_odds))[after].mean())
    question = Standardisation(
        frame,
        treatment="policy",
        level="2",
        adjustment=Adjustment(["all"], also=["storm"]),
        block=["day"],
        cohort=after,
    )
    effect = question.estimate(frame["y"].to_numpy(float), np.ones(len(frame)))
    assert effect.coverage == 1
    assert effect.low < truth < effect.high
    assert effect.estimate == pytest.approx(truth, abs=0.03)


def _switched(seed: int, shock: float) -> tuple[pd.DataFrame, np.ndarray, float]:
    """A policy switched on day 30 of 35, with a shock common to each day, and the realised truth."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(35), 180)
    daily = rng.normal(0, shock, 35)[day]
    uniform = rng.random(len(day))
    after = day >= 30
    base = _logistic(2.4 + daily)
    worse = _logistic(2.4 + daily - 1.1)
    y = uniform < np.where(after, worse, base)
    truth = float((uniform < base)[after].mean() - y[after].mean())
    frame = pd.DataFrame({"y": y.astype(int), "policy": np.where(after, "4", "2"), "day": day, "all": 0})
    return frame, after, truth


def test_switched_policy_interval_holds_the_truth_of_the_very_days() -> None:
    hits = 0
    for seed in range(60):
        frame, after, truth = _switched(seed, shock=0.25)
        question = Standardisation(
            frame, treatment="policy", level="2", adjustment=Adjustment(["all"]), block=["day"], cohort=after
        )
        effect = question.estimate(frame["y"].to_numpy(float), np.ones(len(frame)))
        hits += effect.low <= truth <= effect.high
    assert hits >= 53


def test_shares_with_no_event_at_all_stay_finite() -> None:
    frame, after, _ = _switched(1, shock=0.0)
    question = Standardisation(
        frame, treatment="policy", level="2", adjustment=Adjustment(["all"]), block=["day"], cohort=after
    )
    effect = question.estimate(np.zeros(len(frame)), np.ones(len(frame)))
    assert effect.estimate == pytest.approx(0, abs=1e-4)
    assert np.isfinite([effect.low, effect.high]).all()


def test_means_are_compared_on_their_own_scale() -> None:
    frame, after, _ = _switched(2, shock=0.0)
    seconds = np.where(after, 900.0, 300.0)
    question = Standardisation(
        frame, treatment="policy", level="2", adjustment=Adjustment(["all"]), block=["day"], cohort=after
    )
    effect = question.estimate(seconds, np.ones(len(frame)), share=False)
    assert effect.estimate == pytest.approx(-600, abs=0.1)
    assert effect.observed == 900


def test_outcome_unknown_in_the_whole_cohort_is_refused() -> None:
    frame, after, _ = _switched(3, shock=0.0)
    question = Standardisation(
        frame, treatment="policy", level="2", adjustment=Adjustment(["all"]), block=["day"], cohort=after
    )
    with pytest.raises(UnsupportedError, match="no order of the cohort"):
        question.estimate(np.zeros(len(frame)), np.where(after, 0.0, 1.0))


def test_empty_cohort_is_an_argument_error() -> None:
    frame, _, _ = _switched(4, shock=0.0)
    with pytest.raises(ValueError, match="0 rows"):
        Standardisation(
            frame,
            treatment="policy",
            level="2",
            adjustment=Adjustment(["all"]),
            block=["day"],
            cohort=np.zeros(len(frame), bool),
        )
