"""Markdown pages into typed clauses and rules.

A page is one file. Its front matter may name an `audience`; its level 1 heading is the title; every level 2
heading is a clause, `## REF-5 v2: Who may approve how much`. A clause may carry fenced blocks:
`yaml rule` (one rule or a list of them, for `tools.policy`) and `yaml values` (numbers that other code reads).
"""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.markdown import Block, PageError, Section, front_matter, sections
from tools.policy import Role, Rule
from tools.ports import PassageKind

ModelT = TypeVar("ModelT", bound=BaseModel)
_HEADING = re.compile(r"(?P<id>[A-Z]{2,4}-\d+) v(?P<version>[1-9]\d*): (?P<title>\S.*)")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Clause(_Model):
    """The smallest thing that can be quoted."""

    id: str
    version: int
    title: str
    text: str
    """Prose, without the machine-readable blocks."""
    rules: tuple[Rule, ...] = ()
    values: dict[str, Any] = {}
    """Numbers that code reads, from `yaml values` blocks."""

    @property
    def reference(self) -> str:
        """`id@version`."""
        return f"{self.id}@{self.version}"


class Page(_Model):
    """A parsed page."""

    id: str
    """Folder and file name without its ending, as in `policies/refunds`."""
    kind: PassageKind
    title: str
    intro: str
    audience: tuple[Role, ...] = ()
    """Whom it is written for; empty for everybody. It guides search and never hides a rule."""
    clauses: tuple[Clause, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Of all clauses, in order."""
        return tuple(rule for clause in self.clauses for rule in clause.rules)


class _Header(_Model):
    audience: tuple[Role, ...] = ()


def parse_page(text: str, *, id: str, kind: PassageKind) -> Page:
    r"""Parse one page.

    Raises:
        PageError: no or two titles, a clause without id and version, an id used twice, a malformed block.

    Example:
        >>> page = parse_page("# Refunds\n\n## REF-1 v2: Never arrived\nAll of it.", id="refunds",
        ...                   kind=PassageKind.POLICY)
        >>> page.clauses[0].reference, page.clauses[0].text
        ('REF-1@2', 'All of it.')
    """
    fields, body = front_matter(text, where=id)
    parts = sections(body, where=id)
    titles = [part for part in parts if part.level == 1]
    if len(titles) != 1 or parts[0].level != 1:
        raise PageError(id, f"a page starts with its one level 1 heading, found {len(titles)}")
    clauses = tuple(_clause(part, id) for part in parts[1:])
    _refuse_twins([clause.id for clause in clauses], id)
    header = _validated(_Header, fields, f"{id}:1")
    return Page(
        id=id,
        kind=kind,
        title=parts[0].heading,
        intro=parts[0].prose,
        audience=header.audience,
        clauses=clauses,
    )


def _clause(part: Section, page: str) -> Clause:
    where = f"{page}:{part.line}"
    match = _HEADING.fullmatch(part.heading)
    if match is None:
        raise PageError(where, f"write the heading as '## ABC-1 v1: Title', not {part.heading!r}")
    if not part.prose:
        raise PageError(where, f"clause {match['id']} says nothing in words")
    stamp = {"clause": match["id"], "version": int(match["version"])}
    rules = [_validated(Rule, {**raw, **stamp}, f"{page}:{line}") for raw, line in _raw_rules(part, page)]
    return Clause(
        id=match["id"],
        version=int(match["version"]),
        title=match["title"],
        text=part.prose,
        rules=tuple(rules),
        values=_values(part, page),
    )


def _raw_rules(part: Section, page: str) -> list[tuple[dict[str, Any], int]]:
    raw: list[tuple[dict[str, Any], int]] = []
    for block in part.blocks:
        if block.kind not in ("rule", "values"):
            raise PageError(
                f"{page}:{block.line}", f"a block is 'yaml rule' or 'yaml values', not {block.kind!r}"
            )
        if block.kind == "rule":
            items = block.content if isinstance(block.content, list) else [block.content]
            raw += [(_mapping(item, block, page), block.line) for item in items]
    return raw


def _mapping(item: object, block: Block, page: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise PageError(f"{page}:{block.line}", f"a {block.kind} is 'name: value' lines, not {item!r}")
    return item


def _values(part: Section, page: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for block in part.blocks:
        if block.kind == "values":
            values |= _mapping(block.content, block, page)
    return values


def _validated(model: type[ModelT], raw: dict[str, Any], where: str) -> ModelT:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise PageError(where, explain(error)) from error


def explain(error: ValidationError) -> str:
    """The problems of a validation in one line."""
    problems = (
        f"{'.'.join(map(str, e['loc'])) or 'entry'} = {e['input']!r}: {e['msg']}" for e in error.errors()
    )
    return "; ".join(problems)


def _refuse_twins(ids: list[str], where: str) -> None:
    for clause in ids:
        if ids.count(clause) > 1:
            raise PageError(where, f"clause {clause} is written twice")
