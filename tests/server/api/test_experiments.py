"""Experiments over HTTP: planned, run, read, rolled out, made permanent, and everything that is refused on the way."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from data.slices import Slice
from knowledge import open_store
from server.app import create_app
from server.assignments import to_csv
from server.settings import ApiKey, AuthMode, Settings
from tests.server.fakes import FakeWorkbench, clock, make_incident, problem
from tests.server.trials import AFTER, TrialBench, tried

I1 = "/api/v1/incidents/I1"
URL = f"{I1}/experiments"
ROWS = [
    {"region": "SF", "window_start": "2026-11-06T00:00Z", "arm": "control"},
    {"region": "SF", "window_start": "2026-11-06T02:00Z", "arm": "treatment"},
]
NEXT = [{"region": "SF", "window_start": "2026-11-07T00:00Z", "arm": "control"}]


def make_client(settings: Settings, bench: FakeWorkbench) -> TestClient:
    app = create_app(settings, workbench=bench, clock=clock)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def investigated(client: TestClient, *incidents: str, headers: dict[str, str] | None = None) -> None:
    while client.get("/readyz").json()["detection"] != "done":
        pass
    for id_ in incidents or ("I1",):
        base = f"/api/v1/incidents/{id_}"
        client.post(f"{base}/investigations", headers=headers)
        while client.get(f"{base}/experiment-plan", headers=headers).status_code != 200:
            pass


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    elsewhere = make_incident("I2").model_copy(update={"slice": Slice.parse({"region": "NYC"})})
    with make_client(settings, FakeWorkbench(make_incident("I1"), elsewhere)) as client:
        investigated(client, "I1", "I2")
        yield client


def change(
    client: TestClient, path: str, body: object = None, *, match: str | None = "*", method: str = "POST"
) -> Any:  # noqa: ANN401  # a response
    headers = {} if match is None else {"If-Match": match}
    return client.request(method, f"{URL}/{path}", json=body, headers=headers)


# --- planned, adjusted, begun


def test_the_same_key_starts_one_experiment(client: TestClient) -> None:
    key = {"Idempotency-Key": "pressed-twice"}
    first, again = (client.post(URL, json={"assignment": ROWS}, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert len(client.get(URL).json()["items"]) == 1
    other = client.post(URL, json={"assignment": NEXT}, headers=key)
    assert problem(other.json()) == (422, "unprocessable")
    assert other.json()["detail"] == "Idempotency-Key 'pressed-twice' was used for another request"


def test_rows_that_are_refused_leave_no_plan_behind(client: TestClient) -> None:
    bad = [{**ROWS[0], "arm": "blue"}]
    refused = client.post(URL, json={"assignment": bad}, headers={"Idempotency-Key": "again"})
    assert refused.status_code == 422
    assert client.get(URL).json()["items"] == []
    mended = client.post(URL, json={"assignment": ROWS}, headers={"Idempotency-Key": "again"})
    assert (mended.status_code, mended.json()["status"]) == (201, "running")


def test_an_experiment_is_planned_as_the_report_says(client: TestClient) -> None:
    made = client.post(URL)
    assert (made.status_code, made.headers["Location"], made.headers["ETag"]) == (201, f"{URL}/I1-X1", '"1"')
    body = made.json()
    assert (body["status"], body["assigned_rows"], body["plan"]["action"]) == (
        "planned",
        0,
        "restore_threshold",
    )
    assert body["recommendation"]["addresses"] == "batching_policy"
    assert client.get(f"{URL}/I1-X1").json() == body
    assert client.get(URL).json() == {"items": [body], "next_cursor": None, "may_change": True}
    assert client.get(I1).json()["status"] == "investigating"


def test_a_plan_is_adjusted_by_code_until_it_begins(client: TestClient) -> None:
    adjusted = client.post(URL, json={"adjust": {"days": 21}}).json()
    assert adjusted["plan"]["days"] == 21
    again = change(client, "I1-X1/plan", {"days": 28}, match='"1"', method="PUT")
    assert (again.json()["plan"]["days"], again.headers["ETag"]) == (28, '"2"')
    client.post(f"{URL}/I1-X1/assignment", json=ROWS)
    late = change(client, "I1-X1/plan", {"days": 7}, method="PUT")
    assert problem(late.json()) == (409, "conflict")
    assert "its plan is fixed, so that nothing is decided by peeking" in late.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"adjust": {"days": 0}},
        {"adjust": {"mde_pp": 0}},
        {"adjust": {"alpha": 0.5}},
        {"adjust": {"scope": {"region": ["SF"]}}},
        {"assignment": [{"arm": {"a": 1}}]},
        {"plan": {}},
    ],
)
def test_what_does_not_fit_is_named(client: TestClient, body: dict[str, Any]) -> None:
    assert problem(client.post(URL, json=body).json()) == (422, "invalid_request")
    assert client.get(URL).json()["items"] == []


def test_what_cannot_be_planned_is_refused(client: TestClient) -> None:
    refused = client.post(URL, json={"adjust": {"action": "pray"}})
    assert problem(refused.json()) == (422, "unprocessable")
    assert "action 'pray' is unknown" in refused.json()["detail"]


def test_the_first_rows_begin_it_and_its_incident_is_monitored(client: TestClient) -> None:
    began = client.post(URL, json={"assignment": ROWS}).json()
    assert (began["status"], began["assigned_rows"]) == ("running", 2)
    told = client.get(f"{I1}/history").json()["changes"][-1]
    assert (told["to_status"], told["actor"]) == ("monitoring", "local")
    assert told["reason"] == "experiment I1-X1 began"


def test_an_assignment_grows_and_what_is_known_changes_nothing(client: TestClient) -> None:
    client.post(URL, json={"assignment": "region,window_start,arm\nSF,2026-11-06T00:00Z,control\n"
                                         "SF,2026-11-06T02:00Z,treatment\n"})  # fmt: skip
    grown = client.post(f"{URL}/I1-X1/assignment", json=[*ROWS, *NEXT])
    assert (grown.status_code, grown.json()["assigned_rows"]) == (200, 3)
    csv = "region,window_start,arm\nSF,2026-11-08T00:00Z,treatment\n"
    sent = client.post(f"{URL}/I1-X1/assignment", content=csv, headers={"Content-Type": "text/csv"})
    assert sent.json()["assigned_rows"] == 4


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"", "text/csv", "the assignment is empty"),
        (b"region,window_start,arm\n", "text/csv", "no rows"),
        (b'arm\n"x', "text/csv", "no CSV"),
        (b"\xff", "text/csv", "no UTF-8 text"),
        (b"a,b\n1,2\n", "text/csv", "has no column window_start, arm"),
        (b"{}", "application/json", "the body: Input should be a valid array"),
        (b"[1]", "application/json", "0: Input should be an object"),
        (b"[]", "application/json", "no rows"),
        (b"x", "text/plain", "send the assignment as text/csv or application/json"),
        (b"region,window_start,arm\nSF,2026-11-06T00:00,control\n", "text/csv", "has no zone"),
        (b"region,window_start,arm\nSF,2026-11-06T00:00Z,B\n", "text/csv", "unknown arm 'B'"),
        (
            b"region,window_start,arm\nSF,2026-11-06T00:00Z,control\n",
            "text/csv",
            "no row has the arm treatment",
        ),
    ],
)
def test_rows_that_cannot_be_used_are_named(
    client: TestClient, content: bytes, kind: str, message: str
) -> None:
    client.post(URL)
    refused = client.post(f"{URL}/I1-X1/assignment", content=content, headers={"Content-Type": kind})
    assert problem(refused.json()) == (422, "unprocessable")
    assert message in refused.json()["detail"]
    assert client.get(f"{URL}/I1-X1").json()["status"] == "planned"


def test_an_arm_stays_as_it_was_drawn(client: TestClient) -> None:
    client.post(URL, json={"assignment": ROWS})
    other = [{**ROWS[0], "arm": "treatment"}]
    refused = client.post(f"{URL}/I1-X1/assignment", json=other)
    assert problem(refused.json()) == (422, "unprocessable")
    assert "have the other arm already" in refused.json()["detail"]


def test_overlap_with_a_running_experiment_is_refused_by_name(client: TestClient) -> None:
    client.post("/api/v1/incidents/I2/experiments", json={"assignment": ROWS})
    refused = client.post(URL, json={"assignment": [*ROWS, *NEXT]})
    assert problem(refused.json()) == (409, "conflict")
    assert "overlap with the running experiment I2-X1: 2 of 3 windows" in refused.json()["detail"]
    assert client.get(URL).json()["items"] == []
    stop = client.post(
        "/api/v1/incidents/I2/experiments/I2-X1/stop", json={"reason": "no"}, headers={"If-Match": "*"}
    )
    assert stop.json()["status"] == "stopped"
    assert client.post(URL, json={"assignment": [*ROWS, *NEXT]}).json()["status"] == "running"


def test_nothing_is_tried_on_a_resolved_incident(client: TestClient) -> None:
    client.post(URL)
    closed = {"status": "resolved", "closed_as": "recovered", "reason": "calm again"}
    client.post(f"{I1}/status", json=closed, headers={"If-Match": "*"})
    for refused in (client.post(URL), client.post(f"{URL}/I1-X1/assignment", json=ROWS)):
        assert problem(refused.json()) == (409, "conflict")
        assert "open it again" in refused.json()["detail"]


def test_a_follow_up_goes_on_from_what_ran(client: TestClient) -> None:
    client.post(URL)
    assert problem(client.post(f"{URL}/I1-X1/follow-up").json()) == (409, "conflict")
    client.post(f"{URL}/I1-X1/assignment", json=ROWS)
    made = client.post(f"{URL}/I1-X1/follow-up", json={"days": 28})
    assert (made.status_code, made.headers["Location"]) == (201, f"{URL}/I1-X2")
    body = made.json()
    assert (body["follows"], body["status"], body["plan"]["days"]) == ("I1-X1", "planned", 28)
    same = client.post(f"{URL}/I1-X1/follow-up").json()
    assert same["plan"] == client.get(f"{URL}/I1-X1").json()["plan"]


def test_pages_go_on_at_the_cursor(client: TestClient) -> None:
    for _ in range(3):
        client.post(URL)
    first = client.get(URL, params={"limit": 2}).json()
    rest = client.get(URL, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == ["I1-X3", "I1-X2", "I1-X1"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("path", ["", "/reading", "/resolution"])
def test_what_is_not_there_is_a_404(client: TestClient, path: str) -> None:
    client.post("/api/v1/incidents/I2/experiments")
    for id_ in ("I1-X1", "I2-X1"):
        assert problem(client.get(f"{URL}/{id_}{path}").json()) == (404, "not_found")


def test_without_a_plan_nothing_starts(settings: Settings) -> None:
    with make_client(settings, FakeWorkbench(plan=False)) as client:
        assert problem(client.post(URL).json())[0] == 404
        client.post(f"{I1}/investigations")
        while client.get(f"{I1}/rca").status_code != 200:
            pass
        assert "led to no experiment plan" in client.post(URL).json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "method"),
    [
        ("plan", {"days": 28}, "PUT"),
        ("roll-out", {"in_force_since": "2026-11-05T00:00Z"}, "POST"),
        ("permanent", None, "POST"),
        ("stop", {"reason": "r"}, "POST"),
    ],
)
def test_changes_say_which_version_they_saw(client: TestClient, path: str, body: object, method: str) -> None:
    client.post(URL)
    without = change(client, f"I1-X1/{path}", body, match=None, method=method)
    assert problem(without.json()) == (428, "precondition_required")
    if path in ("plan", "stop"):
        stale = change(client, f"I1-X1/{path}", body, match='"9"', method=method)
        assert problem(stale.json()) == (412, "precondition_failed")


def test_what_cannot_be_read_yet_says_why(client: TestClient) -> None:
    client.post(URL)
    assert problem(client.get(f"{URL}/I1-X1/reading").json()) == (409, "conflict")
    client.post(f"{URL}/I1-X1/assignment", json=ROWS)
    early = client.get(f"{URL}/I1-X1/reading").json()
    assert (problem(early), early["detail"]) == (
        (422, "unprocessable"),
        "no window has begun; 2 rows are assigned",
    )
    unread = change(client, "I1-X1/permanent").json()
    assert problem(unread) == (409, "not_fixed")
    assert "no experiment has measured the effect" in unread["detail"]
    ahead = client.get(f"{URL}/I1-X1/reading", params={"as_of": "2027-01-01T02:00+02:00"}).json()
    assert "as_of 2027-01-01 00:00 UTC lies ahead of the data" in ahead["detail"]
    naive = client.get(f"{URL}/I1-X1/reading", params={"as_of": "2026-11-05T00:00"}).json()
    assert problem(naive) == (422, "invalid_request")


# --- who may do what


def test_managers_read_and_operators_write(settings: Settings) -> None:
    keys = (
        ApiKey(name="manager", key="manager-key-0123456789", scopes=("incidents:read", "experiments:read")),
        ApiKey(name="operator", key="operator-key-0123456789", scopes=("experiments:read", "experiments:write")),
        ApiKey(name="chief", key="chief-key-0123456789", scopes=("*",)),
    )  # fmt: skip
    manager, operator, chief = (
        {"Authorization": f"Bearer {name}-key-0123456789"} for name in ("manager", "operator", "chief")
    )
    guarded = settings.model_copy(update={"auth_mode": AuthMode.API_KEY, "api_keys": keys})
    with make_client(guarded, FakeWorkbench()) as client:
        investigated(client, headers=chief)
        assert problem(client.post(URL, headers=manager).json()) == (403, "forbidden")
        assert client.post(URL, headers=operator).status_code == 201
        assert client.get(URL, headers=manager).json()["may_change"] is False
        assert client.get(URL, headers=operator).json()["may_change"] is True
        for path in ("assignment", "roll-out", "permanent", "follow-up", "stop"):
            refused = client.post(f"{URL}/I1-X1/{path}", headers=manager)
            assert problem(refused.json()) == (403, "forbidden")


# --- the way through, in a world whose fault was mended


Made = Callable[..., tuple[TestClient, TrialBench]]


@pytest.fixture
def through(settings: Settings) -> Iterator[Made]:
    opened: list[TestClient] = []

    def make(as_of: datetime | None = None) -> tuple[TestClient, TrialBench]:
        bench = TrialBench(settings, as_of=as_of)
        client = make_client(settings, bench).__enter__()
        opened.append(client)
        investigated(client)
        client.post(URL)
        sent = client.post(
            f"{URL}/I1-X1/assignment", content=to_csv(tried().windows), headers={"Content-Type": "text/csv"}
        )
        assert sent.status_code == 200, sent.text
        return client, bench

    yield make
    for client in opened:
        client.__exit__(None, None, None)


def rolled_out(client: TestClient, match: str = "*") -> Any:  # noqa: ANN401  # a response
    return change(client, "I1-X1/roll-out", {"in_force_since": tried().rolled_out.isoformat()}, match=match)


def test_between_looks_nothing_is_decided(through: Made) -> None:
    client, _ = through(tried().day(4))
    read = client.get(f"{URL}/I1-X1/reading").json()
    assert (read["decision"]["action"], read["metrics"][0]["status"], read["lift"]) == (
        "continue",
        "not_read",
        None,
    )
    refused = change(client, "I1-X1/roll-out", {"in_force_since": tried().day(4).isoformat()})
    assert problem(refused.json()) == (409, "conflict")
    assert "the decision is continue: day 4 of 14" in refused.json()["detail"]
    early = change(client, "I1-X1/permanent")
    assert problem(early.json()) == (409, "not_fixed")
    assert [one["where"] for one in early.json()["errors"]] == [
        "full_rollout",
        "inside_band",
        "effect_above_zero",
    ]
    assert client.get(I1).json()["status"] == "monitoring"


def test_from_the_first_window_to_fixed_and_remembered(through: Made, settings: Settings) -> None:
    client, bench = through(tried().day(14))
    ahead = change(client, "I1-X1/roll-out", {"in_force_since": "2027-01-01T00:00Z"})
    assert "lies ahead" in ahead.json()["detail"]
    done = rolled_out(client)
    assert (done.status_code, done.json()["status"]) == (200, "rolled_out")
    assert done.json()["rolled_out_on"]["decision"]["action"] == "stop_and_ship"

    bench.know(tried().rolled_out + timedelta(days=6))
    waiting = change(client, "I1-X1/permanent")
    assert problem(waiting.json()) == (409, "not_fixed")
    assert [one["where"] for one in waiting.json()["errors"]] == ["inside_band"]
    assert "of 7 days in a row" in waiting.json()["errors"][0]["message"]
    assert (bench.memory, client.get(I1).json()["status"]) == ([], "monitoring")

    bench.know(tried().rolled_out + timedelta(days=AFTER - 1))
    assert client.get(f"{URL}/I1-X1/resolution").json()["closed_as"] == "fixed"
    fixed = change(client, "I1-X1/permanent", match=done.headers["ETag"])
    assert (fixed.status_code, fixed.json()["status"]) == (200, "permanent")
    assert fixed.json()["resolution"]["closed_as"] == "fixed"
    incident = client.get(I1).json()
    assert (incident["status"], incident["closed_as"]) == ("resolved", "fixed")
    told = client.get(f"{I1}/history").json()["changes"][-1]
    assert told["kind"] == "closed"
    assert told["reason"].startswith("experiment I1-X1: CX index +3.6 points (+2.6 points to +4.7 points); ")

    (kept,) = open_store(settings.knowledge_dir).memory.recall("evening orders late")
    assert (kept.incident, kept.closed_as, kept.cause.value) == ("I1", "fixed", "batching_policy")
    assert kept.effect_pp == pytest.approx(100 * done.json()["rolled_out_on"]["metrics"][0]["effect"])
    assert "CX index +3.6 points" in kept.summary
    again = change(client, "I1-X1/permanent")
    assert (again.json()["version"], len(open_store(settings.knowledge_dir).memory)) == (
        fixed.json()["version"],
        1,
    )


def test_an_incident_that_went_away_meanwhile_is_told_as_fixed(through: Made) -> None:
    client, bench = through(tried().day(14))
    rolled_out(client)
    closed = {"status": "resolved", "closed_as": "recovered", "reason": "calm", "cause": "policy_change"}
    client.post(f"{I1}/status", json=closed, headers={"If-Match": "*"})
    bench.know(tried().dataset.as_of)
    assert change(client, "I1-X1/permanent").json()["status"] == "permanent"
    incident = client.get(I1).json()
    assert (incident["closed_as"], incident["cause"]) == ("fixed", "policy_change")
    assert [one.cause.value for one in bench.memory] == ["policy_change"]


def test_a_judgement_of_people_stands(through: Made) -> None:
    client, bench = through(tried().day(14))
    rolled_out(client)
    closed = {"status": "resolved", "closed_as": "false_alarm", "reason": "a load test"}
    client.post(f"{I1}/status", json=closed, headers={"If-Match": "*"})
    bench.know(tried().dataset.as_of)
    refused = change(client, "I1-X1/permanent")
    assert problem(refused.json()) == (409, "conflict")
    assert "closed as false_alarm" in refused.json()["detail"]
    assert client.get(f"{URL}/I1-X1").json()["status"] == "rolled_out"
    assert bench.memory == []


def test_what_was_closed_and_not_remembered_is_remembered_by_the_next_start(
    through: Made, settings: Settings
) -> None:
    client, bench = through(tried().day(14))
    rolled_out(client)
    bench.know(tried().dataset.as_of)
    change(client, "I1-X1/permanent")
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE experiment SET remembered = false"))
    engine.dispose()
    again = TrialBench(settings)
    with make_client(settings, again) as restarted:
        services = restarted.app.state.services  # type: ignore[attr-defined]
        while services.experiments.store.unremembered():
            pass
    assert [one.incident for one in again.memory] == ["I1"]
