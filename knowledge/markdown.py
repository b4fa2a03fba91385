"""The little of Markdown that pages and playbooks need: sections, fenced YAML, front matter."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token


class PageError(ValueError):
    """A page or playbook is malformed; says where (`page:line`) and what to write instead."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")


@dataclass(frozen=True)
class Block:
    """A fenced YAML block: its info string after `yaml`, its parsed content and its first line."""

    kind: str
    content: Any
    line: int


@dataclass(frozen=True)
class Section:
    """A heading with the prose and the blocks beneath it, up to the next heading of any level 1 or 2."""

    level: int
    heading: str
    line: int
    prose: str
    blocks: tuple[Block, ...]


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is written twice; plain YAML would keep the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = [key for key in keys if keys.count(key) > 1]
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"{repeated[0]!r} is written twice")
        return super().construct_mapping(node, deep)


def read_yaml(text: str, *, where: str) -> Any:  # noqa: ANN401  # callers validate into their own models
    """Parse YAML; raises `PageError` for malformed text and repeated keys.

    Example:
        >>> read_yaml("above: 2", where="doc")
        {'above': 2}
    """
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        raise PageError(where, f"malformed YAML: {' '.join(str(error).split())}") from error


def front_matter(text: str, *, where: str) -> tuple[dict[str, Any], str]:
    r"""The YAML between two `---` lines at the top, and the text with those lines blanked.

    Example:
        >>> front_matter("---\naudience: [operator]\n---\n# Title", where="doc")
        ({'audience': ['operator']}, '\n\n\n# Title')
    """
    lines = text.split("\n")
    if lines[0].strip() != "---":
        return {}, text
    if "---" not in lines[1:]:
        raise PageError(f"{where}:1", "the front matter is never closed by a line '---'")
    end = lines.index("---", 1)
    fields = read_yaml("\n".join(lines[1:end]), where=f"{where}:1") or {}
    if not isinstance(fields, dict):
        raise PageError(f"{where}:1", "the front matter must be 'name: value' lines")
    return fields, "\n" * (end + 1) + "\n".join(lines[end + 1 :])


def sections(text: str, *, where: str) -> tuple[Section, ...]:
    """Cut a document at its level 1 and 2 headings; fenced YAML leaves the prose and is parsed."""
    tokens = MarkdownIt("commonmark").parse(text)
    lines = text.split("\n")
    heads = [n for n, token in enumerate(tokens) if _starts_section(token)]
    ends = [*heads, len(tokens)][1:]
    return tuple(_section(tokens[a:b], lines, where) for a, b in zip(heads, ends, strict=True))


def blocks(text: str, kind: str, *, where: str) -> tuple[Block, ...]:
    """All fenced blocks marked `yaml <kind>` anywhere in a text, in order."""
    found = _blocks(MarkdownIt("commonmark").parse(text), where)
    return tuple(block for block in found if block.kind == kind)


def _starts_section(token: Token) -> bool:
    return token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2")


def _section(tokens: list[Token], lines: list[str], where: str) -> Section:
    head, title, rest = tokens[0], tokens[1].content, tokens[3:]
    hidden = {line for token in rest if _is_block(token) for line in range(*_lines(token))}
    spans = [_lines(token) for token in rest if token.map]
    body = range(_lines(head)[1], max((end for _, end in spans), default=_lines(head)[1]))
    prose = "\n".join(lines[n].rstrip() for n in body if n not in hidden)
    line = _lines(head)[0] + 1
    return Section(int(head.tag[1]), title.strip(), line, _squeeze(prose), tuple(_blocks(rest, where)))


def _blocks(tokens: Iterable[Token], where: str) -> Iterator[Block]:
    for token in tokens:
        if _is_block(token):
            line = _lines(token)[0] + 1
            content = read_yaml(token.content, where=f"{where}:{line}")
            yield Block(token.info.split(maxsplit=1)[1].strip(), content, line)


def _is_block(token: Token) -> bool:
    words = token.info.split() if token.type == "fence" else []
    return len(words) == 2 and words[0] == "yaml"  # "yaml" and the kind


def _lines(token: Token) -> tuple[int, int]:
    start, end = token.map or [0, 0]
    return start, end


def _squeeze(text: str) -> str:
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip()
