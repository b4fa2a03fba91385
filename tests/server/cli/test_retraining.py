"""`cx cause` and `cx calibrate --from-history`, on real records of the service."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from agents.report import InvestigationReport
from evals.history import Resolved, Taken, retrain, take
from server.confidence import confidence_model
from server.database import open_database
from server.repository import Repository
from server.settings import Settings, load
from tests.evals.histories import as_judged, history
from tests.server.cli.conftest import Cx
from tests.server.fakes import NOW, make_detection, make_incident, make_report
from tools.adjudication import chances
from tools.cause_found import CauseFound
from tools.confidence import ConfidenceModel, load_model
from tools.confidence.model import PATH
from tools.evidence import Evidence
from tools.features import CAUSES
from tools.incident_lifecycle import ClosedAs, IncidentStatus, Move


def at(repository: Repository, hours: float) -> Repository:
    return Repository(repository._engine, clock=lambda: NOW + timedelta(hours=hours))


def investigate(repository: Repository, id: str, report: InvestigationReport, *, hours: float = 1) -> None:
    later = at(repository, hours)
    record = later.incident(id)
    assert record is not None
    run = later.start_once(record)
    later.start_run(run.id)
    later.finish_run(run.id, report)


def close(repository: Repository, id: str, cause: CauseFound | None, *, hours: float = 2) -> None:
    later = at(repository, hours)
    record = later.incident(id)
    assert record is not None
    move = Move(IncidentStatus.RESOLVED, ClosedAs.RECOVERED, reason="over", cause=cause)
    later.move_incident(id, move, version=record.version, actor="ana")


def keep(repository: Repository, past: list[Resolved]) -> None:
    """Everything as the service would have kept it: one after the other, each found, looked into and closed."""
    for one in reversed(past):
        found = make_detection(one.incident).model_copy(update={"as_of": one.incident.window.end})
        repository.store_detection(found)
        if one.report is not None:
            investigate(repository, one.incident.id, InvestigationReport.model_validate_json(one.report))
        close(repository, one.incident.id, one.cause)


@pytest.fixture
def records(cx: Cx) -> Repository:
    """The database of the state folder that `cx` has."""
    return Repository(open_database(load().database_url), clock=lambda: NOW)


def test_it_learns_from_the_records(cx: Cx, records: Repository, tmp_path: Path) -> None:
    keep(records, history(40, 1))
    committed, out = PATH.read_bytes(), tmp_path / "own.json"
    ended = cx("calibrate", "--from-history", "--out", out)
    assert ended.code == 0, ended.err
    assert "40 of your incidents" in ended.out
    assert "retrained, out of fold" in ended.out
    assert PATH.read_bytes() == committed
    model = ConfidenceModel.model_validate_json(out.read_text())
    assert model.history is not None
    assert len(model.history.incidents) == 40


@pytest.mark.slow
def test_the_product_judges_with_it_and_says_so(
    cx: Cx, tmp_path: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.json"
    own = retrain(history(40, 1), load_model()).model
    file.write_text(own.model_dump_json())
    usual = InvestigationReport.model_validate_json(cx("investigate", "--data", world, "--json").out)
    monkeypatch.setenv("CX_CONFIDENCE_MODEL", str(file))
    checks = json.loads(cx("doctor", "--json").out)["checks"]
    [told] = [check["detail"] for check in checks if check["name"] == "confidence model"]
    assert told == f"{file}, retrained on 40 incidents of your own, fingerprint {own.fingerprint}"
    other = InvestigationReport.model_validate_json(cx("investigate", "--data", world, "--json").out)
    assert measured(other) == measured(usual)
    for report, model in ((usual, load_model()), (other, own)):
        assert report.confidence_model == model.fingerprint
        check_read_back(report, model)


def measured(report: InvestigationReport) -> dict[str, Evidence]:
    """What the verdict is made from. What is asked of a leading cause afterwards depends on the verdict."""
    asked_of_verdict = {"challenge", "mechanism_paths", "search_knowledge"}
    return {id_: one for id_, one in report.evidence.items() if one.tool not in asked_of_verdict}


def check_read_back(report: InvestigationReport, model: ConfidenceModel) -> None:
    """What is read back from a kept report is what was judged: the same probabilities, to the last digit."""
    assert report.incident is not None
    taken = take(Resolved(report.incident, ClosedAs.RECOVERED, CauseFound.OTHER, report.model_dump_json()))
    assert isinstance(taken, Taken)
    p = chances(taken.sample.readings, taken.sample.z, model)
    assert (p.none, p.other) == (report.p_none, report.p_other)
    found = {f.hypothesis: f.p_primary for f in (*report.findings, *report.ruled_out)}
    assert {id_: value for id_, value in found.items() if id_ in CAUSES} == p.primary


def test_a_second_time_sets_out_from_the_committed_model(
    cx: Cx, records: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model in use has seen these incidents: as a prior they would count twice, and none be held out."""
    keep(records, history(24, 1))
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert cx("calibrate", "--from-history", "--out", first).code == 0
    monkeypatch.setenv("CX_CONFIDENCE_MODEL", str(first))
    ended = cx("calibrate", "--from-history", "--out", second)
    assert "itself retrained on your incidents" in ended.err
    assert second.read_bytes() == first.read_bytes()


def test_a_model_that_is_in_use_is_the_prior(
    cx: Cx, records: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(records, history(24, 1))
    used, out = tmp_path / "used.json", tmp_path / "own.json"
    mine = load_model().model_copy(update={"temperature": 1.5})
    used.write_text(mine.model_dump_json())
    monkeypatch.setenv("CX_CONFIDENCE_MODEL", str(used))
    document = json.loads(cx("calibrate", "--from-history", "--out", out, "--json").out)
    assert document["prior"] == mine.fingerprint
    assert document["temperature"] == 1.5


def test_json_tells_who_was_used_and_who_was_left_out(cx: Cx, records: Repository, tmp_path: Path) -> None:
    made = history(26, 1)
    made[0] = Resolved(made[0].incident, None, None, made[0].report)
    made[1] = Resolved(made[1].incident, None, made[1].cause, None)
    keep(records, made)
    document = json.loads(cx("calibrate", "--from-history", "--out", tmp_path / "own.json", "--json").out)
    assert len(document["used"]) == 24
    left_out = {item["reason"].split(":")[0]: item["incidents"] for item in document["skipped"]}
    assert left_out == {"no cause stated": ["I0"], "not investigated before the close": ["I1"]}
    assert document["after"]["incidents"] == 24


def test_what_judges_no_better_is_not_written(cx: Cx, records: Repository, tmp_path: Path) -> None:
    """Causes that are as the model says leave nothing to learn; in the first of some such histories it is worse."""
    prior = load_model()
    worse = next(
        made
        for made in (as_judged(40, seed, prior) for seed in range(20))
        if not retrain(made, prior).report.better
    )
    keep(records, worse)
    out = tmp_path / "own.json"
    ended = cx("calibrate", "--from-history", "--out", out)
    assert ended.code == 1
    assert "no better out of fold" in ended.err
    assert "log loss gained -" in " ".join(ended.out.split())
    assert list(tmp_path.iterdir()) == []


def test_too_few_are_refused_with_their_number(cx: Cx, records: Repository, tmp_path: Path) -> None:
    keep(records, history(15, 1))
    ended = cx("calibrate", "--from-history", "--out", tmp_path / "own.json")
    assert (ended.code, ended.out) == (4, "")
    assert "15 of the resolved incidents can be learned from, 20 are needed: 5 more" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_no_history_is_refused_and_changes_nothing(cx: Cx, tmp_path: Path) -> None:
    ended = cx("calibrate", "--from-history", "--out", tmp_path / "own.json")
    assert ended.code == 4
    assert "20 more" in ended.err
    assert list(tmp_path.iterdir()) == []
    assert "committed" in cx("doctor").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--from-history needs --out FILE"),
        (["--out", PATH], "the committed model is the prior and is kept"),
        (["--out", "/nowhere/at/all.json"], "there is no folder /nowhere/at"),
        (["--out", "."], "is a folder"),
        (["--out", "own.json", "--incidents", "40"], "are for simulated worlds"),
        (["--out", "own.json", "--workers", "1"], "are for simulated worlds"),
    ],
)
def test_wrong_arguments_say_what_to_do(cx: Cx, arguments: list[object], message: str) -> None:
    committed = PATH.read_bytes()
    ended = cx("calibrate", "--from-history", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert PATH.read_bytes() == committed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("not JSON", "no confidence model of this version"),
        ("[]", "no confidence model of this version"),
        ('{"version": 1, "features": ["speed"]}', "means: Field required"),
        (load_model().model_dump_json().replace('"temperature":', '"temperature":-'), "temperature: Input"),
        (load_model().model_dump_json().replace('"weights":[', '"weights":[NaN,'), "weights.0: Input"),
        (load_model().model_dump_json().replace('"share"', '"part"', 1), "train it again"),
    ],
)
@pytest.mark.parametrize("command", [["investigate", "--data"], ["calibrate", "--from-history", "--out"]])
def test_an_unusable_model_file_is_named(
    cx: Cx,
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    content: str | None,
    message: str,
) -> None:
    file = tmp_path / "model.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("CX_CONFIDENCE_MODEL", str(file))
    ended = cx(*command, world if command[0] == "investigate" else tmp_path / "own.json")
    assert (ended.code, ended.out) == (4, "")
    assert f"CX_CONFIDENCE_MODEL={file}" in ended.err
    assert message in ended.err
    assert cx("doctor").code == 1


def test_the_service_does_not_start_with_an_unusable_model(
    cx: Cx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CX_CONFIDENCE_MODEL", str(tmp_path / "absent.json"))
    ended = cx("serve", "--port", 0)
    assert ended.code == 4
    assert "CX_CONFIDENCE_MODEL" in ended.err


def test_the_committed_model_judges_unless_told_otherwise() -> None:
    assert confidence_model(Settings(_env_file=None)) == load_model()


# --- stating a cause


def test_a_cause_is_stated_on_the_command_line(cx: Cx, records: Repository) -> None:
    records.store_detection(make_detection(make_incident()))
    early = cx("cause", "I1", "courier_supply")
    assert early.code == 2
    assert "I1 is new; resolve it first" in early.err
    close(records, "I1", None)
    ended = cx("cause", "I1", "courier_supply", "--reason", "the strike")
    assert ended.code == 0
    assert "I1: cause courier_supply" in ended.out
    last = records.incident_history("I1")[-1]
    assert (last.kind.value, last.cause, last.reason, last.actor) == (
        "explained",
        CauseFound.COURIER_SUPPLY,
        "the strike",
        "local",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("I9", "none"), "there is no incident 'I9'"),
        (("I1", "normal_variance"), "there is no cause 'normal_variance'; known: courier_supply, "),
        (("I1", ""), "there is no cause ''"),
    ],
)
def test_a_wrong_cause_is_refused(
    cx: Cx, records: Repository, arguments: tuple[str, str], message: str
) -> None:
    records.store_detection(make_detection(make_incident()))
    ended = cx("cause", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


# --- which report counts


def test_the_last_report_before_the_close_counts(records: Repository) -> None:
    incident = make_incident()
    records.store_detection(make_detection(incident))
    told = [make_report(incident).model_copy(update={"narrative": str(n)}) for n in range(3)]
    investigate(records, "I1", told[0], hours=1)
    investigate(records, "I1", told[1], hours=2)
    close(records, "I1", CauseFound.NONE, hours=3)
    investigate(records, "I1", told[2], hours=4)
    [past] = records.resolved()
    assert past.report is not None
    assert InvestigationReport.model_validate_json(past.report.document).narrative == "1"


def test_open_incidents_are_no_history(records: Repository) -> None:
    records.store_detection(make_detection(make_incident()))
    investigate(records, "I1", make_report(make_incident()))
    assert records.resolved() == ()


def test_an_investigation_after_the_close_does_not_count(records: Repository) -> None:
    records.store_detection(make_detection(make_incident()))
    close(records, "I1", CauseFound.NONE, hours=1)
    investigate(records, "I1", make_report(make_incident()), hours=2)
    [past] = records.resolved()
    assert past.report is None
