"""What prose may say: every number, time and name comes from evidence, every causal claim from a verdict.

A sentence is checked on its literal text. Digits, number words, dates, names of slices and markup are refused,
so is a causal verb without a finding that carries it. What passes is rendered in one go: text that code puts in
place of a placeholder is never read again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, NamedTuple

from agents.report import Grounding
from agents.writing import Draft, Line, Section, Sentence
from tools.findings import Finding, FindingVerdict

ProblemKind = Literal[
    "malformed_placeholder", "unknown_placeholder", "free_number", "free_date", "slice_name", "causal_claim",
    "verdict_claim", "markup",
]  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """Why a sentence is refused."""

    kind: ProblemKind
    detail: str


class Forbidden(NamedTuple):
    """Names as sequences of words."""

    codes: frozenset[str]
    """Short codes such as a carrier's `AS`: only a name in capitals is one."""
    folded: frozenset[str]
    """All others, case folded."""


@dataclass(frozen=True)
class Allowed:
    """What sentences may rest on."""

    facts: Mapping[str, str]
    """Placeholder path -> words."""
    findings: Mapping[str, Finding] = field(default_factory=dict)
    """By hypothesis, the ruled-out ones too."""
    names: frozenset[str] = frozenset()
    """Slice values and dimension names: they may only come through placeholders."""

    @cached_property
    def forbidden(self) -> Forbidden:
        """The names, ready to be looked for in prose."""
        spaced = {" ".join(_WORD.findall(name)) for name in self.names}
        spaced = {name for name in spaced if name.casefold() not in _PLAIN_WORDS and not name.isdecimal()}
        codes = {name for name in spaced if name.isupper() and len(name) <= MAX_CODE}
        return Forbidden(frozenset(codes), frozenset(name.casefold() for name in spaced - codes - {""}))


@dataclass(frozen=True)
class Refused:
    """A sentence with what is wrong with it."""

    sentence: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Grounded:
    """A rendered draft, and what was left out."""

    text: str
    grounding: Grounding
    refused: tuple[Refused, ...]


_NUMBER_WORD: Final = re.compile(
    r"\b(zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|halves|halved|thirds?|quarters?"
    r"|twice|thrice|doubled?|doubling|tripled?|quadrupled?|\w+fold|percent|per cent|percentage)\b",
    re.IGNORECASE,
)
_NUMBER_SYMBOL: Final = frozenset("%‰$€£¥")
_DATE_WORD: Final = re.compile(
    r"\b(January|February|April|June|July|August|September|October|November|December|(?:in|on|since|of) (?:May|March)"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|[Yy]esterday|[Tt]oday|[Tt]omorrow|[Tt]onight|[Mm]idnight|[Nn]oon)\b"
)
_MARKUP: Final = re.compile(r"[<>\[\]`|\\]|://|\bwww\.|!\(|^\s*(?:#|>)|\*{3,}|_{2,}", re.IGNORECASE)
_EVIDENCE_ID: Final = re.compile(r"\bE[1-9][0-9]*\b")
_CAUSAL: Final = re.compile(
    r"\b(caus(?:e|es|ed|ing|al)|because|due to|owing to|thanks to|led to|leads? to|result(?:s|ed|ing)? (?:from|in)"
    r"|driv(?:es|en|e|ing)|drove|responsible for|explain(?:s|ed)?|trigger(?:s|ed)|produced|brought about"
    r"|attribut(?:ed|able) to|stem(?:s|med) from|culprit|to blame|blamed?)\b",
    re.IGNORECASE,
)
_NEGATED: Final = re.compile(
    r"\b(?:not|never|neither|nor|no|cannot|without|rather than|instead of|whether|if|ruled out)\b(?:\W+\w+){0,4}?\W+$",
    re.IGNORECASE,
)
_OPEN: Final = re.compile(
    r"^\s+(?:(?:is|was|remains|lies)\s+(?:not|unknown|open|outside|unclear)|only|little|nothing|none)\b",
    re.IGNORECASE,
)
_HEDGE: Final = re.compile(
    r"\b(likely|probabl[ey]|may|might|could|appears?|seems?|suggests?|points? to)\b", re.IGNORECASE
)
_PRIMARY: Final = re.compile(
    r"\b(?:primary|main|root|chief|principal) (?:cause|reason|driver)\b", re.IGNORECASE
)
_VERDICT_WORDS: Final = {
    FindingVerdict.CONFIRMED: re.compile(
        r"\b(?:is|are|was|were|has been) (?:confirmed|proven|proved)\b", re.IGNORECASE
    ),
    FindingVerdict.RULED_OUT: re.compile(r"\bruled out\b|\bexcluded\b", re.IGNORECASE),
}
_WORD: Final = re.compile(r"\w+")
MAX_NAME_WORDS: Final = 4
MAX_CODE: Final = 4
_PLAIN_WORDS: Final = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "any",
        "at",
        "by",
        "cause",
        "change",
        "customer",
        "customers",
        "data",
        "day",
        "days",
        "delivery",
        "evidence",
        "first",
        "for",
        "from",
        "hour",
        "hours",
        "in",
        "is",
        "it",
        "late",
        "metric",
        "new",
        "no",
        "none",
        "of",
        "old",
        "on",
        "order",
        "orders",
        "other",
        "period",
        "rate",
        "retail",
        "score",
        "service",
        "share",
        "slice",
        "standard",
        "the",
        "this",
        "time",
        "to",
        "unknown",
        "was",
        "with",
        "yes",
    ]
)
"""Ordinary words that cannot be told from a slice's name; a slice called so is not looked for."""


def check(sentence: Sentence, allowed: Allowed) -> tuple[Problem, ...]:
    """Everything that is wrong with a sentence; empty if it may stand."""
    prose = _EVIDENCE_ID.sub(
        lambda m: " " if _is_known_evidence(m.group(), allowed) else m.group(), sentence.prose
    )
    return (
        *_placeholder_problems(sentence, allowed),
        *_number_problems(prose),
        *_name_problems(prose, allowed),
        *_verdict_problems(sentence, allowed),
    )


def ground(draft: Draft, allowed: Allowed) -> Grounded:
    """Render what is grounded, leave out and count what is not.

    A claim is a sentence that cites something, or that was refused; the rest is connecting prose.
    """
    refused: list[Refused] = []
    sections: list[str] = []
    supported = 0
    for section in draft.sections:
        kept = _keep(section, allowed, refused)
        supported += sum(bool(s.placeholders) for line in kept for s in line.sentences)
        if kept:
            sections.append(f"## {section.title}\n\n{_render_lines(kept, allowed)}")
    grounding = Grounding(claims=supported + len(refused), supported=supported, removed=len(refused))
    return Grounded("\n\n".join(sections), grounding, tuple(refused))


def render_sentence(sentence: Sentence, facts: Mapping[str, str]) -> str:
    """Put the words in place of the placeholders, and name the evidence behind them."""
    text = "".join(p.content if p.kind == "text" else facts[p.content] for p in sentence.pieces).strip()
    text = text[:1].upper() + text[1:]
    sources = sorted(
        {p.split(".", 1)[0] for p in sentence.placeholders if _EVIDENCE_ID.match(p)}, key=_number
    )
    if not sources:
        return text
    return f"{text.rstrip('.!')} [{', '.join(sources)}]."


def render_text(text: str, facts: Mapping[str, str]) -> str:
    """Render a sentence that code wrote; a placeholder that is not known reads `unknown`.

    Example:
        >>> render_text("Down by {{E1.delta_pp}}, {{E1.nothing}}.", {"E1.delta_pp": "-3.0 pp"})
        'Down by -3.0 pp, unknown.'
    """
    return "".join(
        p.content if p.kind == "text" else facts.get(p.content, "unknown") for p in Sentence(text).pieces
    )


def _keep(section: Section, allowed: Allowed, refused: list[Refused]) -> tuple[Line, ...]:
    kept: list[Line] = []
    for line in section.lines:
        good: list[Sentence] = []
        for sentence in line.sentences:
            problems = check(sentence, allowed)
            if problems:
                refused.append(Refused(sentence.text, problems))
            else:
                good.append(sentence)
        if good:
            kept.append(Line(tuple(good), line.bullet))
    return tuple(kept)


def _render_lines(lines: tuple[Line, ...], allowed: Allowed) -> str:
    rendered = [
        ("- " if line.bullet else "") + " ".join(render_sentence(s, allowed.facts) for s in line.sentences)
        for line in lines
    ]
    parts = [rendered[0]]
    for before, line, text in zip(lines, lines[1:], rendered[1:], strict=False):
        parts.append(("\n" if before.bullet and line.bullet else "\n\n") + text)
    return "".join(parts)


def _placeholder_problems(sentence: Sentence, allowed: Allowed) -> list[Problem]:
    found = [
        Problem("unknown_placeholder", path) for path in sentence.placeholders if path not in allowed.facts
    ]
    if "{" in sentence.prose or "}" in sentence.prose:
        found.append(Problem("malformed_placeholder", "braces outside a placeholder"))
    return found


def _number_problems(prose: str) -> list[Problem]:
    found: list[Problem] = []
    symbols = "".join(sorted({c for c in prose if c.isnumeric() or c in _NUMBER_SYMBOL}))
    if symbols:
        found.append(Problem("free_number", symbols))
    found += [Problem("free_number", match.group()) for match in _NUMBER_WORD.finditer(prose)]
    found += [Problem("free_date", match.group()) for match in _DATE_WORD.finditer(prose)]
    found += [Problem("markup", match.group().strip()) for match in _MARKUP.finditer(prose)]
    return found


def _name_problems(prose: str, allowed: Allowed) -> list[Problem]:
    words = _WORD.findall(prose)
    spans = (
        " ".join(words[start : start + length])
        for start in range(len(words))
        for length in range(1, MAX_NAME_WORDS + 1)
    )
    found = {
        span
        for span in spans
        if span in allowed.forbidden.codes or span.casefold() in allowed.forbidden.folded
    }
    return [Problem("slice_name", name) for name in sorted(found)]


def _verdict_problems(sentence: Sentence, allowed: Allowed) -> list[Problem]:
    cited = _cited(sentence, allowed)
    prose = sentence.prose
    found: list[Problem] = []
    claims = [match.group() for match in _CAUSAL.finditer(prose) if _is_claimed(match)]
    if claims and not _carries(cited, hedged=bool(_HEDGE.search(prose))):
        found.append(Problem("causal_claim", claims[0]))
    if _PRIMARY.search(prose) and claims and all(f.role != "primary" for f in cited):
        found.append(Problem("verdict_claim", "no cited finding is the primary cause"))
    for verdict, said in _VERDICT_WORDS.items():
        if said.search(prose) and all(f.verdict != verdict for f in cited):
            found.append(Problem("verdict_claim", f"no cited finding is {verdict.value.replace('_', ' ')}"))
    return found


def _is_claimed(match: re.Match[str]) -> bool:
    text = match.string
    return not (_NEGATED.search(text[: match.start()]) or _OPEN.match(text[match.end() :]))


def _cited(sentence: Sentence, allowed: Allowed) -> list[Finding]:
    names = [path.split(".")[1] for path in sentence.placeholders if path.startswith("finding.")]
    return [allowed.findings[name] for name in dict.fromkeys(names) if name in allowed.findings]


def _carries(cited: list[Finding], *, hedged: bool) -> bool:
    verdicts = {finding.verdict for finding in cited}
    enough = FindingVerdict.CONFIRMED in verdicts or (hedged and FindingVerdict.LIKELY in verdicts)
    return enough and all(finding.role is not None for finding in cited)


def _is_known_evidence(id: str, allowed: Allowed) -> bool:
    return any(path.startswith(f"{id}.") for path in allowed.facts)


def _number(evidence: str) -> int:
    return int(evidence[1:])
