"""`cx monitor` over files: what it prints, what it ends with, and what it says about bad files."""

import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from data.world import World, WorldConfig
from data.world.actions import SetBatchingThreshold
from evals.trial_worlds import run_forward, write_trial
from tests.server.cli.conftest import Cx
from tests.tools.plans import EVENING, METRICS, plan
from tools.monitor_report import MonitorReport


class Files(NamedTuple):
    """An experiment on disk."""

    data: Path
    plan: Path
    log: Path

    def options(self, **changes: Path) -> list[str]:
        given = {"plan": self.plan, "data": self.data, "assignment": self.log} | changes
        return [text for name, path in given.items() for text in (f"--{name}", str(path))]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("trial") / "data"
    world = World(WorldConfig(scenario="none", days=24, orders_per_day=1500, seed=8))
    bad = SetBatchingThreshold(scope=EVENING, value=4, start=world.draws.grid.midnight("SF", 9))
    good = SetBatchingThreshold(scope=EVENING, value=2)
    planned = plan(metrics=METRICS[:3])
    trial = run_forward(world, planned, good, seed=3, first_day=9, days=14, before=(bad,))
    log, written = write_trial(trial, planned, folder)
    return Files(folder, written, log)


def test_the_decision_comes_first_and_tables_follow(cx: Cx, files: Files) -> None:
    ended = cx("monitor", *files.options())
    assert ended.code == 0
    for part in ("STOP AND SHIP", "Health", "Metrics", "Looks at the primary metric", "outcomes saved"):
        assert part in ended.out


def test_json_is_the_report_and_as_of_goes_back_in_time(cx: Cx, files: Files) -> None:
    ended = cx("monitor", *files.options(), "--as-of", "2026-01-17T12:00Z", "--json")
    report = MonitorReport.model_validate_json(ended.out)
    assert (ended.code, report.decision.action) == (0, "continue")
    assert report.lift is None
    assert "not read until day 5" in report.metrics[0].text


def test_a_broken_split_ends_with_one(cx: Cx, files: Files, tmp_path: Path) -> None:
    log = pd.read_csv(files.log)
    skewed = tmp_path / "skewed.csv"
    log.assign(arm=["treatment" if n % 5 < 3 else "control" for n in range(len(log))]).to_csv(
        skewed, index=False
    )
    ended = cx("monitor", *files.options(assignment=skewed))
    assert ended.code == 1
    assert "STOP FOR HEALTH" in ended.out
    assert "FAILED" in ended.out


def test_a_harmful_action_ends_with_one(cx: Cx, files: Files, tmp_path: Path) -> None:
    log = pd.read_csv(files.log)
    swapped = tmp_path / "swapped.csv"
    log.assign(arm=log["arm"].map({"control": "treatment", "treatment": "control"})).to_csv(
        swapped, index=False
    )
    ended = cx("monitor", *files.options(assignment=swapped))
    assert ended.code == 1
    assert "ROLL BACK" in ended.out


BAD_LOGS = {
    "empty": ("", "the file is empty"),
    "header": ("order_id,arm,assigned_at\n", "no rows"),
    "arms": (
        "order_id,arm,assigned_at\n1,A,2026-01-14T00:00Z\n2,B,2026-01-14T00:00Z\n",
        "unknown arm 'A', 'B'",
    ),
    "columns": ("id,variant\n1,control\n", "no column window_start"),
    "naive": (
        "order_id,arm,assigned_at\n1,control,2026-01-14 00:00\n2,treatment,2026-01-14 00:00\n",
        "has no zone",
    ),
    "unknown": (
        "order_id,arm,assigned_at\nx,control,2026-01-14T00:00Z\ny,treatment,2026-01-14T00:00Z\n",
        "none of the 2 assigned orders",
    ),
    "torn": ('order_id,arm\n1,"control\n', "not a CSV file"),
}


@pytest.mark.parametrize("name", BAD_LOGS)
def test_bad_assignments_end_with_four(cx: Cx, files: Files, tmp_path: Path, name: str) -> None:
    text, words = BAD_LOGS[name]
    path = tmp_path / "log.csv"
    path.write_text(text)
    ended = cx("monitor", *files.options(assignment=path))
    assert (ended.code, ended.out) == (4, "")
    assert words in ended.err


def test_an_overlapping_experiment_ends_with_four(cx: Cx, files: Files) -> None:
    ended = cx("monitor", *files.options(), "--other", str(files.log))
    assert ended.code == 4
    assert "are also in another experiment" in ended.err


def test_bad_plans_end_with_four(cx: Cx, files: Files, tmp_path: Path) -> None:
    missing = cx("monitor", *files.options(plan=tmp_path / "no.json"))
    assert (missing.code, "No such file" in missing.err) == (4, True)
    other = tmp_path / "plan.json"
    other.write_text("{}")
    ended = cx("monitor", *files.options(plan=other))
    assert ended.code == 4
    assert "not a plan" in ended.err
    nowhere = json.loads(files.plan.read_text()) | {"scope": {"region": "ATLANTIS"}}
    other.write_text(json.dumps(nowhere))
    ended = cx("monitor", *files.options(plan=other))
    assert ended.code == 4
    assert "no traffic in region ATLANTIS" in ended.err


def test_help_shows_an_example(cx: Cx) -> None:
    ended = cx("monitor", "--help")
    assert "Example: cx monitor --plan plan.json" in " ".join(ended.out.split())
