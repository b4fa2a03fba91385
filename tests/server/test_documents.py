from rich.console import Console

from agents.report import ChallengeEntry
from server.cli import tables
from server.documents import report_markdown
from tests.server.fakes import make_incident, make_report

ENTRIES = (
    ChallengeEntry(name="placebo dates", passed=True, text="Nothing as strong.", evidence="E2"),
    ChallengeEntry(name="leave one out", passed=False, text="It does not | hold.", evidence="E2"),
    ChallengeEntry(name="best rival", passed=None, text="Could not be tried.", evidence="E2"),
)
REPORT = make_report(make_incident()).model_copy(update={"challenge": ENTRIES})


def test_the_document_says_what_survived_and_what_did_not() -> None:
    text = report_markdown(REPORT)
    assert "## What the challenge tried" in text
    assert "| placebo dates | survived | Nothing as strong. | E2 |" in text
    assert "| leave one out | failed | It does not \\| hold. | E2 |" in text
    assert "| best rival | not testable | Could not be tried. | E2 |" in text


def test_a_report_without_a_challenge_has_no_such_section() -> None:
    assert "challenge" not in report_markdown(make_report(make_incident()))


def test_the_terminal_shows_the_same() -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(tables._challenge(ENTRIES))
    text = capture.get()
    for part in ("What the challenge tried", "placebo dates", "survived", "failed", "not testable", "[E2]"):
        assert part in text
