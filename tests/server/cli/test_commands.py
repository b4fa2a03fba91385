"""The commands that people start with, end to end on a small world."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.report import InvestigationReport
from tests.server.cli.conftest import Cx
from tools.incidents import DetectionReport


def test_check_of_a_clean_world(cx: Cx, world: Path) -> None:
    ended = cx("data", "check", world)
    assert ended.code == 0
    assert "orders" in ended.out
    assert json.loads(cx("data", "check", world, "--json").out)["broken"] == []


def test_detect_finds_the_fault_in_both_forms(cx: Cx, world: Path) -> None:
    report = DetectionReport.model_validate_json(cx("detect", "--data", world, "--json").out)
    assert report.incidents
    shown = cx("detect", "--data", world).out
    assert report.incidents[0].id in shown
    assert "as of" in shown


def test_investigate_writes_report_and_plan(cx: Cx, world: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    ended = cx("investigate", "--data", world, "--out", out)
    assert ended.code == 0
    assert {path.name for path in out.iterdir()} >= {"plan.json", "plan.md", "report.json", "report.md"}
    report = InvestigationReport.model_validate_json((out / "report.json").read_text())
    assert report.incident is not None
    assert report.grounding.supported == report.grounding.claims


def test_investigate_streams_events_as_lines(cx: Cx, world: Path) -> None:
    lines = [json.loads(line) for line in cx("investigate", "--data", world, "--jsonl").out.splitlines()]
    assert lines[0]["type"] == "RUN_STARTED"
    assert lines[-1]["type"] == "RUN_FINISHED"


@pytest.mark.slow
@pytest.mark.parametrize("command", ["detect", "investigate"])
def test_same_command_same_bytes_whatever_the_threads(world: Path, command: str) -> None:
    def once(threads: str) -> bytes:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        program = "from server.cli import main; main()"
        arguments = [sys.executable, "-c", program, command, "--data", str(world), "--json"]
        ended = subprocess.run(
            arguments, env=os.environ | dict.fromkeys(names, threads), capture_output=True, check=True
        )
        return ended.stdout

    assert once("1") == once("2") == once("1")


@pytest.mark.parametrize("story", [(), ("--story",)])
def test_a_demo_of_a_seed_that_cannot_be_is_refused(cx: Cx, story: tuple[str, ...]) -> None:
    ended = cx("demo", "--seed", "-1", *story)
    assert ended.code == 2
    assert "--seed" in ended.err


@pytest.mark.slow
def test_demo_does_the_whole_job(cx: Cx) -> None:
    ended = cx("demo")
    assert ended.code == 0
    assert "Batching policy is the primary cause" in ended.out
    assert "is a consequence of it" in ended.out
    assert "plan.md" in ended.out
    assert "http://127.0.0.1" in ended.out


@pytest.mark.slow
def test_eval_prints_a_scorecard(cx: Cx) -> None:
    ended = cx("eval", "worlds", "--faults", 1, "--nulls", 1, "--label", "test", "--workers", 1, "--json")
    assert ended.code == 0
    document = json.loads(ended.out)
    assert document["scorecard"]["faults"] == document["scorecard"]["nulls"] == 1
    assert len(document["cases"]) == 2


@pytest.mark.slow
def test_eval_rca_prints_its_report(cx: Cx) -> None:
    ended = cx("eval", "rca", "--incidents", 20, "--label", "test", "--workers", 1)
    assert ended.code == 0
    for text in ("withheld", "sure, wrong", "largest shift", "calibration error"):
        assert text in ended.out


def test_calibrate_refuses_too_few_incidents(cx: Cx, tmp_path: Path) -> None:
    ended = cx("calibrate", "--incidents", 3, "--out", tmp_path / "model.json")
    assert ended.code == 2
    assert "at least 40" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_help_comes_at_once_and_names_every_command(cx: Cx) -> None:
    shown = cx("--help").out
    for name in (
        "data",
        "detect",
        "investigate",
        "demo",
        "serve",
        "eval",
        "calibrate",
        "doctor",
        "replay",
        "plan",
    ):
        assert name in shown
