"""The writer's language: headed sections of sentences, with placeholders where numbers belong.

    ## What happened
    On-time deliveries fell from {{incident.baseline}} to {{incident.current}}.
    - A bullet is kept as a bullet.

Parsing is total: any text gives a draft, and what cannot be read as a placeholder is kept as it stands, for
`agents.grounding` to refuse.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

SECTIONS: Final = (
    "What happened",
    "Why",
    "What it is not",
    "What to do",
    "How sure, and what would settle it",
)
"""The sections of a narrative, in order. Other headings are read as prose."""

PLACEHOLDER: Final = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)\s*\}\}")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[ \t]+(?=\S)")
_HEADING: Final = re.compile(r"^\s*#{1,6}\s+(.*?)\s*#*\s*$")
_BULLET: Final = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)])\s+")


@dataclass(frozen=True)
class Piece:
    """A run of literal text, or the path of one placeholder."""

    kind: Literal["text", "placeholder"]
    content: str


@dataclass(frozen=True)
class Sentence:
    """One sentence of a draft."""

    text: str

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Its text and placeholders, in order; joined, they are the sentence."""
        return tuple(pieces(self.text))

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Paths of its placeholders, in order."""
        return tuple(piece.content for piece in self.pieces if piece.kind == "placeholder")

    @property
    def prose(self) -> str:
        """Its literal text, each placeholder replaced by a space."""
        return " ".join(piece.content for piece in self.pieces if piece.kind == "text")


@dataclass(frozen=True)
class Line:
    """A paragraph or a bullet: some sentences."""

    sentences: tuple[Sentence, ...]
    bullet: bool = False


@dataclass(frozen=True)
class Section:
    """A headed part of a draft."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Draft:
    """A parsed draft; its sections in the order of `SECTIONS`, whatever order they were written in."""

    sections: tuple[Section, ...]

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """All sentences, in order."""
        return tuple(s for section in self.sections for line in section.lines for s in line.sentences)


def pieces(text: str) -> Iterator[Piece]:
    """Split a sentence into literal text and placeholders.

    Example:
        >>> [(p.kind, p.content) for p in pieces("It fell by {{E3.delta_pp}}.")]
        [('text', 'It fell by '), ('placeholder', 'E3.delta_pp'), ('text', '.')]
    """
    end = 0
    for match in PLACEHOLDER.finditer(text):
        if match.start() > end:
            yield Piece("text", text[end : match.start()])
        yield Piece("placeholder", match.group(1))
        end = match.end()
    if end < len(text):
        yield Piece("text", text[end:])


def parse(text: str) -> Draft:
    r"""Read a draft; text before the first known heading belongs to the first section.

    Example:
        >>> draft = parse("## Why\nA. B.\n- C.")
        >>> [(line.bullet, [s.text for s in line.sentences]) for line in draft.sections[0].lines]
        [(False, ['A.', 'B.']), (True, ['C.'])]
    """
    lines: dict[str, list[Line]] = {title: [] for title in SECTIONS}
    current = SECTIONS[0]
    for raw in text.splitlines():
        heading = _known_heading(raw)
        if heading is not None:
            current = heading
        elif raw.strip():
            lines[current].append(_line(raw))
    return Draft(tuple(Section(title, tuple(found)) for title, found in lines.items() if found))


def _known_heading(raw: str) -> str | None:
    match = _HEADING.match(raw)
    wanted = (match.group(1) if match else raw).strip(" *:").casefold()
    return next((title for title in SECTIONS if title.casefold() == wanted), None)


def _line(raw: str) -> Line:
    body = _BULLET.sub("", raw).strip()
    found = tuple(Sentence(part) for part in _SENTENCE_END.split(body) if part)
    return Line(found, bullet=_BULLET.match(raw) is not None)
