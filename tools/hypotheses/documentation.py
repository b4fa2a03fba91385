"""The hypothesis library as Markdown, for `docs/hypotheses.md`: `python -m tools.hypotheses.documentation`."""

import sys
from collections.abc import Iterator

from tools.hypotheses import HYPOTHESES, Hypothesis


def documentation() -> str:
    """The page; a test keeps the committed one current."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Hypotheses"
    yield ""
    yield "Generated from `tools/hypotheses/`; a test keeps it current. A hypothesis is data in a file of its own and a"
    yield "line in `tools/hypotheses/__init__.py`. Its fixed battery of tool calls is all that its confidence rests on;"
    yield "what a specialist asks beyond it can enter the story, never the confidence."
    yield ""
    yield "Two numbers are reported: `p_primary`, the chance to be *the* cause (all causes, nothing but ordinary"
    yield "variation, and something untested sum to one), and `p_contributes`, the chance to matter at all."
    yield "A finding is `confirmed` from `p_primary` .80 if it survived the attempt to break it, `likely` from .50,"
    yield "`ruled_out` up to `p_contributes` .10 where the tests had the power to see it, `not_testable` where a named"
    yield "column is absent, and `inconclusive` otherwise."
    yield ""
    yield "| hypothesis | tested by | moves first | shows | needs |"
    yield "| --- | --- | --- | --- | --- |"
    for item in HYPOTHESES.values():
        needs = ", ".join(f"`{name}`" for name in item.needs) or "nothing"
        driver = f"`{item.driver}`" if item.driver else "-"
        yield f"| [`{item.id.value}`](#{item.id.value}) | {item.specialist} | {driver} | {item.expected_lag} | {needs} |"
    for item in HYPOTHESES.values():
        yield from _section(item)


def _section(item: Hypothesis) -> Iterator[str]:
    yield ""
    yield f"## {item.id.value}"
    yield ""
    yield item.claim
    yield ""
    yield f"- For: {'; '.join(item.supports)}"
    yield f"- Against: {'; '.join(item.refutes)}"
    yield f"- Battery: {', '.join(f'`{call.tool}`' for call in item.battery)}"
    if item.upstream:
        causes = ", ".join(f"`{cause.value}`" for cause in item.upstream)
        yield f"- Its driver also moves as a consequence of {causes}: then it is reported as their mediator"
    yield f"- Would settle it: {item.one_more_datum}"


if __name__ == "__main__":
    sys.stdout.write(documentation())
