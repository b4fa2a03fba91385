"""Whether an experiment may be read at all: the split, the log, and the outcomes of both arms.

References:
    Fabijan, A. et al. (2019). Diagnosing Sample Ratio Mismatch in Online Controlled Experiments. KDD.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from tools.experiment_data import Trial
from tools.metrics import METRICS, Metric
from tools.monitor_report import HealthCheck

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SILENT_EXPECTED: Final = 15
"""Events that a day must have led one to expect before their absence means that a feed has stopped."""
THIN_SHARE: Final = 0.5
"""A day with less than this share of the usual records an order has lost the others."""


class Limits(NamedTuple):
    """The plan's limits."""

    srm_p: float
    """A split less likely than this stops the reading."""
    missing_share: float
    """Orders without an arm or an outcome, or units with both arms, above which reading stops."""


def checks(trial: Trial, metrics: Sequence[str], limits: Limits) -> tuple[HealthCheck, ...]:
    """All checks, in the order in which a person should look at them.

    Args:
        trial: the joined data.
        metrics: ids that the plan reads.
        limits: of the plan.
    """
    chosen = [METRICS[name] for name in dict.fromkeys(metrics) if name in METRICS]
    return (
        *_split(trial, limits),
        _one_arm_a_unit(trial, limits),
        _assigned(trial, limits),
        _known(trial, limits),
        _outcomes(trial, limits),
        _feeds(trial, chosen),
    )


def split_p_value(treated: Bools, share: Floats, size: Floats) -> float:
    """How likely a split at least this uneven is when whole units are drawn.

    With units of one order each and one share it is the usual chi-square test; larger units count with all their
    orders, so that a busy evening in one arm is not taken for a broken split.

    Args:
        treated: arm by unit.
        share: its chance of the treatment.
        size: its orders; ones compare units.
    """
    spread = float((share * (1 - share) * size**2).sum())
    if spread <= 0:
        return 1.0
    return float(stats.chi2.sf(float((size * (treated - share)).sum()) ** 2 / spread, 1))


def _split(trial: Trial, limits: Limits) -> Iterator[HealthCheck]:
    seen = trial.orders.groupby("unit").size()
    units = trial.units.loc[seen.index[seen.index >= 0]]
    sizes = np.asarray(seen[seen.index >= 0], np.float64)
    treated, share = units["treated"].to_numpy(np.bool_), units["share"].to_numpy(np.float64)
    for name, size in (("split of units", np.ones(len(units))), ("split of orders", sizes)):
        yield _split_check(name, _Arms(treated, share, size), limits)
    if units["mixed"].any():
        # The arms of single orders were logged, and they differ within units: then orders were drawn, not units.
        logged = trial.orders[trial.orders["treated"].notna()]
        drawn = _Arms(
            logged["treated"].to_numpy(np.bool_), logged["share"].to_numpy(np.float64), np.ones(len(logged))
        )
        yield _split_check("split of logged orders", drawn, limits)


class _Arms(NamedTuple):
    treated: Bools
    share: Floats
    size: Floats


def _split_check(name: str, arms: _Arms, limits: Limits) -> HealthCheck:
    p = split_p_value(*arms)
    found, planned = (
        float((part * arms.size).sum() / arms.size.sum()) for part in (arms.treated, arms.share)
    )
    text = f"{found:.1%} under the treatment, {planned:.1%} planned (p = {p:.2g})"
    if p < limits.srm_p:
        text += (
            "; the arms are not what was drawn: look for units that were left out, assigned late or logged by one arm "
            "only, and read nothing until the reason is found"
        )
    return HealthCheck(name=name, passed=p >= limits.srm_p, text=text, p_value=p)


def _one_arm_a_unit(trial: Trial, limits: Limits) -> HealthCheck:
    mixed, units = int(trial.units["mixed"].sum()), len(trial.units)
    passed = mixed <= limits.missing_share * units
    text = f"{mixed:,} of {units:,} units have orders of both arms"
    return HealthCheck(
        name="one arm a unit",
        passed=passed,
        text=text
        if passed
        else f"{text}; the plan assigns whole units: find out what decided the arm instead",
    )


def _assigned(trial: Trial, limits: Limits) -> HealthCheck:
    share = trial.armless_orders / len(trial.orders)
    text = f"{trial.armless_orders:,} of {len(trial.orders):,} orders of the scope have no arm ({share:.1%})"
    passed = share <= limits.missing_share
    if not passed:
        text += "; log an arm for every order of the scope, or narrow the plan's scope to what is assigned"
    return HealthCheck(name="orders with an arm", passed=passed, text=text)


def _known(trial: Trial, limits: Limits) -> HealthCheck:
    assigned = len(trial.orders) - trial.armless_orders + trial.unknown_orders
    share = trial.unknown_orders / max(assigned, 1)
    text = (
        f"{trial.unknown_orders:,} of {assigned:,} assigned orders are no orders of the scope in these data"
    )
    passed = share <= limits.missing_share
    return HealthCheck(
        name="assigned orders in the data",
        passed=passed,
        text=text if passed else f"{text} ({share:.1%}); the order feed or the log is incomplete",
    )


def _outcomes(trial: Trial, limits: Limits) -> HealthCheck:
    """Missing outcomes, overall and by arm."""
    name = "outcomes known"
    orders = arms(trial)
    if "outcome_known" not in orders or "mature_delivery" not in orders:
        return HealthCheck(name=name, passed=True, text="the data have no deliveries: nothing to check")
    old = orders[orders["mature_delivery"]]
    missing = (old["outcome_known"] == 0).groupby(old["treated"].astype(bool)).agg(["sum", "count"])
    if len(missing) < 2 or not missing["sum"].sum():
        return HealthCheck(
            name=name, passed=True, text=f"all {len(old):,} orders old enough have their outcome"
        )
    table = np.array([missing["sum"], missing["count"] - missing["sum"]], np.float64)
    p = float(stats.chi2_contingency(table, correction=False).pvalue)
    control, treatment = (missing["sum"] / missing["count"]).tolist()
    text = f"without outcome: {treatment:.1%} of the treatment, {control:.1%} of control (p = {p:.2g})"
    uneven = p < limits.srm_p and abs(treatment - control) > limits.missing_share / 4
    passed = not uneven and max(control, treatment) <= limits.missing_share
    if not passed:
        text += "; outcomes that go missing by arm look like an effect: repair the delivery feed first"
    return HealthCheck(name=name, passed=passed, text=text, p_value=p)


def arms(trial: Trial) -> pd.DataFrame:
    """Orders that belong to a unit, with the arm and share of that unit."""
    orders = trial.orders[trial.orders["unit"] >= 0].drop(columns=["treated", "share"], errors="ignore")
    return orders.join(trial.units[["treated", "share"]], on="unit")


def _feeds(trial: Trial, metrics: Sequence[Metric]) -> HealthCheck:
    stopped = [text for metric in metrics if (text := _stopped(trial.orders, metric)) is not None]
    return HealthCheck(
        name="metrics arriving",
        passed=not stopped,
        text="; ".join(stopped) or "every metric of the plan has its records on every day that is old enough",
    )


def _stopped(orders: pd.DataFrame, metric: Metric) -> str | None:
    """Since when a metric's records or events are absent, day by day against the days before; None where they come."""
    mature = f"mature_{metric.maturity}"
    if not metric.columns <= set(orders) or mature not in orders:
        return f"{metric.title}: the data have no {metric.needs[-1]}"
    old = orders[orders[mature]]
    plain = pd.DataFrame(
        {
            "day": old["trial_day"].to_numpy(),
            "orders": 1,
            "records": (old[metric.denominator] > 0).to_numpy(np.int64),
            "events": (metric.harm(old) > 0).astype(np.int64),
        }
    )
    days = plain.groupby("day")[["orders", "records", "events"]].sum()
    before = days.cumsum().shift(1)
    for what, least in (("records", THIN_SHARE), ("events", 0.0)):
        expected = before[what] / before["orders"] * days["orders"]
        gone = (expected >= SILENT_EXPECTED) & (days[what] <= least * expected)
        if gone.any():
            first = int(np.argmax(gone.to_numpy(np.bool_)))
            day, found, usual = days.index[first], int(days[what].iloc[first]), float(expected.iloc[first])
            return (
                f"{metric.title}: {found} {what} on day {day}, where the days before let one expect {usual:,.0f}; "
                "repair the feed, then read again"
            )
    return None
