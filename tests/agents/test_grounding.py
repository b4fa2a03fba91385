import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.grounding import Allowed, check, ground, render_text
from agents.writing import Sentence, parse
from tools.findings import Finding
from tools.hypotheses import HYPOTHESES
from tools.objections import RULES

FACTS = {
    "E3.delta_pp": "-14.0 pp",
    "E12.share": "58.3 %",
    "incident.slice": "category grocery, region SF, 18:00 to 20:00",
    "finding.batching_policy.name": "Batching policy",
    "finding.batching_policy.p_primary": "94 %",
    "finding.merchant_prep.name": "Merchant preparation",
    "finding.courier_supply.name": "Courier supply",
    "finding.inventory.name": "Inventory",
}


def finding(id_: str, verdict: str, role: str | None, mediator_of: str | None = None) -> Finding:
    return Finding.model_validate(
        {
            "hypothesis": id_,
            "verdict": verdict,
            "role": role,
            "mediator_of": mediator_of,
            "p_primary": 0.5,
            "p_contributes": 0.5,
            "impact": 0.0,
            "share_explained": 0.0,
            "evidence": (),
            "against": (),
        }
    )


CONFIRMED = {
    "batching_policy": finding("batching_policy", "confirmed", "primary"),
    "merchant_prep": finding("merchant_prep", "inconclusive", "mediator", "batching_policy"),
    "courier_supply": finding("courier_supply", "ruled_out", None),
    "inventory": finding("inventory", "inconclusive", None),
}
LIKELY = CONFIRMED | {"batching_policy": finding("batching_policy", "likely", "primary")}
ALLOWED = Allowed(FACTS, CONFIRMED, frozenset({"Grocery", "SF", "New York", "store_id", "orders", "AS", "7"}))


def kinds(text: str, allowed: Allowed = ALLOWED) -> set[str]:
    return {problem.kind for problem in check(Sentence(text), allowed)}


@pytest.mark.parametrize(
    "text",
    [
        "It fell by {{E3.delta_pp}} for {{incident.slice}}.",
        "{{finding.batching_policy.name}} caused it.",
        "{{finding.batching_policy.name}} is the primary cause; {{finding.merchant_prep.name}} is its consequence.",
        "The drift in {{finding.merchant_prep.name}} is a consequence, not a cause.",
        "{{finding.courier_supply.name}} is ruled out.",
        "The cause is not known yet.",
        "Customers waited longer (E3, E12).",
        "These orders may have suffered.",
        "It was as usual.",
    ],
)
def test_check_lets_grounded_sentences_stand(text: str) -> None:
    assert kinds(text) == set()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("It fell by 14 points.", "free_number"),
        ("It fell by fourteen points.", "free_number"),
        ("It doubled, or nearly.", "free_number"),
        ("It fell by half.", "free_number"),
        ("Waits grew twofold.", "free_number"),
        ("It fell by ½.", "free_number"),
        ("It fell by ١٤ points.", "free_number"),
        ("It cost a lot of $.", "free_number"),
        ("It began in March.", "free_date"),
        ("It began on Tuesday.", "free_date"),
        ("It began yesterday.", "free_date"),
        ("Grocery is worst.", "slice_name"),
        ("It is worst in New-York.", "slice_name"),
        ("Look at the store_id.", "slice_name"),
        ("It is worst for AS.", "slice_name"),
        ("See {{E9.delta_pp}}.", "unknown_placeholder"),
        ("See {{E3.delta_pp.", "malformed_placeholder"),
        ("See {{E3..x}}.", "malformed_placeholder"),
        ("Evidence E99 shows it.", "free_number"),
        ("It was caused by weather.", "causal_claim"),
        ("{{finding.inventory.name}} caused it.", "causal_claim"),
        ("{{finding.courier_supply.name}} led to it.", "causal_claim"),
        ("{{finding.batching_policy.name}} and {{finding.inventory.name}} caused it.", "causal_claim"),
        ("{{finding.merchant_prep.name}} is the primary cause.", "verdict_claim"),
        ("{{finding.inventory.name}} is ruled out.", "verdict_claim"),
        ("It is confirmed.", "verdict_claim"),
        ("See [here](x).", "markup"),
        ("See <b>this</b>.", "markup"),
        ("See http://example.org.", "markup"),
        ("Run `this`.", "markup"),
    ],
)
def test_check_refuses(text: str, kind: str) -> None:
    assert kind in kinds(text)


def test_objections_of_adjudication_may_be_said() -> None:
    for _, _, sentence in RULES:
        text = sentence.replace("{id}", "E1")
        known = dict.fromkeys(Sentence(text).placeholders, "x")
        assert check(Sentence(text), Allowed(known)) == (), text


def test_words_of_the_hypotheses_may_be_said() -> None:
    for hypothesis in HYPOTHESES.values():
        assert check(Sentence(f"Not testable here: {hypothesis.title}."), Allowed({})) == ()


def test_check_wants_a_hedge_where_the_cause_is_only_likely() -> None:
    likely = Allowed(FACTS, LIKELY)
    assert kinds("{{finding.batching_policy.name}} caused it.", likely) == {"causal_claim"}
    assert kinds("{{finding.batching_policy.name}} probably caused it.", likely) == set()


def test_check_lets_a_slice_called_like_a_plain_word_pass() -> None:
    assert kinds("Some orders were late.") == set()


def test_ground_drops_and_counts_what_is_not_grounded() -> None:
    draft = parse(
        "## Why\nIt fell by {{E3.delta_pp}}. It fell by 14. It happened.\n- A share of {{E12.share}}.\n- 5."
    )
    grounded = ground(draft, ALLOWED)
    assert grounded.text == "## Why\n\nIt fell by -14.0 pp [E3]. It happened.\n\n- A share of 58.3 % [E12]."
    assert grounded.grounding.model_dump() == {"claims": 4, "supported": 2, "removed": 2}
    assert [r.sentence for r in grounded.refused] == ["It fell by 14.", "5."]


def test_ground_never_reads_rendered_text_again() -> None:
    facts = FACTS | {"incident.slice": "((E3.delta_pp)) {{E3.delta_pp}}"}
    grounded = ground(parse("At {{incident.slice}}."), Allowed(facts))
    assert "{{E3.delta_pp}}" in grounded.text


def test_render_text_says_unknown_for_what_is_not_there() -> None:
    assert render_text("{{E3.delta_pp}} {{no.thing}}", FACTS) == "-14.0 pp unknown"


WORDS = st.sampled_from(
    [
        "It fell by",
        "{{E3.delta_pp}}",
        "{{E12.share}}",
        "14",
        "3.5",
        "twelve",
        "{{E9.x}}",
        "{{",
        "in May",
        "grocery.",
        "## Why\n",
        "\n- ",
        "Next.",
        "²",
        "half",
    ]
)


@given(st.lists(WORDS | st.text(max_size=8), max_size=14))
def test_no_number_is_rendered_that_is_not_in_evidence(parts: list[str]) -> None:
    grounded = ground(parse(" ".join(parts)), ALLOWED)
    said = grounded.text
    for value in FACTS.values():
        said = said.replace(value, "")
    said = re.sub(r"\[E[0-9, E]+\]|\bE(?:3|12)\b", "", said)
    assert not [c for c in said if c.isnumeric()]
    counts = grounded.grounding
    assert counts.claims == counts.supported + counts.removed


@given(st.text())
def test_check_is_total(text: str) -> None:
    check(Sentence(text), ALLOWED)
