"""Reading a running experiment: health first, then guardrails, the primary at its planned looks, the decision.

Guardrails are read at every call by bounds that hold at all of them. The primary metric, and whatever follows from
it, is read on the days that the plan names and by the bounds that it set, however often somebody asks: between two
looks the answer is that of the last one. So nothing is decided by peeking.

References:
    Waudby-Smith, I. et al. (2024). Time-uniform central limit theory. Annals of Statistics 52.
    Chen, Y., DeMets, D., Lan, K. (2004). Increasing the sample size when the unblinded interim result is promising.
    Statistics in Medicine 23.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from data.dataset import Dataset
from tools.arm_difference import Difference, Units, difference, pooled
from tools.assignment import Drawing, as_drawn, independent
from tools.assignment_file import checked
from tools.buckets import all_zones, closed_hours
from tools.errors import ToolFailure
from tools.experiment import ExperimentPlan, PlanMetric
from tools.experiment_data import Design, Trial, bind
from tools.experiment_health import Limits, checks
from tools.guardrails import LEAST_UNITS, Rule, bound_of, collapses, judge
from tools.metrics import METRICS, WEIGHTED
from tools.monitor_decision import Situation, decide
from tools.monitor_report import (
    HealthCheck,
    Lift,
    LookReading,
    MetricReading,
    MonitorReport,
    Progress,
    Stage,
)
from tools.settings import AnalysisSettings
from tools.switchback import randomisation_p
from tools.trial_counts import Counts

Bools = npt.NDArray[np.bool_]

FEW_UNITS: Final = 60
"""Up to so many, the randomisation test must agree before the primary decides."""
DRAWS: Final = 4999
_SAME: Final = 1e-9


def monitor(
    plan: ExperimentPlan,
    dataset: Dataset,
    assignment: pd.DataFrame,
    *,
    others: tuple[pd.DataFrame, ...] = (),
    settings: AnalysisSettings | None = None,
) -> MonitorReport:
    """Read a running experiment as of the dataset's time.

    Args:
        plan: what was planned.
        dataset: bound to an as-of time.
        assignment: who got which arm; see `assignment_file.checked`.
        others: assignments of other experiments that run at the same time.
        settings: for the length of the history and the seed of the randomisation test.

    Raises:
        AssignmentError: the assignment cannot be used, or there is no traffic.
        DataError: the data lack what the plan's unit needs.
    """
    rules = settings or AnalysisSettings()
    design = Design(plan.scope, plan.unit, plan.window_hours, plan.planned_share, rules.baseline_days)
    trial = bind(dataset, checked(assignment, plan.unit, others=others), design)
    names = [metric.metric for metric in plan.metrics]
    health = checks(trial, names, Limits(plan.srm_p_bound, plan.missing_share_limit))
    return Reading(plan, dataset, trial, health, rules.seed).report()


@dataclass(frozen=True)
class Reading:
    """A trial under its plan."""

    plan: ExperimentPlan
    dataset: Dataset
    trial: Trial
    health: tuple[HealthCheck, ...]
    seed: int

    def report(self) -> MonitorReport:
        """Everything, and the decision that follows from it."""
        metrics = (*self._primary(), *self._guardrails(), *self._secondary())
        situation = Situation(self.plan, self.progress, self.health, metrics, self.looks)
        return MonitorReport(
            title=self.plan.title,
            unit=self.plan.unit,
            as_of=self.dataset.as_of,
            decision=decide(situation),
            progress=self.progress,
            health=self.health,
            metrics=metrics,
            looks=self.looks,
            lift=self._lift(),
            warnings=tuple(self._warnings()),
            fingerprint=self.dataset.fingerprint,
        )

    # --- how far it has come ------------------------------------------------------------------------------

    @cached_property
    def _stage_of(self) -> pd.Series:
        over = self.trial.units["share"] - self.plan.planned_share
        return pd.Series(
            np.select([over < -_SAME, over > _SAME], ["safety", "holdback"], "main"), index=over.index
        )

    @cached_property
    def stage(self) -> Stage:
        """The stage of the newest units."""
        newest = self._stage_of.iloc[int(np.argmax(self.trial.units["trial_day"].to_numpy()))]
        return "safety" if newest == "safety" else "holdback" if newest == "holdback" else "main"

    @cached_property
    def _first_day(self) -> int:
        """Trial day on which the stage began."""
        return int(self.trial.units.loc[self._stage_of == self.stage, "trial_day"].min())

    @cached_property
    def _closed_days(self) -> int:
        """Trial days whose orders are old enough for the primary metric, in every zone."""
        orders = self.trial.orders
        regions = sorted(orders["region"].astype(str).unique()) if "region" in orders else []
        family = METRICS[self.plan.primary].maturity
        closed = closed_hours(
            all_zones(self.dataset.mapping, regions),
            first_day=self.trial.first_day,
            days=int(orders["trial_day"].max()),
            as_of=self.dataset.as_of,
            maturity_us=self.dataset.mapping.maturity.microseconds(family),
        )
        return int(np.argmin(np.append(closed.all(axis=1), False)))

    @cached_property
    def progress(self) -> Progress:
        """How far it has come."""
        plan, trial = self.plan, self.trial
        units = np.unique(trial.orders["unit"][trial.orders["unit"] >= 0])
        seen = trial.units.loc[units][(self._stage_of.loc[units] == self.stage).to_numpy()]
        treated = trial.orders["unit"].isin(trial.units.index[trial.units["treated"]])
        day = max(self._closed_days - self._first_day + 1, 0)
        days = {"safety": plan.rollout[0].days, "main": plan.days, "holdback": plan.holdback_days}[self.stage]
        ahead = [look.day for look in self.plan.looks if look.day > day] if self.stage == "main" else []
        return Progress(
            stage=self.stage,
            start=trial.start,
            day=day,
            days_planned=days,
            days_left=max(days - day, 0),
            next_look_day=min(ahead, default=None),
            units=len(seen),
            treated_units=int(seen["treated"].sum()),
            units_needed=plan.units_needed,
            orders=len(trial.orders),
            treated_orders=int(treated.sum()),
            exposure_share=float(treated.mean()),
            planned_share=float(seen["share"].mean()) if len(seen) else plan.planned_share,
        )

    # --- the primary at its looks -------------------------------------------------------------------------

    @cached_property
    def _counts(self) -> Counts:
        return Counts(self.dataset, self.trial, self.plan.burn_in_s)

    def _days(self, look: int) -> tuple[int, int]:
        """First and last trial day that a look reads: all up to it; after an extension the new days by themselves.

        To read the old days once more would be a second chance.
        """
        first = self.plan.days + 1 if look > self.plan.days else 1
        return self._first_day + first - 1, self._first_day + look - 1

    def _until(self, day: int) -> Bools:
        """Units of the main stage that a look reads; nothing of what came later."""
        began = self.trial.units["trial_day"].between(*self._days(day))
        return np.asarray((self._stage_of == "main") & began, np.bool_)

    def _read(self, metric: str, day: int) -> Difference:
        return difference(self._units(metric, day), alpha=self.plan.alpha)

    def _units(self, metric: str, day: int) -> Units:
        """Clusters are read by what was counted up to the day, windows by whether they began by then."""
        if self.plan.unit == "switchback":
            return self._counts.of(metric, self._until(day))
        return self._counts_until(day).of(metric, np.asarray(self._stage_of == "main", np.bool_))

    def _counts_until(self, day: int) -> Counts:
        orders = self.trial.orders
        kept = orders[orders["trial_day"].between(*self._days(day))]
        trial = Trial(**{**vars(self.trial), "orders": kept})
        return Counts(self.dataset, trial, self.plan.burn_in_s)

    @cached_property
    def looks(self) -> tuple[LookReading, ...]:
        """The planned looks, those of the past with what was seen; one more where the experiment was extended."""
        found = [self._look(look.day, look.information, look.z_bound) for look in self.plan.looks]
        over = self.stage == "main" and self.progress.day > self.plan.days
        if over and not any(look.crossed for look in found):
            found.append(self._look(2 * self.plan.days, 1.0, float(stats.norm.isf(self.plan.alpha / 2))))
        return tuple(found)

    def _look(self, day: int, information: float, bound: float) -> LookReading:
        empty = LookReading(day=day, information_share=information, z_bound=bound, z=None)
        if not self._sound or self.stage != "main" or self.progress.day < day:
            return empty
        try:
            seen = self._read(self.plan.primary, day)
            chance = self._drawn_again(day)
        except ToolFailure as error:
            return empty.model_copy(update={"text": str(error)})
        z = self._good * seen.z
        p_bound = 2 * float(stats.norm.sf(bound))
        beyond = abs(z) >= bound and (chance is None or chance <= p_bound)
        side: Literal["better", "worse"] = "better" if z > 0 else "worse"
        return empty.model_copy(
            update={
                "z": z,
                "p_value": seen.p_value,
                "randomisation_p": chance,
                "crossed": side if beyond else None,
            }
        )

    @cached_property
    def _good(self) -> int:
        primary = next(m for m in self.plan.metrics if m.metric == self.plan.primary)
        return 1 if primary.direction == "increase" else -1

    def _drawn_again(self, day: int) -> float | None:
        """The randomisation test of a switchback of few windows; None where there are many."""
        chosen = self._until(day)
        if self.plan.unit != "switchback" or chosen.sum() > FEW_UNITS:
            return None
        given = self._units(self.plan.primary, day).keep(chosen)
        return randomisation_p(given, self._drawing(chosen), seed=self.seed, draws=DRAWS)

    def _drawing(self, chosen: Bools) -> Drawing:
        units = self.trial.units[chosen]
        share = float(units["share"].iloc[0])
        if {"block", "slot"} <= set(units):
            return as_drawn(units["block"].tolist(), units["slot"].tolist(), share)
        return independent(len(units), share)

    @cached_property
    def _read_day(self) -> int | None:
        """Day of the look that is read now: the first that decided, else the last that has passed."""
        past = [look for look in self.looks if look.z is not None]
        decided = [look.day for look in past if look.crossed]
        return decided[0] if decided else past[-1].day if past else None

    def _at_look(self, metric: PlanMetric) -> MetricReading:
        shown = _blank(metric)
        day = self._read_day
        if day is None:
            return shown.model_copy(update={"status": "not_read", "text": self._when()})
        try:
            seen = self._read(metric.metric, day)
        except ToolFailure as error:
            return shown.model_copy(update={"status": "not_testable", "text": str(error)})
        good = 1 if metric.direction == "increase" else -1
        low, high = sorted((good * seen.low, good * seen.high))
        return shown.model_copy(
            update={
                "status": "improved" if low > 0 else "worsened" if high < 0 else "not_shown",
                "text": f"as read on day {day}"
                + (f", of the days since day {self.plan.days}" if day > self.plan.days else ""),
                "effect": seen.estimate,
                "low": seen.low,
                "high": seen.high,
                "control": seen.control,
                "as_of_day": day,
                "target_share": good * seen.estimate / self.plan.mde if metric.role == "primary" else None,
            }
        )

    @property
    def _sound(self) -> bool:
        """Whether benefit may be read at all."""
        return all(check.passed for check in self.health)

    def _when(self) -> str:
        if not self._sound:
            return "not read: the data are not sound"
        if self.stage != "main":
            return "not read in this stage"
        if self.progress.next_look_day is None:
            return next((look.text for look in self.looks if look.text), "not read")
        return f"not read until day {self.progress.next_look_day}; today is day {self.progress.day}"

    def _primary(self) -> Iterator[MetricReading]:
        yield from (self._at_look(m) for m in self.plan.metrics if m.metric == self.plan.primary)

    def _secondary(self) -> Iterator[MetricReading]:
        yield from (self._at_look(m) for m in self.plan.metrics if m.role == "secondary")

    def _lift(self) -> Lift | None:
        day = self._read_day
        if day is None:
            return None
        seen = self._read(self.plan.primary, day)
        saved = sorted(self._good * bound * seen.treated_trials for bound in (seen.low, seen.high))
        index = self._cx_index(day)
        return Lift(
            as_of_day=day,
            cx_index=None if index is None else index.estimate,
            cx_index_low=None if index is None else index.low,
            cx_index_high=None if index is None else index.high,
            outcomes_saved=self._good * seen.estimate * seen.treated_trials,
            outcomes_saved_low=saved[0],
            outcomes_saved_high=saved[1],
            treated_trials=round(seen.treated_trials),
        )

    def _cx_index(self, day: int) -> Difference | None:
        """Effect on the CX index: the weighted effects on its rates, with what they have in common."""
        parts: dict[str, Difference] = {}
        for metric in WEIGHTED:
            try:
                parts[metric.id] = self._read(metric.id, day)
            except ToolFailure:
                continue
        if not parts:
            return None
        total = sum(METRICS[name].weight for name in parts)
        signs = {name: 1 if METRICS[name].better == "higher" else -1 for name in parts}
        weights = {name: 100 * signs[name] * METRICS[name].weight / total for name in parts}
        return pooled(parts, weights, alpha=self.plan.alpha)

    # --- guardrails at every reading ------------------------------------------------------------------------

    def _guardrails(self) -> Iterator[MetricReading]:
        yield from (self._guardrail(m) for m in self.plan.metrics if m.role == "guardrail")

    def _guardrail(self, metric: PlanMetric) -> MetricReading:
        shown, every = _blank(metric), np.ones(len(self.trial.units), np.bool_)
        rule = Rule(metric, self.plan.guardrail_alpha, self.plan.units_planned, last=self._at_end)
        try:
            given = self._counts.of(metric.metric, every)
            bound = bound_of(given, alpha=rule.alpha, best_at=rule.best_at)
        except ToolFailure as error:
            return shown.model_copy(update={"status": "not_testable", "text": str(error)})
        if bound is None:
            text = f"read once each arm has {LEAST_UNITS} units with outcomes"
            return shown.model_copy(update={"status": "open", "text": text})
        windows = self.trial.units if self.plan.unit == "switchback" else None
        status, text = judge(rule, bound, collapsed=windows is not None and collapses(metric, given, windows))
        return shown.model_copy(
            update={
                "status": status,
                "text": text,
                "effect": bound.estimate,
                "low": bound.estimate - bound.radius,
                "high": bound.estimate + bound.radius,
                "control": bound.control,
                "as_of_day": self._closed_days,
            }
        )

    @property
    def _at_end(self) -> bool:
        """Whether the days of the stage that decides have passed."""
        return self.stage == "main" and self.progress.day >= self.plan.days

    def _warnings(self) -> Iterator[str]:
        begun = self.trial.start
        for change in self.dataset.policy_changes():
            if begun <= change.changed_at and change.scope.overlaps(self.plan.scope):
                yield (
                    f"{change.policy} was changed in {change.scope} on {change.changed_at:%Y-%m-%d %H:%M} UTC, while the "
                    "experiment ran: note it, and decide whether to start again"
                )


def _blank(metric: PlanMetric) -> MetricReading:
    return MetricReading(
        metric=metric.metric,
        role=metric.role,
        direction=metric.direction,
        unit=metric.unit,
        status="not_read",
        text="",
        expected=metric.expected,
        margin=metric.margin,
    )
