"""The page in a real browser: an experiment as people see it, from its plan to fixed."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from server.app import create_app
from server.assignments import to_csv
from server.settings import ApiKey, AuthMode, Settings
from tests.server import browser
from tests.server.fakes import FakeWorkbench, clock
from tests.server.trials import AFTER, TrialBench, tried

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.PROGRAM is None, reason="Chromium is not installed"),
]
EXPERIMENTS = "/api/v1/incidents/I1/experiments"
PICTURES = os.environ.get("CX_TEST_PICTURES")
"""A folder; how the page looked is kept there."""


@pytest.fixture
def page() -> Iterator[browser.Page]:
    with browser.browser() as page:
        yield page
        assert page.errors == []


def keep(page: browser.Page, name: str) -> None:
    if PICTURES:
        page.picture(Path(PICTURES) / f"{name}.png")


def investigate(client: httpx.Client) -> None:
    while client.get("/readyz").json()["detection"] != "done":
        pass
    client.post("/api/v1/incidents/I1/investigations")
    while client.get("/api/v1/incidents/I1/experiment-plan").status_code != 200:
        pass


def assign(client: httpx.Client) -> None:
    sent = client.post(
        f"{EXPERIMENTS}/I1-X1/assignment",
        content=to_csv(tried().windows),
        headers={"Content-Type": "text/csv"},
    )
    assert sent.status_code == 200, sent.text


def test_an_experiment_from_its_plan_to_fixed(settings: Settings, page: browser.Page) -> None:
    bench = TrialBench(settings, as_of=tried().day(4))
    app = create_app(settings, workbench=bench, clock=clock)
    with browser.served(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        investigate(client)
        page.open(url)
        page.wait_for("Nothing is being tried yet.")
        page.click("Start from the plan")
        page.wait_for("Not begun")
        assert {"Adjust plan", "Add assignment", "Stop"} <= set(page.buttons())

        assign(client)
        page.open("about:blank")
        page.open(url)
        said = page.wait_for("Read as of")
        assert "CONTINUE day 4 of 14" in said
        assert "Healthy: " in said
        assert "not read until day 14; today is day 4" in said
        assert {"Make permanent", "Create follow-up"} <= set(page.buttons())
        assert "Adjust plan" not in page.buttons()
        keep(page, "running")
        page.click("Make permanent")
        page.wait_for("the action is not in force for all orders yet")

        bench.know(tried().day(14))
        page.open("about:blank")
        page.open(url)
        said = page.wait_for("Read as of")
        assert "STOP AND SHIP" in said
        assert page.value("document.querySelectorAll('svg.bar').length") >= 3
        keep(page, "ships")
        page.click("Make permanent")
        page.value(
            "document.querySelector('input[type=datetime-local]').value = "
            f"'{tried().rolled_out:%Y-%m-%dT%H:%M}'"
        )
        page.click("It is in force")
        page.wait_for("Not fixed yet")

        bench.know(tried().rolled_out + timedelta(days=6))
        page.click("Make permanent")
        page.wait_for("I1 is not fixed: ")
        failing = page.value(
            "[...document.querySelectorAll('h4 ~ ul li')].map((one) => one.innerText)"
            ".filter((text) => text.startsWith('✗')).map((text) => text.slice(2))"
        )
        refused = page.value("document.querySelector('[role=alert]').innerText")
        assert failing
        assert all(text in refused for text in failing), "the conditions shown are older than the refusal"
        keep(page, "not-fixed")
        bench.know(tried().rolled_out + timedelta(days=AFTER - 1))
        page.click("Make permanent")
        said = page.wait_for("resolved as fixed")
        assert "In force for all orders since" in page.wait_for("Fixed")
        keep(page, "fixed")


def test_a_plan_is_adjusted_and_followed_up(settings: Settings, page: browser.Page) -> None:
    app = create_app(settings, workbench=FakeWorkbench(), clock=clock)
    rows = [
        {"window_start": "2026-11-06T00:00Z", "arm": "control"},
        {"window_start": "2026-11-06T02:00Z", "arm": "treatment"},
    ]
    with browser.served(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        investigate(client)
        client.post(EXPERIMENTS)
        page.open(url)
        page.wait_for("switchback, 7 days")
        page.click("Adjust plan")
        page.value("document.querySelector('input[name=days]').value = '21'")
        page.click("Plan it")
        page.wait_for("switchback, 21 days")

        client.post(f"{EXPERIMENTS}/I1-X1/assignment", json=rows)
        page.open("about:blank")
        page.open(url)
        page.wait_for("no window has begun; 2 rows are assigned")
        page.click("Create follow-up")
        page.value("document.querySelector('input[name=days]').value = '28'")
        page.click("Plan it")
        said = page.wait_for("Goes on from I1-X1.")
        assert "switchback, 28 days" in said
        page.click("I1-X1 (running)")
        page.wait_for("switchback, 21 days")
        page.click("Stop")
        page.value("document.querySelector('input[maxlength]').value = 'not worth it'")
        page.click("Stop it")
        page.wait_for("I1-X1 (stopped)")


def test_who_may_only_read_sees_no_buttons(settings: Settings, page: browser.Page) -> None:
    keys = (
        ApiKey(
            name="manager",
            key="manager-key-0123456789",
            scopes=("incidents:read", "experiments:read", "runs:read"),
        ),
        ApiKey(name="chief", key="chief-key-0123456789", scopes=("*",)),
    )
    guarded = settings.model_copy(update={"auth_mode": AuthMode.API_KEY, "api_keys": keys})
    app = create_app(guarded, workbench=TrialBench(guarded, as_of=tried().day(4)), clock=clock)
    chief = {"Authorization": "Bearer chief-key-0123456789"}
    with browser.served(app) as url, httpx.Client(base_url=url, timeout=60, headers=chief) as client:
        investigate(client)
        client.post(EXPERIMENTS)
        assign(client)
        page.open(url)
        page.wait_for("API key")
        page.value("sessionStorage.setItem('cx-key', 'manager-key-0123456789')")
        page.open(f"{url}/#I1")
        page.value("location.reload()")
        page.wait_for("Read as of")
        assert not {"Make permanent", "Create follow-up", "Add assignment", "Stop"} & set(page.buttons())
