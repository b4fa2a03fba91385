"""What a metric counts in every unit of a trial: numerator and denominator, and the same before it began."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.slices import Slice
from tools.arm_difference import Units, units
from tools.cluster_trial import as_they_are, less_own_past, sum_clusters
from tools.efficiency import PER_HOUR, PER_TRIP
from tools.errors import ToolFailure
from tools.experiment_data import CLUSTER, Trial
from tools.incidents import Window
from tools.interventions import orders_between, rows_in
from tools.loads import hourly_supply
from tools.metrics import METRICS, Metric
from tools.switch_windows import END, place, window_of
from tools.switchback import arms_of, own_past

Bools = npt.NDArray[np.bool_]

VOLUME: Final = "orders_per_day"
ELSEWHERE: Final = "_elsewhere"
OTHER_REGIONS: Final = "_other_regions"
OF_REGION: Final = "_of_region"
LEVELS: Final = (
    ("share", "region", "weekday", "position"),
    ("share", "region", "position"),
    ("share", "region"),
    ("share",),
)
"""Windows are compared within these, the finest that leaves enough in each."""


class NotComparable(ToolFailure):  # it is an answer, not a defect
    """The arms cannot be compared on a metric; says why."""


@dataclass(frozen=True)
class Counts:
    """Reads the metrics of a trial."""

    dataset: Dataset
    trial: Trial
    burn_in_s: float
    """Seconds from a window's start whose orders are left out."""

    def of(self, metric: str, chosen: Bools) -> Units:
        """A metric in every unit, `top / bottom` in the metric's own unit.

        Args:
            metric: as the plan names it.
            chosen: units to read; the others keep their place and count nothing.

        Raises:
            NotComparable: the arms cannot be compared on it.
        """
        if metric in METRICS:
            return self._of_orders(METRICS[metric], chosen)
        if metric == VOLUME:
            return self._volume(chosen)
        if self.trial.design.unit != "switchback":
            raise NotComparable("both arms share it; watch it for the whole region, before and after")
        base = metric.removesuffix(ELSEWHERE).removesuffix(OTHER_REGIONS).removesuffix(OF_REGION)
        if metric.endswith(ELSEWHERE) and base in METRICS:
            return self._elsewhere(METRICS[base], chosen)
        if metric.endswith(OTHER_REGIONS) and base in METRICS:
            return self._other_regions(METRICS[base], chosen)
        if metric.endswith(OF_REGION) and base in (PER_HOUR, PER_TRIP):
            return self._efficiency(base, chosen)
        raise NotComparable(f"{metric} is not a metric that can be read by arm")

    # --- the scope's own orders -------------------------------------------------------------------------

    def _of_orders(self, metric: Metric, chosen: Bools) -> Units:
        if not metric.columns <= set(self._settled):
            raise NotComparable(f"the data have no {metric.needs[-1]}")
        return self._as_units(
            _counted(self._settled, metric).assign(unit=self._settled["unit"]),
            _counted(self.trial.history, metric).assign(**self._keys(self.trial.history)),
            chosen,
        )

    @cached_property
    def _settled(self) -> pd.DataFrame:
        orders = self.trial.orders[self.trial.orders["unit"] >= 0]
        return orders[orders["since_s"] >= self.burn_in_s] if "since_s" in orders else orders

    def _keys(self, history: pd.DataFrame) -> dict[str, pd.Series]:
        """What the past is told apart by."""
        cluster = CLUSTER.get(self.trial.design.unit)
        names = ("region", "position") if cluster is None else (cluster,)
        return {
            name: history[name].astype("string") if name == "region" else history[name]
            for name in names
            if name in history
        }

    def _as_units(self, during: pd.DataFrame, before: pd.DataFrame, chosen: Bools) -> Units:
        """Sums by unit, each less its own past where it has one."""
        frame = self.trial.units.assign(**_sums(during, len(self.trial.units)))
        frame.loc[~chosen, ["top", "bottom"]] = 0.0
        unit = self.trial.design.unit
        if unit == "customer":
            return as_they_are(frame, top="top", bottom="bottom")
        if unit == "store_cluster":
            past = sum_clusters(before, cluster="store_id", sums=["top", "bottom"])
            return less_own_past(frame, past, cluster="store_id", top="top", bottom="bottom")
        return self._windows(frame, before, chosen)

    def _windows(self, frame: pd.DataFrame, before: pd.DataFrame, chosen: Bools) -> Units:
        keys = [name for name in ("region", "position") if name in frame and name in before]
        past = (
            own_past(frame, before, keys=keys, top="top", bottom="bottom") if keys else np.zeros(len(frame))
        )
        local = frame.assign(weekday=frame["trial_day"] % 7)
        read = arms_of(
            local[chosen], "top", "bottom", levels=[[n for n in level if n in local] for level in LEVELS]
        )
        stratum = np.zeros(len(frame), np.int64)
        stratum[chosen] = read.stratum
        top, bottom, treated = (frame[name].to_numpy() for name in ("top", "bottom", "treated"))
        return units(top, bottom, treated, stratum=stratum, past=past)

    # --- how many orders --------------------------------------------------------------------------------

    def _volume(self, chosen: Bools) -> Units:
        """Orders a day, if every unit were like this one."""
        unit = self.trial.design.unit
        if unit == "customer":
            raise NotComparable(
                "customers who stayed away are not in these data; the split of orders would show them"
            )
        if unit == "store_cluster":
            return self._volume_of_stores(chosen)
        over = (self.trial.units[END] <= self.dataset.as_of).to_numpy(np.bool_)
        a_day = len(self.trial.units) / self.trial.units["trial_day"].nunique()
        placed = self.trial.orders[self.trial.orders["unit"] >= 0]
        counted = np.bincount(placed["unit"], minlength=len(over)).astype(np.float64)
        during = pd.DataFrame({"unit": np.arange(len(over)), "top": counted * a_day, "bottom": 1.0})
        history = self.trial.history.assign(**self._keys(self.trial.history))
        keys = [name for name in ("region", "day", "position") if name in history]
        before = history.groupby(keys, observed=True, as_index=False).agg(top=("orders", "sum"))
        before = before.assign(top=before["top"] * a_day, bottom=1.0)
        return self._as_units(during, before, chosen & over)

    def _volume_of_stores(self, chosen: Bools) -> Units:
        trial = self.trial
        count = len(trial.units)
        days = (self.dataset.as_of - trial.start).total_seconds() / 86_400
        placed = np.bincount(self._settled["unit"], minlength=count) / days * count
        during = pd.DataFrame({"unit": np.arange(count), "top": placed, "bottom": 1.0})
        before = sum_clusters(trial.history.assign(top=1.0), cluster="store_id", sums=["top"])
        a_day = before["top"] / trial.history["day"].nunique() * count if len(before) else before["top"]
        return self._as_units(during, before.assign(top=a_day, bottom=1.0), chosen)

    # --- the region around it ---------------------------------------------------------------------------

    @cached_property
    def _region_orders(self) -> pd.DataFrame:
        """Orders of the scope's regions and hours, with the unit of their time; -2 before the trial."""
        design = self.trial.design
        facts = self.dataset.facts()
        region = design.scope.get("region")
        near = rows_in(
            facts, Slice(values=() if region is None else (("region", region),), hour=design.scope.hour)
        )
        rows = facts[near & self._in_span(facts)]
        rows = rows.drop(columns="day").join(place(rows, design.scope, design.window_hours or 24))
        unit = window_of(rows, self.trial.units).to_numpy()
        early = (rows["order_time"] < self.trial.start).to_numpy()
        return rows.assign(unit=np.where(early, -2, unit), inside=rows_in(rows, design.scope))

    def _elsewhere(self, metric: Metric, chosen: Bools) -> Units:
        rows = self._region_orders[~self._region_orders["inside"]]
        if not (rows["unit"] >= 0).any():
            raise NotComparable("no order of these regions and hours lies outside the scope")
        counted = _counted(rows, metric).assign(unit=rows["unit"], **self._keys(rows))
        during, before = counted[counted["unit"] >= 0], counted[counted["unit"] == -2]
        return self._as_units(during, before, chosen)

    def _other_regions(self, metric: Metric, chosen: Bools) -> Units:
        """Orders of the other regions by the scope's window of the same moment: they have no arm of their own."""
        design, region = self.trial.design, self.trial.design.scope.get("region")
        facts = self.dataset.facts()
        if region is None or "region" not in facts:
            raise NotComparable("the scope is of all regions: there is no other")
        others = facts[(facts["region"] != region).to_numpy(bool) & self._in_span(facts)]
        windows = self.trial.units.drop(columns="region", errors="ignore")
        unit = window_of(others, windows).to_numpy()
        counted = _counted(others, metric).assign(unit=unit)
        during = counted[unit >= 0]
        if during.empty:
            raise NotComparable("the other regions have no orders at these times")
        early = others[
            (others["order_time"] < self.trial.start) & rows_in(others, Slice(hour=design.scope.hour))
        ]
        before = _counted(early, metric).join(place(early, design.scope, design.window_hours or 24))
        return self._as_units(during, before, chosen)

    def _in_span(self, facts: pd.DataFrame) -> Bools:
        """Orders of the trial and of the days before it."""
        first = self.trial.history["order_time"].min() if len(self.trial.history) else self.trial.start
        return orders_between(facts, Window(start=first, end=self.dataset.as_of))

    def _efficiency(self, base: str, chosen: Bools) -> Units:
        rows = self._region_orders
        if base == PER_TRIP:
            if "batch_size" not in rows:
                raise NotComparable("the data have no deliveries.batch_size")
            known = rows[rows["batch_size"].notna()]
            trips = pd.DataFrame(
                {"top": 1.0, "bottom": 1.0 / known["batch_size"].clip(lower=1), "unit": known["unit"]}
            )
            trips = trips.assign(**self._keys(known))
            return self._as_units(trips[trips["unit"] >= 0], trips[trips["unit"] == -2], chosen)
        if not self.dataset.has("supply_snapshots.couriers_busy"):
            raise NotComparable("the data have no supply_snapshots.couriers_busy")
        placed = rows[rows["unit"] >= 0]
        orders = pd.DataFrame({"top": 1.0, "bottom": 0.0, "unit": placed["unit"]})
        return self._as_units(pd.concat([orders, self._busy_hours()]), pd.DataFrame(), chosen)

    def _busy_hours(self) -> pd.DataFrame:
        """Busy courier-hours by window."""
        supply = hourly_supply(self.dataset).rename(columns={"stamp": "order_time"})
        hours = supply.assign(unit=window_of(supply, self.trial.units))
        hours = hours[hours["unit"] >= 0]
        return pd.DataFrame({"top": 0.0, "bottom": hours["couriers_busy"], "unit": hours["unit"]})


def _counted(rows: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Numerator and denominator of a metric by order; zero where the order is too young to count."""
    old = rows[f"mature_{metric.maturity}"].to_numpy(np.float64)
    return pd.DataFrame(
        {"top": rows[metric.numerator].to_numpy(np.float64) * old, "bottom": metric.trials(rows) * old},
        index=rows.index,
    )


def _sums(counted: pd.DataFrame, count: int) -> dict[str, npt.NDArray[np.float64]]:
    unit = counted["unit"].to_numpy(np.int64)
    return {
        name: np.asarray(np.bincount(unit, counted[name].to_numpy(np.float64), minlength=count), np.float64)
        for name in ("top", "bottom")
    }
