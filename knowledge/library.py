"""The pages that ship with the product."""

from collections import Counter
from functools import cache
from importlib.resources import files

from knowledge.markdown import PageError
from knowledge.parse import Clause, Page, parse_page
from tools.policy import Rule
from tools.ports import PassageKind

_FOLDERS = {
    "policies": PassageKind.POLICY,
    "slas": PassageKind.SLA,
    "templates": PassageKind.TEMPLATE,
}


@cache
def pages() -> tuple[Page, ...]:
    """All shipped pages by kind and name.

    Raises:
        PageError: a page is malformed, or two pages share a clause id.
    """
    found = tuple(page for folder, kind in _FOLDERS.items() for page in _read(folder, kind))
    counts = Counter(clause.id for page in found for clause in page.clauses)
    twins = sorted(clause for clause, count in counts.items() if count > 1)
    if twins:
        raise PageError("knowledge/pages", f"clause {twins[0]} stands on two pages")
    return found


def rules() -> tuple[Rule, ...]:
    """The machine-readable rules of all pages, for `tools.policy.decide`."""
    return tuple(rule for page in pages() for rule in page.rules)


def clause(id: str) -> Clause:
    """One clause; raises `KeyError` for an unknown id."""
    return {clause.id: clause for page in pages() for clause in page.clauses}[id]


def _read(folder: str, kind: PassageKind) -> list[Page]:
    entries = [e for e in (files("knowledge") / "pages" / folder).iterdir() if e.name.endswith(".md")]
    ordered = sorted(entries, key=lambda entry: entry.name)
    return [
        parse_page(e.read_text(encoding="utf-8"), id=f"{folder}/{e.name.removesuffix('.md')}", kind=kind)
        for e in ordered
    ]
