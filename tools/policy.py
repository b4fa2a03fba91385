"""The rule engine: applies the machine-readable rules of policy clauses to a request to act.

`decide(rules, request)` is a pure function with one principle: whatever is not known counts against the
request. Deny beats approval, approval beats permission, no permission is a denial; so neither the order of
the rules nor a missing fact can ever make an answer more generous.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from tools.comparison import Comparison, Scalar

Cents = Annotated[StrictInt, Field(ge=0)]
Limit = Cents | Literal["unlimited"]
RESERVED = ("role", "amount_cents")
"""Facts that the request itself supplies."""


class Role(StrEnum):
    """Who asks: the four tiers of order handling, and the two roles of the incident side."""

    AUTOMATED = "automated"
    OPERATOR = "operator"
    SENIOR = "senior"
    MANAGER = "manager"
    ML_ENGINEER = "ml_engineer"
    PRODUCT_MANAGER = "product_manager"


class Outcome(StrEnum):
    """What may happen to a request."""

    ALLOW = "allow"
    NEEDS_APPROVAL = "needs_approval"
    DENY = "deny"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FactCondition(Comparison):
    """A comparison of one fact of the request."""

    fact: str

    def judge(self, facts: Mapping[str, Scalar]) -> bool | None:
        """True, False, or None where the fact is unknown or of another kind."""
        return self.compare(facts.get(self.fact))


class Cap(_Model):
    """The most that may be paid: a fixed sum, or a percentage of a fact less another.

    Example:
        >>> Cap(fact="order_value_cents", percent=50, less="refunded_cents").ceiling(
        ...     {"order_value_cents": 4001, "refunded_cents": 1000})
        1000
    """

    cents: Cents | None = None
    fact: str | None = None
    percent: Annotated[StrictInt, Field(ge=0, le=1000)] = 100
    less: str | None = None

    @model_validator(mode="after")
    def _one_base(self) -> "Cap":
        if (self.cents is None) == (self.fact is None):
            raise ValueError("a cap names either cents or a fact")
        return self

    def ceiling(self, facts: Mapping[str, Scalar]) -> int:
        """In cents, rounded down, never negative; 0 where a fact it needs is unknown."""
        base = self.cents if self.fact is None else _cents(facts, self.fact)
        spent = 0 if self.less is None else _cents(facts, self.less)
        return 0 if base is None or spent is None else max(base * self.percent // 100 - spent, 0)


def _cents(facts: Mapping[str, Scalar], name: str) -> int | None:
    value = facts.get(name)
    return value if type(value) is int and value >= 0 else None


class Rule(_Model):
    """What a clause says to the machine.

    `allow` permits, up to the limit of the asking role; above it a role whose limit covers the amount must
    approve. `needs_approval` and `deny` restrict. `cap` lowers the amount and permits nothing.
    """

    clause: str
    version: Annotated[int, Field(ge=1)]
    tools: Annotated[tuple[str, ...], Field(min_length=1)]
    effect: Literal["allow", "needs_approval", "deny", "cap"]
    when: tuple[FactCondition, ...] = ()
    """All must hold."""
    limits: dict[Role, Limit] | None = None
    """`allow` only: cents each role may spend on one call; a role that is not named is not permitted."""
    approvers: tuple[Role, ...] = ()
    """`needs_approval` only: any one of them."""
    cap: Cap | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_tool(cls, raw: object) -> object:
        """`tool: name` is short for `tools: [name]`."""
        if isinstance(raw, Mapping) and "tool" in raw and "tools" not in raw:
            return {**{k: v for k, v in raw.items() if k != "tool"}, "tools": [raw["tool"]]}
        return raw

    @model_validator(mode="after")
    def _fits_effect(self) -> "Rule":
        needed = {"limits": "allow", "approvers": "needs_approval", "cap": "cap"}
        for name, effect in needed.items():
            if getattr(self, name) and self.effect != effect:
                raise ValueError(f"{name} belongs to {effect}, not {self.effect}")
        if self.effect == "needs_approval" and not self.approvers:
            raise ValueError("needs_approval names approvers")
        if self.effect == "cap" and self.cap is None:
            raise ValueError("a cap rule carries a cap")
        if self.effect == "cap" and any(c.fact == "amount_cents" for c in self.when):
            raise ValueError("a cap may not depend on the amount that it changes")
        return self

    @property
    def reference(self) -> str:
        """`clause@version`, as decisions and quotes cite it."""
        return f"{self.clause}@{self.version}"

    def applies(self, facts: Mapping[str, Scalar]) -> bool:
        """Whether it binds: an unknown fact silences a permission and awakens a restriction."""
        judged = [condition.judge(facts) for condition in self.when]
        if self.effect == "allow":
            return all(verdict is True for verdict in judged)
        return all(verdict is not False for verdict in judged)


class PolicyRequest(_Model):
    """A wish to call a WRITE tool."""

    tool: str
    role: Role
    amount_cents: StrictInt | None = None
    """Money the call moves, in minor units; None for tools that move none."""
    facts: dict[str, StrictBool | StrictInt | StrictFloat | StrictStr] = {}
    """What is known of the case, from records; never from the text of a message."""

    @field_validator("facts")
    @classmethod
    def _no_reserved(cls, facts: dict[str, Scalar]) -> dict[str, Scalar]:
        taken = sorted(set(RESERVED) & set(facts))
        if taken:
            raise ValueError(f"fact {taken[0]!r} is taken from the request itself")
        return facts

    def known(self, amount: int | None) -> dict[str, Scalar]:
        """All facts, with this amount in place of the one asked for."""
        own: dict[str, Scalar] = {"role": self.role.value}
        if amount is not None:
            own["amount_cents"] = amount
        return {**self.facts, **own}


class Decision(_Model):
    """The answer to a request."""

    outcome: Outcome
    amount_cents: int | None
    """What may be paid; 0 on a denial, None where the request names no money."""
    approvers: tuple[Role, ...] = ()
    """Any one of them may approve."""
    clauses: tuple[str, ...]
    """`clause@version` of every rule that made the answer, sorted."""
    reason: str


def decide(rules: Iterable[Rule], request: PolicyRequest) -> Decision:
    """Apply policy to a request.

    Args:
        rules: of any clauses, in any order; those for other tools are ignored.
        request: the tool, the asking role, the amount and what is known.

    Example:
        >>> rule = Rule(clause="REF-5", version=1, tools=("issue_refund",), effect="allow",
        ...             limits={Role.SENIOR: 20000, Role.MANAGER: "unlimited"})
        >>> ask = PolicyRequest(tool="issue_refund", role=Role.SENIOR, amount_cents=25000)
        >>> decide([rule], ask).outcome.value, decide([rule], ask).approvers
        ('needs_approval', (<Role.MANAGER: 'manager'>,))
        >>> decide([], ask).reason
        'no clause permits issue_refund for senior'
    """
    mine = sorted((r for r in rules if request.tool in r.tools), key=_sort_key)
    if request.amount_cents is not None and request.amount_cents <= 0:
        return _deny(request, (), f"amount_cents = {request.amount_cents}, must be above 0")
    amount, caps = _capped(mine, request)
    if amount == 0:
        return _deny(request, caps, "nothing is left to pay")
    facts = request.known(amount)
    binding = [rule for rule in mine if rule.effect != "cap" and rule.applies(facts)]
    denials = [rule for rule in binding if rule.effect == "deny"]
    if denials:
        return _deny(request, denials, _because(denials, facts, "forbids it"))
    permits = [r for r in binding if r.effect == "allow" and _covers(r, request.role, amount)]
    if not permits:
        return _deny(request, (), f"no clause permits {request.tool} for {request.role.value}")
    demands = [rule for rule in binding if rule.effect == "needs_approval"]
    return _grant(request, amount, _Grounds(permits, demands, caps))


@dataclass(frozen=True)
class _Grounds:
    permits: list[Rule]
    demands: list[Rule]
    caps: list[Rule]


def _sort_key(rule: Rule) -> str:
    return f"{rule.reference} {rule.model_dump_json()}"


def _capped(rules: Sequence[Rule], request: PolicyRequest) -> tuple[int | None, list[Rule]]:
    if request.amount_cents is None:
        return None, []
    facts = request.known(None)
    ceilings = [(rule, rule.cap.ceiling(facts)) for rule in rules if rule.cap and rule.applies(facts)]
    amount = min([request.amount_cents, *(ceiling for _, ceiling in ceilings)])
    return amount, [rule for rule, ceiling in ceilings if ceiling == amount < request.amount_cents]


def _covers(rule: Rule, role: Role, amount: int | None) -> bool:
    """Money needs a clause with limits, and a clause with limits needs an amount."""
    if amount is None:
        return rule.limits is None
    return rule.limits is not None and role in rule.limits


def _grant(request: PolicyRequest, amount: int | None, grounds: _Grounds) -> Decision:
    """One permission is enough (the most generous counts); every demand must be met."""
    free = [rule for rule in grounds.permits if request.role in _may_say_yes(rule, amount)]
    permits = free or grounds.permits
    by_limit = set[Role]().union(*(_may_say_yes(rule, amount) for rule in permits))
    open_demands = [rule for rule in grounds.demands if request.role not in rule.approvers]
    waits = bool(open_demands) or not free
    approvers = by_limit.intersection(*(rule.approvers for rule in grounds.demands))
    if waits and not approvers:
        return _deny(request, [*permits, *open_demands], "no role may approve this amount")
    asking = open_demands if free else [*permits, *open_demands]
    verb = f"asks for approval by {' or '.join(_ordered(approvers))}" if waits else "permits it"
    lowered = f"; lowered from {request.amount_cents} to {amount} cents" if grounds.caps else ""
    return Decision(
        outcome=Outcome.NEEDS_APPROVAL if waits else Outcome.ALLOW,
        amount_cents=amount,
        approvers=_ordered(approvers) if waits else (),
        clauses=_references([*permits, *open_demands, *grounds.caps]),
        reason=f"{_names(asking if waits else permits)} {verb}{lowered}",
    )


def _may_say_yes(rule: Rule, amount: int | None) -> frozenset[Role]:
    """The roles whose limit covers the amount; every role where no money moves."""
    if rule.limits is None or amount is None:
        return frozenset(Role)
    return frozenset(role for role, limit in rule.limits.items() if _within(amount, limit))


def _within(amount: int, limit: Limit) -> bool:
    return limit == "unlimited" or amount <= limit


def _ordered(roles: Iterable[Role]) -> tuple[Role, ...]:
    return tuple(role for role in Role if role in set(roles))


def _deny(request: PolicyRequest, rules: Iterable[Rule], reason: str) -> Decision:
    return Decision(
        outcome=Outcome.DENY,
        amount_cents=None if request.amount_cents is None else 0,
        clauses=_references(rules),
        reason=reason,
    )


def _because(rules: Sequence[Rule], facts: Mapping[str, Scalar], verb: str) -> str:
    unknown = sorted({c.fact for rule in rules for c in rule.when if c.judge(facts) is None})
    return f"{_names(rules)} {verb}" + (f" (unknown: {', '.join(unknown)})" if unknown else "")


def _references(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(sorted({rule.reference for rule in rules}))


def _names(rules: Iterable[Rule]) -> str:
    return ", ".join(_references(rules))
