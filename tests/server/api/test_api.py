import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from data.errors import DataError
from server.app import create_app
from server.settings import ApiKey, AuthMode, Settings
from tests.server.fakes import FakeWorkbench, clock, make_incident, problem
from tools.incidents import DetectionReport, Incident

API = "/api/v1"
OPEN = {"/livez", "/readyz"}
"""Routes that anybody may call: they say nothing but whether the service works."""


def wait_for(client: TestClient, path: str, field: str, value: str) -> dict[str, Any]:
    from time import monotonic, sleep

    deadline = monotonic() + 10
    while monotonic() < deadline:
        body: dict[str, Any] = client.get(path).json()
        if body[field] == value:
            return body
        sleep(0.01)
    raise AssertionError(f"{path}: {body}")


def make_client(settings: Settings, bench: FakeWorkbench | None = None) -> TestClient:
    app = create_app(settings, workbench=bench or FakeWorkbench(), clock=clock)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with make_client(settings) as client:
        wait_for(client, "/readyz", "detection", "done")
        yield client


@pytest.fixture
def finished(client: TestClient) -> str:
    run = client.post(f"{API}/incidents/I1/investigations").json()["run"]
    wait_for(client, f"{API}/runs/{run['id']}", "status", "finished")
    return str(run["id"])


def test_health(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {
        "status": "ready",
        "database": True,
        "detection": "done",
        "detail": "1 incidents as of 2026-11-05 12:00 UTC",
    }


def test_not_ready_without_a_database(client: TestClient) -> None:
    from sqlalchemy import text

    with client.app.state.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(text("DELETE FROM alembic_version"))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "not_ready"


def test_incidents_are_listed_and_shown(client: TestClient) -> None:
    page = client.get(f"{API}/incidents").json()
    assert [item["id"] for item in page["items"]] == ["I1"]
    assert (page["next_cursor"], page["detection"]) == (None, "done")
    one = client.get(f"{API}/incidents/I1").json()
    assert one == page["items"][0]
    assert one["incident"]["slice"]["hour"] == {"from": 18, "to": 20}
    assert one["latest_run"] is None


def test_pages_go_on_at_the_cursor(settings: Settings) -> None:
    bench = FakeWorkbench(*(make_incident(f"I{n}", days=n) for n in range(3)))
    with make_client(settings, bench) as client:
        wait_for(client, "/readyz", "detection", "done")
        first = client.get(f"{API}/incidents", params={"limit": 2}).json()
        second = client.get(f"{API}/incidents", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [i["id"] for i in first["items"] + second["items"]] == ["I0", "I1", "I2"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "%%%", "bm9uc2Vuc2U", "WzEsMl0", "e30"])
def test_a_foreign_cursor_is_refused(client: TestClient, cursor: str) -> None:
    response = client.get(f"{API}/incidents", params={"cursor": cursor})
    assert problem(response.json()) == (422, "unprocessable")


def test_an_investigation_from_start_to_plan(client: TestClient, finished: str) -> None:
    base = f"{API}/incidents/I1"
    cause = client.get(f"{base}/rca").json()
    assert cause["run_id"] == finished
    assert (cause["verdict"], cause["findings"][0]["hypothesis"]) == ("confirmed", "batching_policy")
    assert set(cause["evidence"]) == {"E1", "E2"}
    advice = client.get(f"{base}/recommendations").json()
    assert advice["recommendations"][0]["action"] == "restore_threshold"
    assert set(advice["evidence"]) == {"E1"}
    plan = client.get(f"{base}/experiment-plan")
    assert plan.json()["experiment_plan"]["unit"] == "switchback"
    for response in (
        client.get(f"{base}/experiment-plan", headers={"Accept": "text/markdown"}),
        client.get(f"{base}/experiment-plan", params={"format": "markdown"}),
    ):
        assert response.headers["Content-Type"].startswith("text/markdown")
        assert response.text.startswith("# Plan\n")
    assert client.get(base).json()["latest_run"]["status"] == "finished"


def test_a_report_of_an_earlier_version_is_named_as_such(
    client: TestClient, finished: str, settings: Settings
) -> None:
    """Documents are kept for years; one whose shape has changed since is no fault of the server."""
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        changed = connection.execute(
            text("UPDATE report SET document = '{}' WHERE run_id = :run"), {"run": finished}
        )
        assert changed.rowcount == 1
    engine.dispose()
    response = client.get(f"{API}/incidents/I1/rca")
    assert problem(response.json()) == (404, "not_found")
    assert "earlier version" in response.json()["detail"]


def test_starting_answers_with_the_place_of_the_run(client: TestClient) -> None:
    response = client.post(f"{API}/incidents/I1/investigations")
    assert response.status_code == 202
    assert response.headers["Location"] == f"{API}/runs/I1-1"
    assert response.json()["run"]["events"] == f"{API}/runs/I1-1/events"


def test_an_idempotency_key_starts_one_run(settings: Settings) -> None:
    bench = FakeWorkbench(make_incident("I1"), make_incident("I2"))
    with make_client(settings, bench) as client:
        wait_for(client, "/readyz", "detection", "done")
        headers = {"Idempotency-Key": "abc"}
        runs = [
            client.post(f"{API}/incidents/I1/investigations", headers=headers).json()["run"]["id"]
            for _ in range(2)
        ]
        assert runs == ["I1-1", "I1-1"]
        other = client.post(f"{API}/incidents/I2/investigations", headers=headers)
        assert problem(other.json()) == (422, "unprocessable")


def test_events_stream_and_replay(client: TestClient, finished: str) -> None:
    url = f"{API}/runs/{finished}/events"
    whole = client.get(url)
    assert whole.headers["Content-Type"].startswith("text/event-stream")
    assert whole.headers["X-Run-Id"] == finished
    frames = whole.text.removesuffix("\n\n").split("\n\n")
    assert json.loads(frames[0].split("data: ")[1])["type"] == "RUN_STARTED"
    assert json.loads(frames[-1].split("data: ")[1])["type"] == "RUN_FINISHED"
    tail = client.get(url, headers={"Last-Event-ID": "3"}).text
    assert tail == "".join(f"{frame}\n\n" for frame in frames[3:])
    assert client.get(url, params={"after": 3}).text == tail
    over = client.get(url, params={"after": len(frames)})
    assert (over.status_code, over.content) == (204, b"")


def test_events_can_be_polled(client: TestClient, finished: str) -> None:
    url = f"{API}/runs/{finished}/events.json"
    first = client.get(url, params={"limit": 2}).json()
    assert ([e["type"] for e in first["events"]], first["last"]) == (["RUN_STARTED", "STEP_STARTED"], 2)
    assert not first["finished"]
    rest = client.get(url, params={"after": 2}).json()
    assert rest["finished"]
    end = client.get(url, params={"after": rest["last"]}).json()
    assert (end["events"], end["last"], end["finished"]) == ([], rest["last"], True)


@pytest.mark.parametrize("place", ["x", "-1", "1.5", "²"])
def test_a_foreign_last_event_id_is_refused(client: TestClient, finished: str, place: str) -> None:
    response = client.get(
        f"{API}/runs/{finished}/events", headers={b"Last-Event-ID": place.encode("latin-1")}
    )
    assert problem(response.json()) == (422, "unprocessable")


@pytest.mark.parametrize(
    "path",
    [
        "/incidents/nope",
        "/incidents/nope/rca",
        "/incidents/nope/recommendations",
        "/incidents/nope/experiment-plan",
        "/runs/nope",
        "/runs/nope/events",
        "/runs/nope/events.json",
        "/incidents/I1/rca",
        "/incidents/I1/recommendations",
        "/incidents/I1/experiment-plan",
    ],
)
def test_what_is_not_there_is_a_404(client: TestClient, path: str) -> None:
    response = client.get(API + path)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem(response.json()) == (404, "not_found")


def test_starting_for_an_unknown_incident_is_a_404(client: TestClient) -> None:
    assert problem(client.post(f"{API}/incidents/nope/investigations").json()) == (404, "not_found")


def test_an_investigation_without_a_plan(settings: Settings) -> None:
    with make_client(settings, FakeWorkbench(plan=False)) as client:
        wait_for(client, "/readyz", "detection", "done")
        client.post(f"{API}/incidents/I1/investigations")
        wait_for(client, f"{API}/runs/I1-1", "status", "finished")
        response = client.get(f"{API}/incidents/I1/experiment-plan")
        assert problem(response.json()) == (404, "not_found")


def test_problems_for_unknown_paths_methods_and_values(client: TestClient) -> None:
    assert problem(client.get(f"{API}/nope").json()) == (404, "not_found")
    assert problem(client.delete(f"{API}/incidents").json()) == (405, "method_not_allowed")
    invalid = client.get(f"{API}/incidents", params={"limit": 0}).json()
    assert problem(invalid) == (422, "invalid_request")
    assert invalid["errors"] == [
        {"where": "query.limit", "message": "Input should be greater than or equal to 1"}
    ]


def test_a_bug_shows_nothing_of_itself(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(client.app.state.services.repository, "incidents", fail)  # type: ignore[attr-defined]
    response = client.get(f"{API}/incidents")
    assert problem(response.json()) == (500, "internal")
    assert "secret" not in response.text


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (DataError("no data yet"), "no data yet"),
        (ZeroDivisionError("x"), "internal error: ZeroDivisionError"),
    ],
)
def test_failed_detection_is_told(settings: Settings, error: Exception, detail: str) -> None:
    class Broken(FakeWorkbench):
        def detect(self, history: Sequence[Incident]) -> DetectionReport:
            raise error

    with make_client(settings, Broken()) as client:
        body = wait_for(client, "/readyz", "detection", "failed")
        assert (body["status"], body["detail"]) == ("ready", detail)
        assert client.get(f"{API}/incidents").json()["detection"] == "failed"


def test_a_run_is_resumed_at_start(settings: Settings) -> None:
    import asyncio

    with make_client(settings, FakeWorkbench(gate=asyncio.Event())) as client:
        wait_for(client, "/readyz", "detection", "done")
        client.post(f"{API}/incidents/I1/investigations")
        wait_for(client, f"{API}/runs/I1-1", "status", "running")
    with make_client(settings) as client:
        body = wait_for(client, f"{API}/runs/I1-1", "status", "finished")
        assert body["attempts"] == 2


def test_the_same_data_are_searched_once(settings: Settings) -> None:
    bench = FakeWorkbench()
    for _ in range(2):
        with make_client(settings, bench) as client:
            wait_for(client, "/readyz", "detection", "done")
            assert len(client.get(f"{API}/incidents").json()["items"]) == 1
    assert bench.searches == 1


# --- who may do what


def operations(client: TestClient) -> list[tuple[str, str]]:
    """Every method and path of the API, filled in with an id that does not exist."""
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    return [
        (method.upper(), re.sub(r"{\w+}", "nope", path))
        for path, methods in paths.items()
        for method in methods
    ]


def test_every_route_needs_a_key_and_a_scope(keyed: TestClient) -> None:
    walked = operations(keyed)
    assert len(walked) >= 10
    for method, path in walked:
        unknown = keyed.request(method, path)
        powerless = keyed.request(method, path, headers=bearer("powerless-key-0123456789"))
        if path in OPEN:
            assert unknown.status_code == 200
        else:
            assert (unknown.status_code, powerless.status_code) == (401, 403), (method, path)


@pytest.fixture
def keyed(settings: Settings) -> Iterator[TestClient]:
    keys = (
        ApiKey(name="reader", key="reader-key-0123456789", scopes=("incidents:read",)),
        ApiKey(name="powerless", key="powerless-key-0123456789", scopes=()),
        ApiKey(name="chief", key="chief-key-0123456789", scopes=("*",)),
    )
    chosen = settings.model_copy(update={"auth_mode": AuthMode.API_KEY, "api_keys": keys})
    with make_client(chosen) as client:
        wait_for(client, "/readyz", "detection", "done")
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    "headers", [{}, bearer("wrong-key-0123456789"), {"Authorization": "Basic x"}, bearer("")]
)
def test_without_a_known_key_nothing_is_shown(keyed: TestClient, headers: dict[str, str]) -> None:
    response = keyed.get(f"{API}/incidents", headers=headers)
    assert problem(response.json()) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_opens_what_its_scopes_say(keyed: TestClient) -> None:
    reader, chief = bearer("reader-key-0123456789"), bearer("chief-key-0123456789")
    assert keyed.get(f"{API}/incidents", headers=reader).status_code == 200
    refused = keyed.post(f"{API}/incidents/I1/investigations", headers=reader)
    assert problem(refused.json()) == (403, "forbidden")
    assert keyed.post(f"{API}/incidents/I1/investigations", headers=chief).status_code == 202


def test_another_sites_page_cannot_start_work(client: TestClient) -> None:
    path = f"{API}/incidents/I1/investigations"
    assert problem(client.post(path, headers={"Origin": "https://evil.example"}).json())[0] == 403
    assert client.post(path, headers={"Origin": "http://127.0.0.1"}).status_code == 202


def test_another_name_for_this_machine_is_refused(client: TestClient) -> None:
    assert client.get(f"{API}/incidents", headers={"Host": "evil.example"}).status_code == 400


def test_too_many_streams_are_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_client(settings.model_copy(update={"max_streams": 1})) as client:
        wait_for(client, "/readyz", "detection", "done")
        client.post(f"{API}/incidents/I1/investigations")
        with client.app.state.services.streams.place():  # type: ignore[attr-defined]
            response = client.get(f"{API}/runs/I1-1/events")
    assert problem(response.json()) == (429, "too_many")
    assert response.headers["Retry-After"] == "5"


# --- the page


def test_the_page_is_served_with_its_parts(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    scripts = ("page.js", "api.js", "dom.js", "run.js", "experiment.js", "reading.js", "interval.js")
    for part in (*scripts, "page.css", "icon.svg"):
        assert client.get(f"/{part}").status_code == 200
    assert "://" not in page.text.replace("http://www.w3.org", "")


def test_openapi_is_served(client: TestClient) -> None:
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    assert f"{API}/incidents/{{incident_id}}/investigations" in paths
