from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.settings import ApiKey, AuthMode, Settings
from tests.server.fakes import FakeWorkbench, clock, problem

URL = "/api/v1/incidents/I1"
READER, OPERATOR = "reader-key-0123456789", "operator-key-0123456789"


def make_client(settings: Settings) -> TestClient:
    app = create_app(settings, workbench=FakeWorkbench(), clock=clock)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def wait(client: TestClient) -> None:
    while client.get("/readyz").json()["detection"] != "done":
        pass


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with make_client(settings) as client:
        wait(client)
        yield client


def change(client: TestClient, match: str | None = "*", **body: Any) -> Any:  # noqa: ANN401  # a response
    headers = {} if match is None else {"If-Match": match}
    return client.post(f"{URL}/status", json=body, headers=headers)


def test_an_incident_is_moved_on_and_resolved(client: TestClient) -> None:
    tag = client.get(URL).headers["ETag"]
    first = change(client, tag, status="investigating")
    assert (first.status_code, first.json()["status"], first.headers["ETag"]) == (200, "investigating", '"2"')
    done = change(client, '"2"', status="resolved", closed_as="false_alarm", reason="a load test")
    assert (done.json()["closed_as"], done.json()["closed_at"]) == ("false_alarm", "2026-11-05T12:00:00Z")
    history = client.get(f"{URL}/history").json()
    assert [c["kind"] for c in history["changes"]] == ["opened", "moved", "closed"]
    assert (history["changes"][-1]["actor"], history["changes"][-1]["reason"]) == ("local", "a load test")


@pytest.mark.parametrize(
    ("match", "body", "expected"),
    [
        (None, {"status": "investigating"}, (428, "precondition_required")),
        ('"7"', {"status": "investigating"}, (412, "precondition_failed")),
        ("W/x", {"status": "investigating"}, (412, "precondition_failed")),
        ("*", {"status": "new"}, (409, "conflict")),
        ("*", {"status": "resolved", "closed_as": "recovered"}, (422, "unprocessable")),
        ("*", {"status": "resolved", "closed_as": "fixed", "reason": "rolled back"}, (422, "unprocessable")),
        (
            "*",
            {"status": "resolved", "closed_as": "merged", "merged_into": "I9", "reason": "a part"},
            (422, "unprocessable"),
        ),
        ("*", {"status": "investigating", "cause": "other"}, (422, "unprocessable")),
        (
            "*",
            {"status": "resolved", "closed_as": "false_alarm", "reason": "r", "cause": "other"},
            (422, "unprocessable"),
        ),
        (
            "*",
            {"status": "resolved", "closed_as": "recovered", "reason": "r", "cause": "normal_variance"},
            (422, "invalid_request"),
        ),
        ("*", {"status": "gone"}, (422, "invalid_request")),
        ("*", {"status": "investigating", "owner": "me"}, (422, "invalid_request")),
        ("*", {"status": "investigating", "reason": "x" * 1001}, (422, "invalid_request")),
    ],
)
def test_refusals_say_why(
    client: TestClient, match: str | None, body: dict[str, str], expected: tuple[int, str]
) -> None:
    assert problem(change(client, match, **body).json()) == expected
    assert client.get(URL).json()["version"] == 1


def state(client: TestClient, match: str | None = "*", **body: Any) -> Any:  # noqa: ANN401  # a response
    headers = {} if match is None else {"If-Match": match}
    return client.put(f"{URL}/cause", json=body, headers=headers)


def test_a_cause_is_stated_with_the_close_and_corrected_later(client: TestClient) -> None:
    assert client.get(URL).json()["cause"] is None
    closed = change(
        client, status="resolved", closed_as="recovered", reason="calm again", cause="merchant_prep"
    )
    assert (closed.status_code, closed.json()["cause"]) == (200, "merchant_prep")
    corrected = state(client, closed.headers["ETag"], cause="other", reason="a power cut")
    assert (corrected.status_code, corrected.json()["cause"], corrected.headers["ETag"]) == (
        200,
        "other",
        '"3"',
    )
    told = client.get(f"{URL}/history").json()["changes"]
    assert [(c["kind"], c["cause"], c["reason"]) for c in told[1:]] == [
        ("closed", "merchant_prep", "calm again"),
        ("explained", "other", "a power cut"),
    ]


@pytest.mark.parametrize(
    ("match", "body", "expected"),
    [
        (None, {"cause": "other"}, (428, "precondition_required")),
        ('"1"', {"cause": "other"}, (412, "precondition_failed")),
        ("*", {"cause": "other"}, (422, "unprocessable")),
        ("*", {"cause": "the weather"}, (422, "invalid_request")),
        ("*", {}, (422, "invalid_request")),
        ("*", {"cause": "none", "reason": "x" * 1001}, (422, "invalid_request")),
        ("*", {"cause": "none", "by": "me"}, (422, "invalid_request")),
    ],
)
def test_a_cause_that_does_not_fit_is_refused(
    client: TestClient, match: str | None, body: dict[str, str], expected: tuple[int, str]
) -> None:
    change(client, status="resolved", closed_as="false_alarm", reason="a load test")
    assert problem(state(client, match, **body).json()) == expected
    assert (client.get(URL).json()["version"], client.get(URL).json()["cause"]) == (2, "none")


def test_the_cause_of_an_open_incident_is_a_conflict(client: TestClient) -> None:
    assert problem(state(client, cause="other").json()) == (409, "conflict")


def test_an_unknown_incident_is_a_404(client: TestClient) -> None:
    body = {"status": "investigating"}
    response = client.post("/api/v1/incidents/I9/status", json=body, headers={"If-Match": "*"})
    assert problem(response.json()) == (404, "not_found")
    assert problem(client.get("/api/v1/incidents/I9/history").json()) == (404, "not_found")
    stated = client.put("/api/v1/incidents/I9/cause", json={"cause": "none"}, headers={"If-Match": "*"})
    assert problem(stated.json()) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("open=true", 1),
        ("open=false", 0),
        ("status=new&status=resolved", 1),
        ("status=resolved", 0),
        ("severity=high&kind=cx", 1),
        ("kind=data_quality", 0),
    ],
)
def test_the_list_is_filtered(client: TestClient, query: str, found: int) -> None:
    assert len(client.get(f"/api/v1/incidents?{query}").json()["items"]) == found


@pytest.mark.parametrize("query", ["status=x", "severity=awful", "kind=other", "open=perhaps"])
def test_unknown_filters_are_refused(client: TestClient, query: str) -> None:
    assert problem(client.get(f"/api/v1/incidents?{query}").json()) == (422, "invalid_request")


def test_changing_needs_its_own_scope(settings: Settings) -> None:
    keys = [
        ApiKey(name="reader", key=READER, scopes=("incidents:read",)),
        ApiKey(name="operator", key=OPERATOR, scopes=("incidents:write",)),
    ]
    guarded = settings.model_copy(update={"auth_mode": AuthMode.API_KEY, "api_keys": tuple(keys)})
    with make_client(guarded) as client:
        wait(client)
        headers = {"If-Match": "*", "Authorization": f"Bearer {READER}"}
        refused = client.post(f"{URL}/status", json={"status": "investigating"}, headers=headers)
        assert problem(refused.json()) == (403, "forbidden")
        stated = client.put(f"{URL}/cause", json={"cause": "none"}, headers=headers)
        assert problem(stated.json()) == (403, "forbidden")
        headers["Authorization"] = f"Bearer {OPERATOR}"
        assert client.post(f"{URL}/status", json={"status": "investigating"}, headers=headers).is_success
        headers["Authorization"] = f"Bearer {READER}"
        told = client.get(f"{URL}/history", headers=headers).json()["changes"]
        assert told[-1]["actor"] == "operator"
