from rich.console import Console

from agents.report import ChallengeEntry
from server.cli import tables
from server.documents import report_markdown
from tests.server.fakes import make_incident, make_report
from tools.recommendations import Effect, Models

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


def test_both_answers_stand_beside_the_effect() -> None:
    answer = Effect(estimate=18.9, low=16.2, high=21.7, unit="score")
    models = Models(g_computation=answer, dispatch_simulator=answer, reason="replays are within tolerance")
    first = REPORT.recommendations[0].model_copy(update={"models": models})
    told = report_markdown(REPORT.model_copy(update={"recommendations": (first,)}))
    assert "By comparing orders +18.9 points, by simulating dispatch +18.9 points (replays are" in told
    console = Console(width=200)
    with console.capture() as capture:
        console.print(tables._recommendations((first,), ("on_time",)))
    assert "simulating" in capture.get()


def test_the_terminal_shows_the_same() -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(tables._challenge(ENTRIES))
    text = capture.get()
    for part in ("What the challenge tried", "placebo dates", "survived", "failed", "not testable", "[E2]"):
        assert part in text
