"""`cx plan`: an experiment of one's own, and every way to ask for an impossible one."""

from pathlib import Path

import pytest

from tests.server.cli.conftest import Cx
from tools.experiment import ExperimentPlan

COURIERS = ("--action", "add_courier_supply", "--set", "couriers_share=0.2")


def test_plan_is_printed_as_json_and_written_as_a_page(cx: Cx, world: Path, tmp_path: Path) -> None:
    page = tmp_path / "plan.md"
    ended = cx("plan", "--data", world, *COURIERS, "--mde", 4, "--days", 21, "--json", "--out", page)
    assert ended.code == 0
    plan = ExperimentPlan.model_validate_json(ended.out)
    assert (plan.action, plan.unit, plan.days, plan.mde) == ("add_courier_supply", "switchback", 21, 0.04)
    assert page.read_text() == plan.markdown


@pytest.mark.slow
def test_plan_is_shown_as_a_page_and_written_as_json_on_another_scope(
    cx: Cx, world: Path, tmp_path: Path
) -> None:
    document = tmp_path / "plan.json"
    scope = ("--scope", "region=CHI hour=16-22")
    ended = cx("plan", "--data", world, "--latest", *COURIERS, *scope, "--out", document)
    assert ended.code == 0
    assert "Readings" in ended.out
    plan = ExperimentPlan.model_validate_json(document.read_text())
    assert plan.scope.model_dump() == {"region": "CHI", "hour": {"from": 16, "to": 22}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--action", "pray"), "known: reduce_batching_threshold"),
        (("--action", "monitor_only"), "changes nothing"),
        (("--action", "add_courier_supply"), "needs couriers_share, from 0.1 to 0.8"),
        (("--action", "add_courier_supply", "--set", "couriers_share=7"), "outside of its bounds"),
        (("--action", "add_courier_supply", "--set", "couriers_share=-0.2"), "outside of its bounds"),
        (("--action", "add_courier_supply", "--set", "couriers_share"), "is not name=value"),
        ((*COURIERS, "--set", "couriers_share=0.3"), "twice"),
        ((*COURIERS, "--mde", "0"), "--mde 0 must lie between"),
        ((*COURIERS, "--mde", "-2"), "--mde -2 must lie between"),
        ((*COURIERS, "--mde", "nan"), "must lie between"),
        ((*COURIERS, "--days", "6"), "must be at least 7"),
        ((*COURIERS, "--days", "0"), "must be at least 7"),
        ((*COURIERS, "--scope", "SF"), "is not name=value"),
        ((*COURIERS, "--scope", "hour=3"), "not a range of hours"),
        ((*COURIERS, "--scope", "hour=18-18"), "not a range of hours"),
        ((*COURIERS, "--scope", "hour=-3-5"), "not a range of hours"),
        ((*COURIERS, "--latest", "--incident", "inc-1"), "exclude each other"),
    ],
)
def test_what_is_wrong_without_the_data_is_said_before_they_are_read(
    cx: Cx, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    out = tmp_path / "plan.md"
    ended = cx("plan", "--data", tmp_path / "nowhere", "--out", out, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((*COURIERS, "--incident", "inc-0"), 2, "no incident 'inc-0'"),
        ((*COURIERS, "--scope", "planet=mars"), 2, "--scope names 'planet'; these data have"),
        ((*COURIERS, "--scope", "region=ATLANTIS"), 4, "has no orders"),
        (("--action", "revert_policy", "--set", "policy=none"), 4, "no fitting change is recorded"),
        (
            ("--action", "throttle_store_intake", "--set", "intake_cut_share=0.4"),
            4,
            "seen at the asked level for only",
        ),
    ],
)
def test_what_the_data_do_not_allow_ends_with_its_reason(
    cx: Cx, world: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ended = cx("plan", "--data", world, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
