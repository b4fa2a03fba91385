"""The phrase book: sentences with placeholders, and when each may be said.

It stands in the writer's system message, where a language model reads it as examples of good sentences and the
offline reasoner fills it in. `<name>` is taken from the item of the list that a phrase runs over; a sentence
whose placeholders are not all known is left unsaid.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from agents.writing import SECTIONS, Sentence, parse
from knowledge.markdown import blocks

_VARIABLE: Final = re.compile(r"<([a-z_]+)>")
Plain = str | int | bool | None


class Phrase(BaseModel):
    """One sentence or paragraph of the book."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    section: str
    each: str | None = None
    """The list in the task that it runs over; None to say it once."""
    when: dict[str, Plain | list[Plain]] = {}
    """Fields of the item (or of the task) and the value, or the values, that they must have."""
    limit: int = 20
    bullet: bool = False
    text: list[str]
    """Alternatives, best first; the first one whose placeholders are all known is said."""

    def holds(self, item: Mapping[str, Any]) -> bool:
        """Whether an item meets `when`; a field it lacks counts as None."""
        return all(
            item.get(name) in (wanted if isinstance(wanted, list) else [wanted])
            for name, wanted in self.when.items()
        )


_BOOK: Final = TypeAdapter(tuple[Phrase, ...])


def parse_phrases(text: str) -> tuple[Phrase, ...]:
    """The phrases of the `yaml phrases` block in a text; none where there is no block."""
    found = blocks(text, "phrases", where="prompt")
    return _BOOK.validate_python(found[0].content) if found else ()


def write(book: Sequence[Phrase], task: Mapping[str, Any]) -> str:
    """Fill the book in for a task: its `placeholders` are the ones that may be used."""
    known = frozenset(task.get("placeholders", ()))
    parts: list[str] = []
    for section in SECTIONS:
        lines = [line for phrase in book if phrase.section == section for line in _lines(phrase, task, known)]
        if lines:
            parts.append(f"## {section}\n" + "\n".join(lines))
    return "\n".join(parts)


def _lines(phrase: Phrase, task: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    said = 0
    for item in [task] if phrase.each is None else task.get(phrase.each, ()):
        text = _choose(phrase, item, known) if phrase.holds(item) else None
        if text is not None and said < phrase.limit:
            said += 1
            yield ("- " if phrase.bullet else "") + text


def _choose(phrase: Phrase, item: Mapping[str, Any], known: frozenset[str]) -> str | None:
    for text in phrase.text:
        if any(item.get(name) is None for name in _VARIABLE.findall(text)):
            continue
        filled = _VARIABLE.sub(lambda m: str(item[m.group(1)]), text)
        if known.issuperset(_used(filled)):
            return filled
    return None


def _used(text: str) -> set[str]:
    return {path for sentence in (*parse(text).sentences, Sentence(text)) for path in sentence.placeholders}
