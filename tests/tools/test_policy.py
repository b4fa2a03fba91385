import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tools.policy import Cap, Decision, Outcome, PolicyRequest, Role, Rule, decide

RANK = {Outcome.DENY: 0, Outcome.NEEDS_APPROVAL: 1, Outcome.ALLOW: 2}


def rule(effect: str = "allow", clause: str = "TST-1", **fields: object) -> Rule:
    return Rule.model_validate({"clause": clause, "version": 1, "effect": effect, "tools": ["pay"], **fields})


def ask(amount: int | None = 1000, role: str = "senior", **facts: bool | int | str) -> PolicyRequest:
    return PolicyRequest(tool="pay", role=Role(role), amount_cents=amount, facts=facts)


LIMITS = {"operator": 0, "senior": 20000, "manager": "unlimited"}


def test_no_rule_denies() -> None:
    answer = decide([], ask())
    assert answer == Decision(
        outcome=Outcome.DENY, amount_cents=0, clauses=(), reason="no clause permits pay for senior"
    )


def test_rules_of_other_tools_do_not_count() -> None:
    assert decide([rule(tools=["send"], limits=LIMITS)], ask()).outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("role", "amount", "outcome", "approvers"),
    [
        ("senior", 20000, Outcome.ALLOW, ()),
        ("senior", 20001, Outcome.NEEDS_APPROVAL, (Role.MANAGER,)),
        ("operator", 1, Outcome.NEEDS_APPROVAL, (Role.SENIOR, Role.MANAGER)),
        ("manager", 10**9, Outcome.ALLOW, ()),
        ("automated", 1, Outcome.DENY, ()),
    ],
)
def test_limits_by_role(role: str, amount: int, outcome: Outcome, approvers: tuple[Role, ...]) -> None:
    answer = decide([rule(limits=LIMITS)], ask(amount, role))
    assert (answer.outcome, answer.approvers) == (outcome, approvers)


def test_above_every_limit_is_denied() -> None:
    answer = decide([rule(limits={"senior": 100})], ask(101))
    assert (answer.outcome, answer.reason) == (Outcome.DENY, "no role may approve this amount")


@pytest.mark.parametrize("amount", [0, -5])
def test_amount_must_be_positive(amount: int) -> None:
    answer = decide([rule(limits=LIMITS)], ask(amount))
    assert (answer.outcome, answer.amount_cents) == (Outcome.DENY, 0)
    assert f"amount_cents = {amount}, must be above 0" in answer.reason


def test_money_needs_a_clause_with_limits_and_the_other_way_round() -> None:
    assert decide([rule()], ask(5)).outcome is Outcome.DENY
    assert decide([rule(limits=LIMITS)], ask(None)).outcome is Outcome.DENY
    assert decide([rule()], ask(None)) == Decision(
        outcome=Outcome.ALLOW, amount_cents=None, clauses=("TST-1@1",), reason="TST-1@1 permits it"
    )


def test_cap_lowers_the_amount_and_is_cited() -> None:
    cap = rule("cap", "TST-2", cap={"fact": "order_value_cents", "less": "refunded_cents"})
    answer = decide([rule(limits=LIMITS), cap], ask(9000, order_value_cents=5000, refunded_cents=1500))
    assert (answer.outcome, answer.amount_cents) == (Outcome.ALLOW, 3500)
    assert answer.clauses == ("TST-1@1", "TST-2@1")
    assert "lowered from 9000 to 3500 cents" in answer.reason


def test_cap_with_unknown_fact_pays_nothing() -> None:
    cap = rule("cap", "TST-2", cap={"fact": "order_value_cents"})
    answer = decide([rule(limits=LIMITS), cap], ask(9000))
    assert (answer.outcome, answer.amount_cents, answer.clauses) == (Outcome.DENY, 0, ("TST-2@1",))


def test_cap_that_does_not_apply_is_silent() -> None:
    cap = rule("cap", "TST-2", cap={"cents": 10}, when=[{"fact": "cosmetic", "is": True}])
    assert decide([rule(limits=LIMITS), cap], ask(9000, cosmetic=False)).amount_cents == 9000


def test_denial_beats_everything_and_unknown_facts_awaken_it() -> None:
    rules = [rule(limits=LIMITS), rule("deny", "TST-3", when=[{"fact": "clearance", "is": True}])]
    assert decide(rules, ask(clearance=False)).outcome is Outcome.ALLOW
    assert decide(rules, ask(clearance=True)).reason == "TST-3@1 forbids it"
    assert decide(rules, ask()).reason == "TST-3@1 forbids it (unknown: clearance)"
    assert decide(rules, ask(clearance="no")).outcome is Outcome.DENY


def test_demands_are_met_by_an_approver_who_may_pay() -> None:
    demand = rule("needs_approval", "TST-4", approvers=["operator", "manager"])
    rules = [rule(limits=LIMITS), demand]
    answer = decide(rules, ask(100))
    assert (answer.outcome, answer.approvers) == (Outcome.NEEDS_APPROVAL, (Role.MANAGER,))
    assert answer.reason == "TST-4@1 asks for approval by manager"
    assert decide(rules, ask(100, "manager")).outcome is Outcome.ALLOW


def test_contradicting_demands_are_a_denial() -> None:
    rules = [rule(limits=LIMITS), rule("needs_approval", "TST-4", approvers=["operator"])]
    assert decide(rules, ask(100)).reason == "no role may approve this amount"


def test_role_and_amount_are_facts_of_the_request_only() -> None:
    with pytest.raises(ValidationError, match="'role' is taken from the request itself"):
        PolicyRequest(tool="pay", role=Role.SENIOR, facts={"role": "manager"})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"effect": "deny", "limits": LIMITS}, "limits belongs to allow"),
        ({"effect": "allow", "approvers": ["manager"]}, "approvers belongs to needs_approval"),
        ({"effect": "needs_approval"}, "names approvers"),
        ({"effect": "cap"}, "carries a cap"),
        (
            {"effect": "cap", "cap": {"cents": 1}, "when": [{"fact": "amount_cents", "above": 1}]},
            "may not depend",
        ),
        ({"effect": "cap", "cap": {"cents": 1, "fact": "x"}}, "either cents or a fact"),
        ({"effect": "cap", "cap": {}}, "either cents or a fact"),
        ({"effect": "allow", "limits": {"senior": -1}}, "greater than or equal to 0"),
        ({"effect": "allow", "limits": {"senior": 1.5}}, "valid integer"),
        ({"effect": "allow", "limits": {"boss": 1}}, "boss"),
        ({"effect": "maybe"}, "Input should be"),
        ({"tools": []}, "at least 1 item"),
    ],
)
def test_rule_refuses(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rule(**{"effect": "allow", **fields})


def test_tool_is_short_for_tools() -> None:
    assert Rule.model_validate({"clause": "A-1", "version": 1, "tool": "pay", "effect": "deny"}).tools == (
        "pay",
    )
    with pytest.raises(ValidationError, match="valid dictionary"):
        Rule.model_validate("deny everything")


def test_cap_rounds_down() -> None:
    assert Cap(fact="v", percent=15).ceiling({"v": 99}) == 14
    assert Cap(fact="v", less="spent").ceiling({"v": 99, "spent": 100}) == 0
    assert Cap(fact="v").ceiling({"v": -1}) == Cap(fact="v").ceiling({"v": True}) == 0


NAMES = ("order_value_cents", "refunded_cents", "days", "photo")
comparisons = st.one_of(
    st.builds(lambda n: {"at_least": n}, st.integers(0, 3000)),
    st.builds(lambda n: {"at_most": n}, st.integers(0, 3000)),
    st.builds(lambda b: {"is": b}, st.booleans()),
    st.builds(lambda b: {"is_not": b}, st.booleans()),
)
fact_conditions = st.builds(lambda name, c: {"fact": name, **c}, st.sampled_from(NAMES), comparisons)
amount_conditions = st.builds(lambda n: {"fact": "amount_cents", "above": n}, st.integers(0, 3000))
whens = st.lists(fact_conditions, max_size=2)
roles = st.sampled_from([role.value for role in Role])
limits = st.dictionaries(roles, st.one_of(st.integers(0, 3000), st.just("unlimited")), min_size=1)
caps = st.one_of(
    st.builds(lambda n: {"cents": n}, st.integers(0, 3000)),
    st.builds(
        lambda fact, percent, less: {"fact": fact, "percent": percent, "less": less},
        st.sampled_from(NAMES[:2]), st.integers(0, 200), st.sampled_from([None, "refunded_cents"]),
    ),
)  # fmt: skip
bodies = st.one_of(
    st.builds(lambda w, m: {"effect": "allow", "when": w, "limits": m}, whens, limits),
    st.builds(lambda w, a: {"effect": "deny", "when": [*w, *a]}, whens, st.lists(amount_conditions, max_size=1)),
    st.builds(
        lambda w, r: {"effect": "needs_approval", "when": w, "approvers": r},
        whens, st.lists(roles, min_size=1, unique=True),
    ),
    st.builds(lambda w, c: {"effect": "cap", "when": w, "cap": c}, whens, caps),
)  # fmt: skip
rule_sets = st.lists(bodies, max_size=6).map(
    lambda found: [rule(**{"clause": f"TST-{n}", **body}) for n, body in enumerate(found)]
)
facts = st.fixed_dictionaries(
    {}, optional={name: st.integers(0, 4000) for name in NAMES[:3]} | {"photo": st.booleans()}
)
requests = st.builds(
    lambda amount, role, known: PolicyRequest(tool="pay", role=role, amount_cents=amount, facts=known),
    st.integers(-10, 5000), roles, facts,
)  # fmt: skip


@given(rule_sets, requests)
def test_amount_is_never_negative_nor_more_than_asked(rules: list[Rule], request: PolicyRequest) -> None:
    answer = decide(rules, request)
    assert answer.amount_cents is not None
    assert 0 <= answer.amount_cents <= max(request.amount_cents or 0, 0)
    assert (answer.amount_cents == 0) == (answer.outcome is Outcome.DENY)


@given(rule_sets, requests)
def test_amount_is_never_above_limit_or_cap(rules: list[Rule], request: PolicyRequest) -> None:
    answer = decide(rules, request)
    if answer.outcome is Outcome.ALLOW:
        permitted = [r.limits[request.role] for r in rules if r.limits and request.role in r.limits]
        assert any(limit == "unlimited" or (answer.amount_cents or 0) <= limit for limit in permitted)
    known = request.known(None)
    ceilings = [r.cap.ceiling(known) for r in rules if r.cap and r.applies(known)]
    assert all((answer.amount_cents or 0) <= ceiling for ceiling in ceilings)


@given(rule_sets, requests, st.randoms(use_true_random=False))
def test_order_of_rules_is_irrelevant(
    rules: list[Rule], request: PolicyRequest, chance: random.Random
) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)
    assert decide(shuffled, request) == decide(rules, request)


@given(rule_sets, requests)
def test_deciding_again_on_the_answer_changes_nothing(rules: list[Rule], request: PolicyRequest) -> None:
    first = decide(rules, request)
    again = decide(rules, request.model_copy(update={"amount_cents": first.amount_cents}))
    assert (again.outcome, again.amount_cents, again.approvers) == (
        first.outcome,
        first.amount_cents,
        first.approvers,
    )


@given(rule_sets, requests, st.sampled_from(NAMES))
def test_knowing_less_never_helps(rules: list[Rule], request: PolicyRequest, forgotten: str) -> None:
    known = {name: value for name, value in request.facts.items() if name != forgotten}
    full, less = decide(rules, request), decide(rules, request.model_copy(update={"facts": known}))
    if full.outcome is not Outcome.DENY:
        assert (less.amount_cents or 0) <= (full.amount_cents or 0)
    if less.amount_cents == full.amount_cents:
        assert RANK[less.outcome] <= RANK[full.outcome]


@given(rule_sets, requests)
def test_approvers_never_include_someone_over_the_limit(rules: list[Rule], request: PolicyRequest) -> None:
    answer = decide(rules, request)
    assert (answer.outcome is Outcome.NEEDS_APPROVAL) == bool(answer.approvers)
    for approver in answer.approvers:
        retry = PolicyRequest(
            tool="pay", role=approver, amount_cents=answer.amount_cents, facts=dict(request.facts)
        )
        assert decide(rules, retry).outcome is Outcome.ALLOW
