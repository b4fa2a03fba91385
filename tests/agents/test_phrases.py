from datetime import UTC

import pytest
from pydantic import ValidationError

from agents import prompts
from agents.facts import of_evidence
from agents.grounding import Allowed, ground
from agents.phrases import Phrase, parse_phrases, write
from agents.writing import SECTIONS, parse
from knowledge.markdown import PageError
from tools.evidence import Evidence
from tools.mechanism_paths import MechanismPathsResult, PathPart
from tools.mechanism_shapley import MechanismShapleyResult

BOOK = """
```yaml phrases
- section: Why
  each: findings
  limit: 1
  when: {role: primary}
  bullet: true
  text: ["{{finding.<id>.share}} of it is <id>.", "It is <id>: {{finding.<id>.p}}."]
- section: What happened
  when: {verdict: [confirmed, likely]}
  text: ["It fell by {{incident.delta}}."]
```
"""
TASK = {
    "verdict": "confirmed",
    "findings": [
        {"id": "weather", "role": None},
        {"id": "batching", "role": "primary"},
        {"id": "supply", "role": "primary"},
    ],
    "placeholders": {"finding.batching.p": "94 %", "incident.delta": "-3.0 pp", "finding.supply.p": "1 %"},
}


def test_write_says_what_holds_and_is_known_in_the_order_of_the_sections() -> None:
    text = write(parse_phrases(BOOK), TASK)
    assert (
        text
        == "## What happened\nIt fell by {{incident.delta}}.\n## Why\n- It is batching: {{finding.batching.p}}."
    )


def test_write_leaves_unsaid_what_is_not_known() -> None:
    assert write(parse_phrases(BOOK), TASK | {"placeholders": {}}) == ""
    assert write(parse_phrases(BOOK), {"verdict": "inconclusive", "findings": []}) == ""


def test_write_skips_a_text_whose_field_is_missing() -> None:
    book = (Phrase(section="Why", text=["Because <nothing>.", "Otherwise."]),)
    assert write(book, TASK) == "## Why\nOtherwise."


def test_parse_phrases_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        parse_phrases(BOOK.replace("limit: 1", "most: 1"))
    with pytest.raises(PageError):
        parse_phrases(BOOK.replace("limit: 1", "limit: ["))


def test_shipped_book_uses_the_sections_of_a_narrative() -> None:
    book = parse_phrases(prompts.read("phrases"))
    assert {phrase.section for phrase in book} == set(SECTIONS)


def test_parse_phrases_of_a_text_without_a_book_is_empty() -> None:
    assert parse_phrases("Nothing here.") == ()


def test_shipped_book_speaks_of_broken_records_as_such() -> None:
    book = parse_phrases(prompts.read("phrases"))
    task = {
        "kind": "data_quality",
        "verdict": "inconclusive",
        "findings": [{"hypothesis": "courier_supply", "kind": "data_quality", "overall": "inconclusive"}],
        "placeholders": {
            "finding.courier_supply.name": "Courier supply",
            "finding.courier_supply.p_primary": ".3",
        },
    }

    text = write(book, task)

    assert "about the records" in text
    assert "Mend the feed first" in text
    assert "best candidate" not in text
    assert "The cause is not known yet" not in text


@pytest.mark.parametrize("doubt", [None, "fits", "top_clear", "top_measured"])
def test_parts_by_mechanism_are_said_only_where_they_can_be_relied_on(doubt: str | None) -> None:
    fields = [
        name for name in MechanismShapleyResult.model_fields if name.endswith("_pp") or name == "top_module"
    ]
    reliable = {name: name != doubt for name in ("fits", "top_clear", "top_measured")}
    task = {"mechanisms": [{"id": "E7", **reliable}], "placeholders": [f"E7.{name}" for name in fields]}
    text = write(parse_phrases(prompts.read("phrases")), task)
    assert ("{{E7.top_pp}} ({{E7.top_low_pp}} to {{E7.top_high_pp}})" in text) == (doubt is None)


@pytest.mark.parametrize("doubt", [None, "fits", "top_clear", "several", "separable"])
def test_ways_are_said_only_where_they_can_be_relied_on(doubt: str | None) -> None:
    cited = [f"paths.{n}.{field}" for n in (1, 2) for field in ("added_change_pp", "way")]
    cited += ["total_change_pp", "interaction_change_pp"]
    reliable = {name: name != doubt for name in ("fits", "top_clear", "several", "separable")}
    task = {"ways": [{"id": "E7", **reliable}], "placeholders": [f"E7.{name}" for name in cited]}
    text = write(parse_phrases(prompts.read("phrases")), task)
    assert ("{{E7.paths.1.added_change_pp}} came through {{E7.paths.1.way}}" in text) == (doubt is None)
    assert ("By which way the damage came is left open" in text) == (doubt in ("fits", "separable"))


def test_what_the_phrases_cite_of_ways_is_a_fact_and_may_be_said() -> None:
    part = PathPart(
        path=("batched", "prep_s", "failed"),
        way="preparation",
        direct=False,
        change_pp=4.0,
        low_pp=3.0,
        high_pp=5.0,
        added_change_pp=4.2,
        added_share=0.4,
        spared_change_pp=4.4,
        clear=True,
    )
    found = MechanismPathsResult(
        outcome_metric="on_time",
        module="policy",
        fits=True,
        top_clear=True,
        several=True,
        separable=True,
        total_change_pp=9.0,
        total_low_pp=8.0,
        total_high_pp=10.0,
        interaction_change_pp=-1.0,
        interaction_share=-0.1,
        paths=(part.model_copy(update={"way": "waiting for couriers"}), part),
        n_replicates=60,
    )
    item = Evidence(
        id="E7", tool="mechanism_paths", arguments={}, result=found.model_dump(mode="json"), fingerprint="f"
    )
    known = of_evidence(item, UTC)
    task = {
        "ways": [{"id": "E7", "fits": True, "top_clear": True, "several": True, "separable": True}],
        "placeholders": known,
    }
    grounded = ground(parse(write(parse_phrases(prompts.read("phrases")), task)), Allowed(known))
    assert grounded.refused == ()
    assert (
        "of +9.0 pp in the share that went wrong, +4.2 pp came through waiting for couriers and +4.2 pp through "
        "preparation; the ways together make -1.0 pp of difference"
    ) in grounded.text
