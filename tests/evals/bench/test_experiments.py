"""The experiments' benchmark: planted losses, sums and limits."""

import numpy as np
import pandas as pd
import pytest

from evals.bench.experiments import ExperimentCase, ExperimentsReport, summarise, worsened
from server.experiments_bench import misses
from tools.metrics import METRICS


def _case(**changes: int) -> ExperimentCase:
    counts = {
        "seed": 1,
        "nothing_there": 100,
        "seen_by_windows": 5,
        "seen_by_drawing": 5,
        "seen_by_orders": 15,
        "designed": 250,
        "found": 200,
        "guarded": 100,
        "stopped_without_harm": 0,
        "stopped_at_margin": 2,
    }
    return ExperimentCase.model_validate(counts | changes)


def _report(**changes: int) -> ExperimentsReport:
    return summarise("x", [_case(), _case(**changes)])


def test_cases_add_up() -> None:
    report = _report(seen_by_windows=7, found=150)
    assert (report.runs, report.designed_runs, report.guarded_runs) == (200, 500, 200)
    assert (report.false_positive_share, report.power_share) == (0.06, 0.7)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"seen_by_windows": 20}, "by window: 0.125 is outside of 0.03 to 0.08"),
        ({"seen_by_windows": 0}, "by window: 0.025"),
        ({"seen_by_orders": 0}, "as if independent: 0.075"),
        ({"found": 240}, "at the computed size: 0.880"),
        ({"stopped_at_margin": 12}, "exactly at its margin: 0.070"),
        ({"stopped_without_harm": 12}, "without harm: 0.060"),
    ],
)
def test_limits_that_are_missed_are_named(changes: dict[str, int], words: str | None) -> None:
    found = misses(_report(**changes))
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


@pytest.mark.parametrize(("name", "sign"), [("on_time", -1), ("cancellation", 1)])
def test_worsened_windows_lose_the_share_that_was_asked_for(name: str, sign: int) -> None:
    metric = METRICS[name]
    treated = np.arange(400) % 2 == 0
    windows = pd.DataFrame({"treated": treated, metric.denominator: 500, metric.numerator: 250})
    harmed = worsened(windows, metric, 0.04, np.random.default_rng(1))
    change = (harmed[metric.numerator] - windows[metric.numerator]) / 500
    assert sign * change[treated].mean() == pytest.approx(0.04, rel=0.05)
    assert (change[~treated] == 0).all()
