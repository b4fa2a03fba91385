from pathlib import Path

from tools.hypotheses.documentation import documentation

PAGE = Path(__file__).parents[3] / "docs" / "hypotheses.md"


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == documentation(), (
        "run: python -m tools.hypotheses.documentation > docs/hypotheses.md"
    )
