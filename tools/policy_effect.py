"""The effect of a recorded change: difference-in-differences with its checks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import PolicyChange
from tools.changes_in_scope import Family, changes_nothing, matching
from tools.checks import CheckResult
from tools.did import DidEstimate, estimate
from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentArguments, positions, slice_mask
from tools.memo import memo
from tools.metrics import METRICS
from tools.outcomes import harm
from tools.placebo import PlaceboTest, placebo_test
from tools.policy_checks import PolicyChecks, policy_checks
from tools.policy_levels import dosed
from tools.registry import Cost, ToolContext, tool
from tools.staggered import two_stage
from tools.unit_periods import unit_periods

Floats = npt.NDArray[np.float64]

PRE_TREND_DAYS: Final = 7
DAY_S: Final = 86_400.0
ENOUGH_PLACEBOS: Final = 19
"""With fewer, p cannot be as small as .05."""
Z95: Final = 1.96


class PolicyEffectArguments(IncidentArguments):
    """Which change, and around which incident."""

    family: Family = "any"
    """The best-matching change of this family is judged, unless `change_id` names one."""
    change_id: str | None = None
    """A change of policy_changes."""


class PolicyEffectResult(PolicyChecks):
    """How much worse the change made the outcome in its scope; positive is harm."""

    change_id: str
    policy: str
    effect_pp: float | None
    """Rates: change in scope minus change outside it."""
    error_pp: float | None
    """Standard error clustered by store; empty where the clusters are too few for it to be honest."""
    effect_s: float | None
    """Durations: change in scope minus change outside it."""
    error_s: float | None
    low_pp: float | None
    """Of the 95 % interval: it allows for stores that differ and for days that hit all of them, as placebos show."""
    high_pp: float | None
    low_s: float | None
    high_s: float | None
    z_clustered: float | None
    """Effect in clustered standard errors."""
    p_placebo: float | None
    """Share of space-time placebos at least as large."""
    n_placebos: int
    explained_share: float
    """Effect in scope x orders in scope, as a share of the incident's worsening."""
    rollout_effect_pp: float | None
    """Of the policy's change in all scopes that it reached one after the other, in two stages; empty for durations, and
    where it reached no other scope."""
    pre_trend_ratio: float
    """Over the effect: the same arithmetic on the last week before the change: what was already under way."""
    n_units: int
    n_treated_units: int
    survived: bool
    """Every check that could be made was passed, and one of them was the placebo or the clustered test."""
    checks: tuple[CheckResult, ...]


@tool(cost=Cost.MODERATE)
def policy_effect(context: ToolContext, arguments: PolicyEffectArguments) -> PolicyEffectResult:
    """Effect of a recorded change by difference-in-differences, with its checks.

    Beside it: leads and lags with the smallest trend they would have shown, earlier dates, and whether more of the
    policy did more where it had several values.

    Refuses, with the reason, where no change matches or no control exists. Do not use it for causes other than
    recorded changes.
    """
    context.dataset.require("policy_changes")
    change = _choose(context, arguments)
    days, seed, end = context.settings.baseline_days, context.settings.seed, arguments.end
    same = _same_policy(
        context.dataset.policy_changes(), change, change.changed_at - timedelta(days=days), end
    )
    facts = context.dataset.facts()
    key = ("policy_effect", change.change_id, arguments.metric, end, days, seed)
    return memo(
        context.dataset,
        key,
        lambda: judge(facts, change, metric=arguments.metric, end=end, days=days, others=same, seed=seed),
    )


def judge(
    facts: pd.DataFrame,
    change: PolicyChange,
    *,
    metric: str,
    end: datetime,
    days: int,
    others: Sequence[PolicyChange] = (),
    seed: int = 7,
) -> PolicyEffectResult:
    """`policy_effect` of one change on plain facts.

    Args:
        facts: orders.
        change: what is judged.
        metric: of the outcome.
        end: of the incident.
        days: looked at before the change.
        others: other changes of the same policy in the period; what those at other times reached is no control from then
            on, and all of them tell the doses.
        seed: of the bootstrap.

    Raises:
        ToolFailure: there is no control, or nothing before or after the change.
    """
    later = [other for other in others if other.changed_at != change.changed_at]
    everything = _panel(facts, change, later, metric, end, days)
    panel = everything[~everything["reached"] | (everything["treated"] == 1)]
    counted = unit_periods(panel, outcome="y", unit="unit", time="time")
    cells = counted.frame().assign(treated=lambda c: _in_scope(c["unit"]) * (c["time"] >= 0))
    did = estimate(cells, outcome="y", unit="unit", time="time", treated="treated", weights="w")
    before = cells[cells["time"] < 0]
    trend = _lead(before.assign(lead=_in_scope(before["unit"]) * (before["time"] >= -PRE_TREND_DAYS)))
    placebo = _placebo(panel)
    checks = (_judge_trend(trend, did), _judge_placebo(placebo), _judge_clusters(did))
    low, high = _interval(did, placebo)
    treated = panel["treated"].to_numpy() == 1
    seconds = metric in METRICS and METRICS[metric].unit == "s"
    tested = [check for check in checks if check.passed is not None]
    beside = policy_checks(
        counted,
        counted.units % 2 == 1,
        did,
        change=change,
        dosed=lambda: dosed(everything, facts, [change, *others]),
        seconds=seconds,
        seed=seed,
    )
    return PolicyEffectResult(
        change_id=change.change_id,
        policy=change.policy,
        effect_pp=None if seconds else 100.0 * did.effect,
        error_pp=None if seconds or did.error is None else 100.0 * did.error,
        effect_s=did.effect if seconds else None,
        error_s=did.error if seconds else None,
        low_pp=None if seconds or low is None else 100.0 * low,
        high_pp=None if seconds or high is None else 100.0 * high,
        low_s=low if seconds else None,
        high_s=high if seconds else None,
        z_clustered=did.t,
        p_placebo=placebo.p if placebo else None,
        n_placebos=placebo.placebos if placebo else 0,
        explained_share=_explained(panel, treated, did.effect),
        rollout_effect_pp=None if seconds or not later else _rollout(everything),
        pre_trend_ratio=_ratio(trend.effect, did.effect) if trend else 0.0,
        n_units=did.units,
        n_treated_units=did.treated_units,
        survived=did.effect > 0
        and all(check.passed for check in tested)
        and any(check.name != "pre-trend" for check in tested),
        checks=checks,
        **beside.model_dump(),
    )


def _choose(context: ToolContext, arguments: PolicyEffectArguments) -> PolicyChange:
    changes = context.dataset.policy_changes()
    wanted = arguments.change_id
    if wanted is None:
        found = matching(context, arguments, arguments.family)
        if not found:
            kind = "" if arguments.family == "any" else f"{arguments.family} "
            raise ToolFailure(f"no recorded {kind}change near the onset shares orders with the incident")
        wanted = found[0].change_id
    for change in changes:
        if change.change_id == wanted:
            return change
    raise ToolFailure(f"change_id = {wanted!r}: no such change is recorded")


def _same_policy(
    changes: Sequence[PolicyChange], change: PolicyChange, start: datetime, end: datetime
) -> tuple[PolicyChange, ...]:
    """Other changes of the same policy in the period looked at."""
    return tuple(
        other
        for other in changes
        if other.policy == change.policy
        and other.change_id != change.change_id
        and start <= other.changed_at < end
        and not changes_nothing(other)
    )


def _rollout(panel: pd.DataFrame) -> float | None:
    """The effect where any of the changes had arrived, in points; None where nothing stayed without one long enough."""
    reached = panel.assign(any=((panel["treated"] == 1) | panel["reached"]).astype(np.int64))
    try:
        return 100.0 * two_stage(reached, outcome="y", unit="unit", time="time", treated="any")
    except ToolFailure:
        return None


def _panel(
    facts: pd.DataFrame,
    change: PolicyChange,
    others: Sequence[PolicyChange],
    metric: str,
    end: datetime,
    days: int,
) -> pd.DataFrame:
    if end <= change.changed_at:
        raise ToolFailure("not testable: the change took effect after the incident ended")
    time = facts["order_time"]
    first, stop = positions(time, (change.changed_at - timedelta(days=days), end))
    rows = facts.iloc[first:stop]
    y = harm(rows, metric)
    scope = slice_mask(rows, change.scope)
    keep = ~np.isnan(y) & _same_hours(rows, change)
    elapsed = (rows["order_time"] - change.changed_at).dt.total_seconds().to_numpy()
    relative = np.floor(elapsed / DAY_S).astype(np.int64)
    if change.scope.hour is not None and not change.scope.values:
        keep = ~np.isnan(y)
    panel = pd.DataFrame(
        {
            "y": y,
            "time": relative,
            "in_scope": scope,
            "treated": (scope & (relative >= 0)).astype(np.int64),
            "reached": _reached(rows, others),
            "unit": _units(rows, scope),
            "cell": _cells(rows, change),
        }
    )[keep]
    if not (panel["time"] < 0).any():
        raise ToolFailure("not testable: nothing is known before the change")
    for when, treated in (("before", 0), ("after", 1)):
        if not (panel["in_scope"] & (panel["treated"] == treated)).any():
            raise ToolFailure(f"not testable: the change's scope has no orders {when} it in these data")
    return panel


def _reached(rows: pd.DataFrame, others: Sequence[PolicyChange]) -> Flags:
    """Which orders another change of the policy had reached, as far as its scope can be read in these data."""
    found = np.zeros(len(rows), dtype=bool)
    for other in others:
        if any(dimension not in rows for dimension, _ in other.scope.values):
            continue
        found |= slice_mask(rows, other.scope) & (rows["order_time"] >= other.changed_at).to_numpy()
    return found


def _same_hours(rows: pd.DataFrame, change: PolicyChange) -> Flags:
    if change.scope.hour is None:
        return np.ones(len(rows), dtype=bool)
    return np.isin(rows["hour"].to_numpy(), change.scope.hour.hours)


def _units(rows: pd.DataFrame, scope: Flags) -> npt.NDArray[np.int64]:
    names = ["store_id"] if "store_id" in rows else [n for n in ("region", "category") if n in rows]
    unit = np.zeros(len(rows), dtype=np.int64)
    for name in names:
        unit = unit * len(rows[name].cat.categories) + rows[name].cat.codes.to_numpy(dtype=np.int64)
    return unit * 2 + scope


def _in_scope(unit: "pd.Series[int]") -> "pd.Series[int]":
    return unit % 2


def _cells(rows: pd.DataFrame, change: PolicyChange) -> npt.NDArray[np.int64]:
    """Parts of the business of the scope's own shape: the same dimensions, all values."""
    cell = np.zeros(len(rows), dtype=np.int64)
    for name, _ in change.scope.values:
        cell = cell * len(rows[name].cat.categories) + rows[name].cat.codes.to_numpy(dtype=np.int64)
    return cell


def _lead(before: pd.DataFrame) -> DidEstimate | None:
    try:
        return estimate(before, outcome="y", unit="unit", time="time", treated="lead", weights="w")
    except ToolFailure:
        return None


def _placebo(panel: pd.DataFrame) -> PlaceboTest | None:
    cells, cell = np.unique(panel["cell"].to_numpy(), return_inverse=True)
    low = int(panel["time"].min())
    periods = int(panel["time"].max()) - low + 1
    flat = cell * periods + panel["time"].to_numpy() - low
    size = len(cells) * periods
    count = np.bincount(flat, minlength=size).astype(np.float64).reshape(len(cells), periods)
    summed = np.bincount(flat, weights=panel["y"].to_numpy(dtype=np.float64), minlength=size)
    total = np.asarray(summed, dtype=np.float64).reshape(len(cells), periods)
    treated = np.unique(cell[panel["in_scope"].to_numpy()])
    if len(treated) != 1:
        return None
    ordinary = panel["y"].to_numpy(dtype=np.float64)[panel["treated"].to_numpy() == 0]
    return placebo_test(
        total, count, treated=int(treated[0]), window=periods + low, variance=float(ordinary.var())
    )


def _interval(did: DidEstimate, placebo: PlaceboTest | None) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of an effect; nothing where neither clusters nor placebos are enough.

    Errors clustered by store do not know of days that hit all stores of the scope alike; placebos do (Conley and Taber
    2011), but they know nothing of how orders differ under the change. The interval adds the variance of both.
    """
    enough = placebo is not None and placebo.placebos >= ENOUGH_PLACEBOS
    if did.error is None and not enough:
        return None, None
    shock = 0.0
    if placebo is not None and enough:
        shock = placebo.spread if did.error is None else placebo.shock
    half = Z95 * float(np.hypot(did.error or 0.0, shock))
    return did.effect - half, did.effect + half


def _explained(panel: pd.DataFrame, treated: Flags, effect: float) -> float:
    """Share of the change since then, in scope, that is more than what happened elsewhere."""
    scope, y = panel["in_scope"].to_numpy(), panel["y"].to_numpy()
    change = float(y[treated].mean() - y[scope & ~treated].mean())
    return float(np.clip(effect / change, -1.0, 2.0)) if change else 0.0


def _ratio(part: float, whole: float) -> float:
    return float(np.clip(part / whole, -9.0, 9.0)) if whole else 0.0


def _judge_trend(trend: DidEstimate | None, did: DidEstimate) -> CheckResult:
    if trend is None:
        return CheckResult(name="pre-trend", passed=None, text="too little lies before the change")
    small = abs(trend.effect) <= 0.25 * abs(did.effect)
    quiet = trend.t is not None and abs(trend.t) < 2.0
    text = f"in the last {PRE_TREND_DAYS} days before the change the scope had moved by {trend.effect:+.4f}"
    return CheckResult(name="pre-trend", passed=small or quiet, text=text)


def _judge_placebo(placebo: PlaceboTest | None) -> CheckResult:
    if placebo is None or placebo.placebos < ENOUGH_PLACEBOS:
        return CheckResult(name="placebo", passed=None, text="too few other places and times to compare with")
    text = f"p = {placebo.p:.3f} among {placebo.placebos} placebo changes"
    return CheckResult(name="placebo", passed=placebo.p <= 0.05, text=text)


def _judge_clusters(did: DidEstimate) -> CheckResult:
    if did.t is None:
        text = f"{did.treated_units} treated of {did.units} stores: too few for clustered errors"
        return CheckResult(name="clustered", passed=None, text=text)
    text = f"t = {did.t:.2f} with {did.units} stores, {did.treated_units} treated"
    return CheckResult(name="clustered", passed=did.t >= 2.0, text=text)
