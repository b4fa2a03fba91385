"""What the challenge tried, in sentences: code writes them, and puts the numbers in from the evidence."""

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any, Final

from agents import facts
from agents.grounding import render_text
from agents.report import ChallengeEntry
from tools.evidence import Evidence

CHECKS: Final = ("dates", "slices", "parts", "rival")
"""Fields of the result, in the order in which they are told."""

_SENTENCES: Final = {
    ("dates", True): (
        "In {{<id>.dates.n_tested}} earlier windows of the same length the same test found nothing as strong: at most "
        "{{<id>.dates.z_strongest}} standard errors, beside {{<id>.z}} in the incident."
    ),
    ("dates", False): (
        "In {{<id>.dates.n_as_strong}} of {{<id>.dates.n_tested}} earlier windows, in which nothing was wrong, the same "
        "test found as much."
    ),
    ("slices", True): (
        "In {{<id>.slices.n_tested}} like slices outside of the incident, at the same time, the same test found nothing "
        "as strong: at most {{<id>.slices.z_strongest}} standard errors."
    ),
    ("slices", False): (
        "In {{<id>.slices.n_as_strong}} of {{<id>.slices.n_tested}} like slices outside of the incident, at the same "
        "time, the same test found as much: it is not special to this slice."
    ),
    ("parts", True): (
        "With each {{<id>.parts.part}} left out in turn ({{<id>.parts.n_left_out}} of them), its share of the worsening "
        "stays between {{<id>.parts.smallest_share}} and {{<id>.parts.largest_share}}."
    ),
    ("parts", False): (
        "With each {{<id>.parts.part}} left out in turn ({{<id>.parts.n_left_out}} of them), its share of the worsening "
        "does not hold: {{<id>.parts.smallest_share}} to {{<id>.parts.largest_share}}."
    ),
    ("rival", True): (
        "The rival that accounts for most is {{<id>.rival.rival}}, with {{<id>.rival.rival_share}} beside "
        "{{<id>.rival.leader_share}}."
    ),
    ("rival", False): (
        "A rival accounts for as much: {{<id>.rival.rival}}, with {{<id>.rival.rival_share}} beside "
        "{{<id>.rival.leader_share}}."
    ),
}
_UNTRIED: Final = "Could not be tried: {{<id>.<check>.reason}}."


def entries(evidence: Iterable[Evidence], zone: tzinfo) -> tuple[ChallengeEntry, ...]:
    """Every check of every challenge among the evidence.

    Args:
        evidence: of the investigation.
        zone: the clock on which it is told.
    """
    return tuple(
        _entry(item, check, facts.of_evidence(item, zone))
        for item in evidence
        if item.tool == "challenge"
        for check in CHECKS
    )


def _entry(evidence: Evidence, check: str, known: dict[str, str]) -> ChallengeEntry:
    found: dict[str, Any] = evidence.result[check]
    text = _SENTENCES.get((check, found["passed"]), _UNTRIED)
    text = text.replace("<id>", evidence.id).replace("<check>", check)
    return ChallengeEntry(
        name=found["name"], passed=found["passed"], text=render_text(text, known), evidence=evidence.id
    )
