import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.markdown import PageError, front_matter, sections
from knowledge.parse import Page, parse_page
from tools.policy import Role
from tools.ports import PassageKind

PAGE = """---
audience: [senior, manager]
---
# Refunds

Intro.

## REF-1 v2: Damaged
First.

```yaml rule
tool: issue_refund
effect: deny
when: [{fact: photo, is: false}]
```

Second, with an example:

```python
## not a heading
```
```yaml values
days: 14
```
## REF-2 v1: Nothing for machines
Only words.
"""


def parse(text: str) -> Page:
    return parse_page(text, id="refunds", kind=PassageKind.POLICY)


def test_page_is_read_whole() -> None:
    page = parse(PAGE)
    assert (page.title, page.intro, page.audience) == ("Refunds", "Intro.", (Role.SENIOR, Role.MANAGER))
    first, second = page.clauses
    assert (first.id, first.version, first.title, first.values) == ("REF-1", 2, "Damaged", {"days": 14})
    assert first.text == "First.\n\nSecond, with an example:\n\n```python\n## not a heading\n```"
    assert [rule.reference for rule in page.rules] == ["REF-1@2"]
    assert (second.rules, second.text) == ((), "Only words.")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# Refunds\n", "", "one level 1 heading, found 0"),
        ("## REF-2 v1: N", "# N", "found 2"),
        ("## REF-2 v1: N", "## N", r"refunds:\d+: write the heading as '## ABC-1 v1: Title', not 'N"),
        ("REF-2 v1", "REF-2 v0", "write the heading as"),
        ("REF-2 v1", "REF-1 v1", "clause REF-1 is written twice"),
        ("Only words.", "", "clause REF-2 says nothing in words"),
        ("effect: deny", "effect: never", r"refunds:\d+: effect = 'never'"),
        ("effect: deny", "effect: [", r"refunds:\d+: malformed YAML"),
        ("effect: deny", "effect: deny\neffect: allow", "'effect' is written twice"),
        ("effect: deny", "clause: REF-9\nversion: x\nefect: deny", "effect"),
        ("yaml values", "yaml numbers", "'yaml rule' or 'yaml values', not 'numbers'"),
        ("days: 14", "- 14", r"a values is 'name: value' lines"),
        ("audience: [senior", "audience: [king", r"refunds:1: audience.0 = 'king'"),
        ("audience:", "readers:", "readers"),
        ("---\n# Refunds", "# Refunds", "never closed"),
        ("audience: [senior, manager]", "just words", "'name: value' lines"),
    ],
)
def test_malformed_page_says_where_and_what(old: str, new: str, message: str) -> None:
    assert old in PAGE
    with pytest.raises(PageError, match=message):
        parse(PAGE.replace(old, new))


def test_empty_front_matter_is_none() -> None:
    assert front_matter("---\n---\n# T", where="x") == ({}, "\n\n# T")


@given(st.text())
def test_sections_never_fail_on_prose(text: str) -> None:
    for section in sections(text.replace("`", "").replace("~", ""), where="x"):
        assert section.level in (1, 2)


@given(st.lists(st.from_regex(r"[a-z ]{1,20}", fullmatch=True).map(str.strip).filter(bool), max_size=5))
def test_every_clause_comes_back_with_its_words(texts: list[str]) -> None:
    body = "\n".join(f"## TST-{n} v1: Title\n{text}\n" for n, text in enumerate(texts, start=1))
    assert [clause.text for clause in parse(f"# T\n{body}").clauses] == texts
