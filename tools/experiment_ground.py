"""The orders that an experiment would stand on: the scope before the incident, to size it, and in it, as today."""

import math
from typing import NamedTuple

import pandas as pd

from data.slices import Slice
from tools.errors import ToolFailure
from tools.experiment import Unit
from tools.incidents import Incident
from tools.interventions import history, orders_between, rows_in
from tools.looks import RECOMMENDED_DAYS
from tools.metrics import Metric
from tools.registry import ToolContext
from tools.variation import Variation, of_orders, of_stores, of_windows


class Ground(NamedTuple):
    """A scope with its orders."""

    context: ToolContext
    incident: Incident
    scope: Slice
    unit: Unit
    before: pd.DataFrame
    """Orders of the scope in the baseline days before the incident; never empty."""
    now: pd.DataFrame
    """Orders of the scope in the incident."""

    def spread(self, metric: Metric, *, rate: float) -> Variation:
        """The metric's spread between units at a rate.

        Raises:
            ToolFailure: the history is too short.
        """
        return self.spread_of(self.before, metric, rate=rate)

    def spread_of(self, rows: pd.DataFrame, metric: Metric, *, rate: float) -> Variation:
        """As `spread`, of other orders."""
        if self.unit == "switchback":
            return of_windows(rows, metric, self.scope, rate=rate)
        if self.unit == "store_cluster":
            return of_stores(rows, metric, days=RECOMMENDED_DAYS, rate=rate)
        return of_orders(rows, metric, rate=rate)

    def pool(self) -> pd.DataFrame:
        """Orders before the incident that share the scope's couriers in its hours."""
        rows = self.before_everywhere()
        region = self.scope.get("region")
        own = Slice(values=() if region is None else (("region", region),), hour=self.scope.hour)
        return rows[rows_in(rows, own)]

    def rest(self, *, of_region: bool) -> pd.DataFrame:
        """Orders before the incident that the action does not touch, in the scope's hours.

        Args:
            of_region: those of the scope's own region, else those of the other regions.
        """
        return self._beside(self.before_everywhere(), of_region=of_region)

    def rest_now(self, *, of_region: bool) -> pd.DataFrame:
        """As `rest`, in the incident."""
        facts = self.context.dataset.facts()
        return self._beside(facts[orders_between(facts, self.incident.window)], of_region=of_region)

    def before_everywhere(self) -> pd.DataFrame:
        """All orders of the baseline days."""
        facts = self.context.dataset.facts()
        return facts[history(facts, self.incident.window, self.context.settings.baseline_days)]

    def _beside(self, rows: pd.DataFrame, *, of_region: bool) -> pd.DataFrame:
        region = self.scope.get("region")
        if region is None:
            return rows[~rows_in(rows, self.scope) & rows_in(rows, self._hours())] if of_region else rows[:0]
        own = rows_in(rows, Slice.parse({"region": region}))
        chosen = own & ~rows_in(rows, self.scope) if of_region else ~own
        return rows[chosen & rows_in(rows, self._hours())]

    def _hours(self) -> Slice:
        return Slice(hour=self.scope.hour)


def ground(context: ToolContext, incident: Incident, scope: Slice, unit: Unit) -> Ground:
    """The orders of a scope.

    Raises:
        ToolFailure: there are none before the incident, or the scope names a dimension that the data lack.
    """
    facts = context.dataset.facts()
    inside = rows_in(facts, scope)
    before = facts[inside & history(facts, incident.window, context.settings.baseline_days)]
    if before.empty:
        raise ToolFailure(f"no traffic in {scope} before the incident: an experiment cannot be sized")
    return Ground(
        context, incident, scope, unit, before, facts[inside & orders_between(facts, incident.window)]
    )


def rate_of(rows: pd.DataFrame, metric: Metric) -> float:
    """The metric over orders old enough to count; NaN where there are none."""
    old = rows[f"mature_{metric.maturity}"].to_numpy(bool)
    trials = float(metric.trials(rows)[old].sum())
    return float(rows[metric.numerator].to_numpy()[old].sum()) / trials if trials else math.nan


def usable(rate: float) -> float:
    """A rate at which chance has a spread: never 0 or 1."""
    return min(max(rate, 0.001), 0.999)
