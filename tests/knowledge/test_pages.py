"""The shipped pages: well-formed, without contradictions, and deciding as their words say."""

import pytest

from knowledge import library
from tools.metrics import METRICS
from tools.plan_metrics import HARM, LEAST_HARM
from tools.plan_text import BAND_DAYS, SAFETY_SHARE
from tools.policy import Decision, Outcome, PolicyRequest, Role, decide
from tools.ports import PassageKind
from tools.power import POWER
from tools.settings import AnalysisSettings

CLAUSES = {clause.id: clause for page in library.pages() for clause in page.clauses}
RULES = library.rules()
LADDER = (Role.AUTOMATED, Role.OPERATOR, Role.SENIOR, Role.MANAGER)


def test_every_kind_has_pages_and_every_id_is_unique() -> None:
    found = library.pages()
    assert {page.kind for page in found} == {PassageKind.POLICY, PassageKind.SLA, PassageKind.TEMPLATE}
    assert len(CLAUSES) == sum(len(page.clauses) for page in found)
    assert len({page.id for page in found}) == len(found)
    assert len(CLAUSES) > 80


def test_clause_finds_by_id() -> None:
    assert library.clause("REF-5").reference == "REF-5@1"
    with pytest.raises(KeyError):
        library.clause("REF-99")


def test_every_tool_that_is_restricted_is_also_permitted_somewhere() -> None:
    restricted = {tool for rule in RULES for tool in rule.tools}
    permitted = {tool for rule in RULES if rule.effect == "allow" for tool in rule.tools}
    assert restricted == permitted


def test_limits_grow_with_the_tier() -> None:
    for rule in RULES:
        limits = [rule.limits[role] for role in LADDER if rule.limits and role in rule.limits]
        amounts = [float("inf") if limit == "unlimited" else limit for limit in limits]
        assert amounts == sorted(amounts), rule.reference


@pytest.mark.parametrize(("clause", "kind"), [("REF-5", "refund"), ("SHP-4", "upgrade")])
def test_tiers_and_rules_name_the_same_limits(clause: str, kind: str) -> None:
    tiers = {Role(CLAUSES[f"ESC-{n}"].values["role"]): CLAUSES[f"ESC-{n}"].values for n in (1, 2, 3, 4)}
    assert tuple(tiers) == LADDER
    (limits,) = (rule.limits for rule in CLAUSES[clause].rules if rule.limits)
    assert limits == {role: values[f"{kind}_limit_cents"] for role, values in tiers.items()}


def test_a_manager_may_approve_whatever_needs_approval() -> None:
    assert all(Role.MANAGER in rule.approvers for rule in RULES if rule.effect == "needs_approval")
    assert not any(Role.AUTOMATED in rule.approvers for rule in RULES)


def test_a_product_manager_only_looks_and_stops() -> None:
    permitting = [r for r in RULES if r.effect == "allow" and not r.limits]
    tools = {tool for r in permitting if r.applies({"role": "product_manager"}) for tool in r.tools}
    assert tools == {"stop_experiment"}
    assert not any(Role.PRODUCT_MANAGER in (rule.limits or {}) for rule in RULES)


def test_severities_fall_and_clocks_lengthen() -> None:
    order = [CLAUSES[f"SEV-{n}"].values for n in (1, 2, 3)]
    risks = [values["risk_at_least"] for values in order]
    clocks = [values["first_response_s"] for values in order]
    assert risks == sorted(risks, reverse=True)
    assert clocks == sorted(clocks)
    assert [values["answers"] for values in order] == ["senior", "operator", "automated"]
    incidents = CLAUSES["SLA-1"].values
    assert incidents["critical_s"] < incidents["high_s"] < incidents["medium_s"] < incidents["low_s"]


def test_delay_steps_follow_each_other() -> None:
    days = [
        CLAUSES["SHP-3"].values["notify_after_days"],
        CLAUSES["SHP-4"].values["upgrade_after_days"],
        CLAUSES["SHP-5"].values["manager_after_days"],
        CLAUSES["SHP-6"].values["lost_after_days"],
    ]
    assert days == sorted(days)


def test_service_levels_are_the_targets_of_the_metrics() -> None:
    levels = {
        metric: CLAUSES[clause].values
        for metric, clause in (("on_time", "SLA-10"), ("item_accuracy", "SLA-11"), ("cancellation", "SLA-12"))
    }
    assert levels["on_time"]["target_share"] == METRICS["on_time"].target
    assert levels["on_time"]["floor_share"] == METRICS["on_time"].floor
    assert levels["item_accuracy"]["item_accuracy_target_share"] == METRICS["item_accuracy"].target
    assert levels["cancellation"]["cancellation_target_share"] == METRICS["cancellation"].target


def test_numbers_said_twice_are_the_same() -> None:
    assert CLAUSES["GRD-2"].values["efficiency_floor"] == AnalysisSettings().efficiency_floor
    assert CLAUSES["SLA-30"].values["economy_share"] >= CLAUSES["CAR-3"].values["review_below_share"]
    assert CLAUSES["WHS-1"].values["overflow_at_share"] == next(
        c.at_least for r in CLAUSES["WHS-1"].rules for c in r.when if c.fact == "target_load_share"
    )
    assert CLAUSES["EXP-3"].values["stages"][0] == CLAUSES["EXP-3"].rules[0].when[0].above == SAFETY_SHARE
    assert CLAUSES["INC-4"].values["recovered_days"] == BAND_DAYS
    assert CLAUSES["GRD-1"].values["worse_by_share"] == HARM
    assert CLAUSES["GRD-1"].values["least_pp"] == 100 * LEAST_HARM
    assert CLAUSES["EXP-2"].values["power_at_least"] == POWER


REFUND = {
    "reason": "damaged", "photo": True, "days_since_delivery": 2, "days_since_order": 3, "mode": "road",
    "clearance": False, "carrier_fault": False, "handed_over": True, "reshipped": False,
    "refund_requests_90d": 0, "order_exists": True, "customer_owns_order": True, "request_already_granted": False,
    "order_paid_cents": 6500, "goods_cents": 6000, "refunded_cents": 0,
}  # fmt: skip


def refund(amount: int, role: str = "senior", **facts: bool | int | str) -> Decision:
    known = REFUND | facts
    return decide(RULES, PolicyRequest(tool="issue_refund", role=role, amount_cents=amount, facts=known))


def test_refund_within_limits() -> None:
    answer = refund(6000)
    assert (answer.outcome, answer.amount_cents, answer.clauses) == (Outcome.ALLOW, 6000, ("REF-5@1",))


def test_refund_is_never_more_than_the_goods_or_twice() -> None:
    assert refund(9_999_900).amount_cents == 6000
    assert refund(6500, carrier_fault=True).amount_cents == 6500
    assert refund(6000, refunded_cents=6000).outcome is Outcome.DENY
    assert refund(6000, request_already_granted=True).clauses == ("REF-12@1",)
    assert refund(-100).outcome is Outcome.DENY


def test_refund_by_an_agent_waits_for_a_senior() -> None:
    answer = refund(2000, "automated")
    assert (answer.outcome, answer.approvers) == (Outcome.NEEDS_APPROVAL, (Role.SENIOR, Role.MANAGER))
    assert refund(2000, "product_manager").outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("facts", "clause"),
    [
        ({"order_exists": False}, "REF-12@1"),
        ({"customer_owns_order": False}, "REF-12@1"),
        ({"photo": False}, "REF-2@1"),
        ({"days_since_delivery": 15}, "REF-2@1"),
        ({"clearance": True}, "REF-10@1"),
        ({"reshipped": True}, "REF-13@1"),
        ({"reason": "not_received", "days_past_promise": 2}, "REF-1@1"),
        ({"reason": "not_received", "days_past_promise": 5, "days_since_order": 31}, "REF-1@1"),
        ({"reason": "not_received", "mode": "courier", "hours_past_promise": 1}, "REF-1@1"),
        ({"reason": "cancelled"}, "REF-4@1"),
    ],
)
def test_refund_denied(facts: dict[str, bool | int | str], clause: str) -> None:
    answer = refund(1000, "manager", **facts)
    assert (answer.outcome, answer.clauses) == (Outcome.DENY, (clause,))


def test_refund_by_reason() -> None:
    assert refund(6000, reason="not_received", days_past_promise=3).outcome is Outcome.ALLOW
    assert refund(6000, reason="not_received", mode="courier", hours_past_promise=2).outcome is Outcome.ALLOW
    assert refund(6000, reason="cosmetic").amount_cents == 3000
    wrong = refund(6000, reason="wrong_item", item_value_cents=1200, item_refunded_cents=0)
    assert wrong.amount_cents == 1200
    assert refund(6500, reason="cancelled", handed_over=False).amount_cents == 6500
    assert refund(6500, reason="changed_mind").outcome is Outcome.DENY


def test_store_credit_is_a_tenth_more_than_the_refund() -> None:
    for facts in (
        {},
        {"reason": "cosmetic"},
        {"reason": "wrong_item", "item_value_cents": 1200, "item_refunded_cents": 0},
    ):
        money = refund(999_900, "manager", **facts).amount_cents
        ask = PolicyRequest(
            tool="issue_store_credit", role=Role.MANAGER, amount_cents=999_900, facts=REFUND | facts
        )
        credit = decide(RULES, ask).amount_cents
        assert money
        assert credit == money * 110 // 100


def test_frequent_refunds_are_looked_at() -> None:
    assert refund(1000, "operator", refund_requests_90d=4).approvers == (Role.SENIOR, Role.MANAGER)
    assert refund(1000, "senior", refund_requests_90d=4).outcome is Outcome.ALLOW


def act(tool: str, role: str, **facts: bool | float | str) -> Decision:
    return decide(RULES, PolicyRequest(tool=tool, role=Role(role), facts=facts))


Facts = dict[str, bool | float | str]
CHANGE: Facts = {
    "policy": "batching_threshold", "new_value": 3, "step": 1, "scope_orders_share": 0.05, "rollback_plan": True,
    "local_hour": 10, "incident_kind": "cx", "shrink_share": 0.0, "duration_h": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("role", "facts", "outcome"),
    [
        ("ml_engineer", {}, Outcome.ALLOW),
        ("manager", {}, Outcome.ALLOW),
        ("automated", {}, Outcome.NEEDS_APPROVAL),
        ("operator", {}, Outcome.DENY),
        ("product_manager", {}, Outcome.DENY),
        ("ml_engineer", {"step": 2}, Outcome.NEEDS_APPROVAL),
        ("ml_engineer", {"scope_orders_share": 0.5}, Outcome.NEEDS_APPROVAL),
        ("manager", {"new_value": 5}, Outcome.DENY),
        ("ml_engineer", {"rollback_plan": False}, Outcome.DENY),
        ("ml_engineer", {"local_hour": 18}, Outcome.DENY),
        ("ml_engineer", {"incident_kind": "data_quality"}, Outcome.DENY),
        ("manager", {"policy": "delivery_radius", "shrink_share": 0.5}, Outcome.DENY),
        ("ml_engineer", {"policy": "delivery_radius", "new_value": 9, "step": 3}, Outcome.ALLOW),
    ],
)
def test_change_policy(role: str, facts: Facts, outcome: Outcome) -> None:
    assert act("change_policy", role, **(CHANGE | facts)).outcome is outcome


def test_roll_back_is_quick_for_owners_and_prepared_by_agents() -> None:
    known: Facts = {"restores_previous_value": True, "verdict": "confirmed", "incident_kind": "cx"}
    assert act("roll_back_policy", "ml_engineer", **known).outcome is Outcome.ALLOW
    answer = act("roll_back_policy", "automated", **known)
    assert (answer.outcome, answer.clauses) == (Outcome.NEEDS_APPROVAL, ("DSP-1@1",))
    doubtful = act("roll_back_policy", "ml_engineer", **(known | {"verdict": "inconclusive"}))
    assert doubtful.approvers == (Role.MANAGER,)
    assert (
        act("roll_back_policy", "manager", **(known | {"restores_previous_value": False})).outcome
        is Outcome.DENY
    )


def test_experiments_start_small_and_stop_at_any_time() -> None:
    known: Facts = {
        "power": 0.8, "guardrails_defined": True, "exposure_share": 0.1, "overlaps_experiment": False,
        "open_critical_incident": False, "tests_its_remedy": False, "incident_kind": "cx",
    }  # fmt: skip
    assert act("start_experiment", "ml_engineer", **known).outcome is Outcome.ALLOW
    assert act("start_experiment", "ml_engineer", **(known | {"exposure_share": 0.5})).clauses == ("EXP-3@1",)
    assert act("start_experiment", "ml_engineer", **(known | {"power": 0.6})).clauses == ("EXP-2@1",)
    assert act("start_experiment", "automated", **known).outcome is Outcome.NEEDS_APPROVAL
    assert act("stop_experiment", "automated").outcome is Outcome.ALLOW


def test_messages_are_few_and_polite() -> None:
    known: Facts = {
        "severity": "warning", "is_reply": False, "messages_48h": 0, "length_chars": 300,
        "has_banned_phrase": False, "recipients": 1,
    }  # fmt: skip
    assert act("contact_customer", "automated", **known).outcome is Outcome.ALLOW
    cases: tuple[tuple[Facts, str], ...] = (
        ({"messages_48h": 1}, "COM-1@1"),
        ({"length_chars": 601}, "COM-3@1"),
        ({"has_banned_phrase": True}, "COM-4@1"),
        ({"severity": "info"}, "SEV-3@1"),
    )
    for facts, clause in cases:
        assert act("contact_customer", "automated", **{**known, **facts}).clauses == (clause,)
    assert act("contact_customer", "operator", **{**known, "recipients": 500}).approvers == (Role.MANAGER,)


def test_templates_hold_no_banned_phrase_and_fit_in_a_message() -> None:
    (page,) = (page for page in library.pages() if page.id == "templates/customers")
    for clause in page.clauses:
        assert not any(phrase in clause.text.lower() for phrase in CLAUSES["COM-4"].values["banned"])
        assert len(clause.text) <= 600
