"""What stands beside the effect of a change: leads and lags, resampled errors, placebo dates, and dose and response.

All of it is told beside the estimate and decides nothing: `survived` rests on the checks of `tools.policy_effect`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from data.dataset import PolicyChange
from tools.did import DidEstimate
from tools.dose_response import DoseResponse, dose_response
from tools.errors import ToolFailure
from tools.event_study import LEADS, EventStudy, event_study
from tools.placebo_dates import placebo_dates
from tools.policy_levels import Dosed
from tools.power import ALPHA
from tools.pre_trend import MIN_REFERENCE, PreTrend, pre_trend
from tools.registry import Result
from tools.unit_periods import Flags, UnitPeriods
from tools.wild_bootstrap import WildBootstrap, wild_bootstrap

T = TypeVar("T")

NOT_NEEDED: Final = "not needed: the clusters are many enough for z_clustered"


class EventDay(Result):
    """One day of the scope beside the rest, against the days of reference."""

    day: int
    """Since the change; day 0 begins with it."""
    effect_pp: float | None
    """Rates."""
    error_pp: float | None
    """Standard error clustered by store; empty where the clusters are too few for it to be honest."""
    effect_s: float | None
    """Durations."""
    error_s: float | None


class PolicyChecks(Result):
    """Tells how far an effect of a change can be relied on; a part that could not be tested is empty, with a reason."""

    p_pre_trend: float | None
    """Of the leads, all together, if scope and rest ran side by side before the change: the larger of the one by errors
    clustered by store and the one by how much the days before them differ anyway."""
    p_pre_trend_clustered: float | None
    """By errors clustered by store alone, which take a bad day of the whole scope for a move; empty where the clusters
    are too few."""
    pre_trend_seen: bool | None
    """The leads reject that at the 5 % level."""
    pre_trend_mde_pp_per_day: float | None
    """Rates: the linear trend that the leads would have shown with 80 % power; smaller ones may have gone unseen. Empty
    where no trend would have been."""
    pre_trend_mde_s_per_day: float | None
    """Durations."""
    pre_trend_reason: str | None
    robust_effect_low_pp: float | None
    """Rates: least effect if scope and rest drifted apart at the change by as much as at worst from day to day before
    it; without sampling error."""
    robust_effect_high_pp: float | None
    robust_effect_low_s: float | None
    robust_effect_high_s: float | None
    event_days: tuple[EventDay, ...]
    """Leads and lags, earliest first. The reference is all that lies more than a week before the change; with less than
    two weeks the earlier half of it, with less than six days the day before."""
    p_wild: float | None
    """Of the effect, two-sided, by the restricted wild cluster bootstrap; where clusters are too few for z_clustered."""
    wild_reason: str | None
    placebo_dates_share: float | None
    """Share of earlier dates at which the same arithmetic finds as large an effect, in either direction."""
    n_placebo_dates: int
    placebo_dates_reason: str | None
    dose_effect_pp: float | None
    """Rates: per unit of the policy's value, over all values that it had in the period."""
    dose_error_pp: float | None
    """Standard error clustered by store; empty where the clusters are too few for it to be honest."""
    dose_effect_s: float | None
    """Durations: per unit of the policy's value."""
    dose_error_s: float | None
    n_dose_levels: int
    """Values of the policy that orders were seen under."""
    dose_agrees: bool | None
    """Every step up of the policy's value moved the outcome the same way, and the way this change did. Empty where
    single steps cannot be told apart."""
    dose_reason: str | None


def policy_checks(
    panel: UnitPeriods,
    in_scope: Flags,
    did: DidEstimate,
    *,
    change: PolicyChange,
    dosed: Callable[[], Dosed],
    seconds: bool,
    seed: int,
) -> PolicyChecks:
    """Look at an estimated effect from all these sides.

    Args:
        panel: stores by days since the change.
        in_scope: which of them the change reached, shape (units,).
        did: the effect.
        change: what is judged.
        dosed: the panel with the policy's values; may raise `ToolFailure` where it had too few.
        seconds: the outcome is a duration, not a rate.
        seed: of the bootstrap.
    """
    study, study_reason = tried(lambda: _study(panel, in_scope))
    trend, trend_reason = tried(lambda: pre_trend(study)) if study else (None, study_reason)
    wild, wild_reason = tried(lambda: _wild(panel, in_scope, did, seed))
    window = int(panel.periods.max()) + 1
    dates, dates_reason = tried(lambda: placebo_dates(panel, in_scope, window=window))
    dose, dose_reason = tried(lambda: dose_response(*dosed()))
    told = _Told(seconds)
    return PolicyChecks.model_validate(
        {
            **told.study(study, did.effect),
            **told.trend(trend),
            "pre_trend_reason": trend_reason,
            "p_wild": wild.p if wild else None,
            "wild_reason": wild_reason,
            "placebo_dates_share": dates.as_large(did.effect) if dates else None,
            "n_placebo_dates": len(dates.dates) if dates else 0,
            "placebo_dates_reason": dates_reason,
            **told.dose(dose),
            "dose_agrees": _agrees(dose, did, change) if dose else None,
            "dose_reason": dose_reason,
        }
    )


def tried(compute: Callable[[], T]) -> tuple[T | None, str | None]:
    """A result, or the reason why there is none."""
    try:
        return compute(), None
    except ToolFailure as failure:
        return None, str(failure)


def _study(panel: UnitPeriods, in_scope: Flags) -> EventStudy:
    days = -int(panel.periods.min())
    if days < 2 * MIN_REFERENCE:
        return event_study(panel, in_scope, reference="day before")
    return event_study(panel, in_scope, leads=min(LEADS, days // 2))


def _wild(panel: UnitPeriods, in_scope: Flags, did: DidEstimate, seed: int) -> WildBootstrap:
    if did.error is not None:
        raise ToolFailure(NOT_NEEDED)
    return wild_bootstrap(panel, in_scope[:, None] & (panel.periods >= 0), seed=seed)


def _agrees(dose: DoseResponse, did: DidEstimate, change: PolicyChange) -> bool | None:
    """The values are numbers, or there would be no dose."""
    up = float(change.new_value or 0) - float(change.old_value or 0)
    return None if dose.monotone is None else dose.monotone and dose.slope * up * did.effect > 0


@dataclass(frozen=True)
class _Told:
    """Numbers under the names of their unit; those of the other unit are empty."""

    seconds: bool

    def named(self, name: str, value: float | None, tail: str = "") -> dict[str, float | None]:
        known = value is not None and np.isfinite(value)
        return {
            f"{name}_pp{tail}": 100.0 * value if known and value is not None and not self.seconds else None,
            f"{name}_s{tail}": value if known and self.seconds else None,
        }

    def study(self, study: EventStudy | None, effect: float) -> dict[str, object]:
        low, high = study.bound(effect) if study else (None, None)
        return {
            **self.named("robust_effect_low", low),
            **self.named("robust_effect_high", high),
            "event_days": self.days(study) if study else (),
        }

    def trend(self, trend: PreTrend | None) -> dict[str, object]:
        clustered = trend.clustered if trend else None
        return {
            "p_pre_trend": trend.p if trend else None,
            "p_pre_trend_clustered": clustered.p if clustered else None,
            "pre_trend_seen": trend.p < ALPHA if trend else None,
            **self.named("pre_trend_mde", trend.detectable_slope if trend else None, "_per_day"),
        }

    def days(self, study: EventStudy) -> tuple[dict[str, object], ...]:
        errors = [None] * len(study.periods) if study.errors is None else study.errors.tolist()
        rows = zip(study.periods.tolist(), study.effects.tolist(), errors, strict=True)
        return tuple(
            {"day": day, **self.named("effect", effect), **self.named("error", error)}
            for day, effect, error in rows
        )

    def dose(self, dose: DoseResponse | None) -> dict[str, object]:
        return {
            **self.named("dose_effect", dose.slope if dose else None),
            **self.named("dose_error", dose.error if dose else None),
            "n_dose_levels": dose.levels if dose else 0,
        }
