"""What speaks against a hypothesis, as sentences whose numbers code puts in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tools.evidence import Evidence
from tools.findings import HypothesisId, Objection
from tools.hypotheses import HYPOTHESES

Rule = tuple[str, Callable[[Mapping[str, Any]], bool], str]
"""Tool, whether its result speaks against, and the sentence; `{id}` stands for the evidence."""

NOTICEABLE_Z: Final = 2.0
COMMON_SHARE: Final = 0.2
"""An effect that as many earlier dates show is nothing special."""


def objections(
    id_: HypothesisId,
    evidence: Sequence[Evidence],
    *,
    upstream: HypothesisId | None,
    untested: Sequence[HypothesisId] = (),
) -> tuple[Objection, ...]:
    """The objections that the evidence holds, in the order of the rules.

    Args:
        id_: the hypothesis.
        evidence: its battery's.
        upstream: the cause whose consequence its driver is, if it is one.
        untested: causes whose consequence its driver may be, as they could not be tested.
    """
    found = []
    for tool, against, sentence in RULES:
        for item in evidence:
            if item.tool == tool and against(item.result):
                text = sentence.replace("{id}", item.id)
                found.append(Objection(evidence=item.id, text=text))
    if upstream is not None:
        found = _as_consequence(evidence, upstream) + found
    return (*_perhaps_consequence(evidence, untested), *found)


def _perhaps_consequence(evidence: Sequence[Evidence], untested: Sequence[HypothesisId]) -> list[Objection]:
    own = next((item for item in evidence if item.tool == "mechanism_shift"), None)
    if own is None or float(own.result["z_conditional"]) < NOTICEABLE_Z:
        return []
    text = (
        "{} could not be tested; the move of {{{{{}.z_conditional}}}} standard errors may be its consequence."
    )
    return [Objection(evidence=own.id, text=text.format(HYPOTHESES[one].title, own.id)) for one in untested]


def _as_consequence(evidence: Sequence[Evidence], upstream: HypothesisId) -> list[Objection]:
    own = next((item for item in evidence if item.tool == "mechanism_shift"), None)
    if own is None:
        return []
    text = (
        f"It moved as a consequence of {HYPOTHESES[upstream].title.lower()}: {{{{{own.id}.z_marginal}}}} standard "
        f"errors in all, {{{{{own.id}.z_conditional}}}} by itself."
    )
    return [Objection(evidence=own.id, text=text)]


def _checks_failed(result: Mapping[str, Any]) -> bool:
    return not result["survived"]


def _broken_by(check: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda result: result[check]["passed"] is False


RULES: Final[tuple[Rule, ...]] = (
    (
        "mechanism_shift",
        lambda r: r["z_conditional"] < NOTICEABLE_Z,
        "Its own driver did not move: {{{id}.z_conditional}} standard errors at like conditions.",
    ),
    (
        "mechanism_shift",
        lambda r: r["z_conditional"] >= NOTICEABLE_Z and r["explained_share"] < 0.2,
        "What its driver moved explains only {{{id}.explained_share}} of the worsening.",
    ),
    (
        "mechanism_shift",
        lambda r: r["z_conditional"] >= NOTICEABLE_Z and r["contrast_share"] < 0.1,
        "The rest of the business moved as well: {{{id}.outside_ratio}} times as much.",
    ),
    (
        "supply_shift",
        lambda r: r["z"] > -NOTICEABLE_Z,
        "Couriers online were as usual for the hours of the week: {{{id}.z}} standard errors.",
    ),
    (
        "volume_shift",
        lambda r: r["z"] < NOTICEABLE_Z,
        "Orders were as usual for the hours of the week: {{{id}.z}} standard errors.",
    ),
    ("onset_order", lambda r: r["driver_moved"] and r["lead_s"] < 0, "Its driver moved after the outcome."),
    (
        "changes_in_scope",
        lambda r: r["n_changes"] == 0,
        "No change of this kind is recorded that shares orders with the incident.",
    ),
    ("policy_effect", _checks_failed, "The effect of the change did not survive its checks."),
    (
        "policy_effect",
        lambda r: r.get("pre_trend_seen") is True,
        "Its scope and the rest had parted before the change: the chance of such luck is {{{id}.p_pre_trend}}.",
    ),
    (
        "policy_effect",
        lambda r: (r.get("placebo_dates_share") or 0.0) >= COMMON_SHARE,
        "At {{{id}.placebo_dates_share}} of the earlier dates, without a change, the effect is as large.",
    ),
    (
        "policy_effect",
        lambda r: r.get("dose_agrees") is False,
        "Over the {{{id}.n_dose_levels}} values that the policy had, the outcome did not always move with it.",
    ),
    ("mix_effect", lambda r: r["mix_share"] < 0.2, "The mix of orders explains only {{{id}.mix_share}}."),
    (
        "context_overlap",
        lambda r: r["kind"] is None,
        "No recorded event touches the incident.",
    ),
    (
        "context_overlap",
        lambda r: r["kind"] is not None and r["explained_share"] < 0.2,
        "By what such events cost, they explain only {{{id}.explained_share}}.",
    ),
    (
        "completeness",
        lambda r: r["z"] < NOTICEABLE_Z,
        "Records are as complete as usual: {{{id}.z}} standard errors.",
    ),
    (
        "outcome_shift",
        lambda r: r["z"] >= 3.0,
        "The change is {{{id}.z}} standard errors away from what days differ by anyway.",
    ),
    (
        "stock_shift",
        lambda r: max(r["z"], r["z_items"]) < NOTICEABLE_Z,
        "Stock and order lines were as usual: {{{id}.z_items}} standard errors.",
    ),
    (
        "promise_shift",
        lambda r: r["promise_part_share"] < 0.5,
        "Delivery itself became slower; shorter promises made {{{id}.promise_part_share}} of the loss of slack.",
    ),
    (
        "challenge",
        _broken_by("dates"),
        "Of {{{id}.dates.n_tested}} earlier windows without an incident, {{{id}.dates.n_as_strong}} show as much.",
    ),
    (
        "challenge",
        _broken_by("parts"),
        "It rests on a part of the slice: without that its share falls to {{{id}.parts.smallest_share}}.",
    ),
    (
        "challenge",
        _broken_by("slices"),
        "Of {{{id}.slices.n_tested}} like slices outside of it, {{{id}.slices.n_as_strong}} moved as strongly.",
    ),
    (
        "challenge",
        _broken_by("rival"),
        "A rival, {{{id}.rival.rival}}, accounts for {{{id}.rival.rival_share}} beside {{{id}.rival.leader_share}}.",
    ),
)
