"""What an intervention costs: orders per busy courier-hour where that is recorded, orders per trip, orders.

Couriers are shared, so the floor on efficiency is read on their pool: all orders of the slice's regions on
the incident's days. Courier time is paid at the unit cost of the settings, and what of the selection stays on offer is
counted by the lines that were ordered. `pool_efficiency` is the relative change of the pool's orders per courier-hour (per trip,
where hours are not recorded; per order asked for, where orders are turned away).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.slices import Slice
from tools.errors import ToolFailure
from tools.gcomputation import Adjustment, GComputation, Limits, Standardisation
from tools.incidents import Window
from tools.interventions import Intervention, Question, orders_between, rows_in
from tools.loads import hourly_supply
from tools.recommendations import Effect, Guardrail
from tools.settings import AnalysisSettings
from tools.stock_lines import believed, hide

Floats = npt.NDArray[np.float64]

POOL: Final = "pool_efficiency"
PER_HOUR: Final = "orders_per_courier_hour"
PER_TRIP: Final = "orders_per_trip"
TAKEN: Final = "orders_taken"
SOLD: Final = "lines_sold"
COVERAGE: Final = "selection_coverage"
COST: Final = "courier_cost_per_order"

_BATCHING: Final = {"policy", "batched", "batch_size"}


@dataclass(frozen=True)
class Efficiency:
    """Effects on efficiency by name, and what could not be told."""

    effects: dict[str, Effect]
    not_testable: tuple[Guardrail, ...] = ()


@dataclass(frozen=True)
class Posed:
    """An intervention's question with what it was asked of."""

    where: Slice
    window: Window
    intervention: Intervention
    question: Question | None
    standard: Standardisation | None


def efficiency_of(dataset: Dataset, posed: Posed, settings: AnalysisSettings) -> Efficiency:
    """The price of an intervention, in courier time or in orders turned away."""
    if posed.intervention.driver == "couriers":
        return _more_couriers(dataset, posed, settings)
    if posed.intervention.driver == "store_intake":
        return _fewer_orders(dataset, posed)
    if posed.intervention.driver == "unavailable_items":
        return _narrower_selection(dataset, posed)
    if posed.intervention.driver in _BATCHING and posed.question and posed.standard:
        by_hour = _by_courier_hour(dataset, posed, settings)
        by_trip = _by_trip(dataset, posed, posed.question, posed.standard)
        found = by_trip | by_hour
        reason = "neither deliveries.batch_size nor supply_snapshots.couriers_busy: courier time is not known"
        return Efficiency(found, () if found else (Guardrail(metric=PER_HOUR, reason=reason),))
    return Efficiency({})


class PoolEfficiency(NamedTuple):
    """Orders per busy courier-hour of the pool, or per trip where hours are not recorded."""

    name: str
    value: float


def of_pool(dataset: Dataset, where: Slice, window: Window) -> PoolEfficiency | None:
    """Today's efficiency of the couriers who serve a slice; None where the data do not tell."""
    facts = dataset.facts()
    pool = facts[rows_in(facts, _regions(where)) & orders_between(facts, window)]
    if dataset.has("supply_snapshots.couriers_busy") and "region" in facts:
        hours = float(_pool_supply(dataset, where, window)["couriers_busy"].sum())
        if hours > 0:
            return PoolEfficiency(PER_HOUR, len(pool) / hours)
    if "batch_size" in facts and pool["batch_size"].notna().any():
        return PoolEfficiency(PER_TRIP, float(pool["batch_size"].notna().sum() / np.nansum(_trips(pool))))
    return None


def _pool_supply(dataset: Dataset, where: Slice, window: Window) -> pd.DataFrame:
    supply = hourly_supply(dataset)
    inside = (supply["stamp"] >= window.start) & (supply["stamp"] < window.end)
    if (region := where.get("region")) is not None:
        inside &= supply["region"] == region
    return supply[inside]


def _exact(value: float, unit: str) -> Effect:
    return Effect(estimate=value, low=value, high=value, unit=unit)


def _regions(where: Slice) -> Slice:
    region = where.get("region")
    return Slice.parse({"region": region}) if region is not None else Slice()


def _by_trip(
    dataset: Dataset, posed: Posed, question: Question, standard: Standardisation
) -> dict[str, Effect]:
    """Fewer orders a trip are more trips for the same couriers."""
    facts = dataset.facts()
    if "batch_size" not in facts or not question.rows["batch_size"].notna().any():
        return {}
    trips = _trips(question.rows)
    effect = standard.estimate(np.nan_to_num(trips), (~np.isnan(trips)).astype(np.float64), share=False)
    pool = facts[rows_in(facts, _regions(posed.where)) & orders_between(facts, posed.window)]
    changed = float((~np.isnan(trips) & question.cohort).sum())
    return {
        PER_TRIP: _inverse(effect, PER_TRIP),
        POOL: _kept(float(np.nansum(_trips(pool))), effect, changed),
    }


def _trips(rows: pd.DataFrame) -> Floats:
    """The part of a courier's trip that an order takes: 1 over the orders carried together."""
    size = rows["batch_size"].to_numpy(np.float64, na_value=np.nan)
    return np.asarray(1.0 / np.maximum(size, 1.0), np.float64)


def _by_courier_hour(dataset: Dataset, posed: Posed, settings: AnalysisSettings) -> dict[str, Effect]:
    """A recorded policy was switched: busy courier-hours an order, region-hours before against after."""
    question = posed.question
    if question is None or posed.intervention.driver != "policy" or "region" not in question.rows:
        return {}
    if not dataset.has("supply_snapshots.couriers_busy"):
        return {}
    hours = _region_hours(dataset, question)
    if not hours["cohort"].any() or hours["cohort"].all():
        return {}
    standard = Standardisation(
        hours,
        treatment="treatment",
        level=hours["asked"],
        adjustment=Adjustment(["time"]),
        block=["region", "day"],
        cohort=hours["cohort"].to_numpy(bool),
        limits=Limits(seed=settings.seed, min_rows=1),
    )
    orders = hours["orders"].to_numpy(np.float64)
    effect = standard.estimate(hours["couriers_busy"].to_numpy(np.float64), orders, share=False)
    today = float(_pool_supply(dataset, posed.where, posed.window)["couriers_busy"].sum())
    changed = float(orders[hours["cohort"]].sum())
    return {
        PER_HOUR: _inverse(effect, PER_HOUR),
        COST: _paid(effect, settings.courier_hour_cost),
        POOL: _kept(today, effect, changed),
    }


def _paid(hours: GComputation, hour_cost: float) -> Effect:
    """What an order costs in couriers' busy time."""
    estimate, low, high = (hour_cost * value for value in (hours.estimate, hours.low, hours.high))
    return Effect(estimate=estimate, low=low, high=high, unit="usd_per_order")


def _region_hours(dataset: Dataset, question: Question) -> pd.DataFrame:
    """Region-hours in which the slice had orders, with the policy's level, courier-hours and all orders."""
    rows = question.rows.assign(
        region=question.rows["region"].astype(str), stamp=question.rows["order_time"].dt.floor("h")
    )
    hours = rows.groupby(["region", "stamp"], as_index=False)[
        ["treatment", "asked", "time", "day", "cohort"]
    ].first()
    facts = dataset.facts()
    placed = pd.DataFrame({"region": facts["region"].astype(str), "stamp": facts["order_time"].dt.floor("h")})
    orders = placed.groupby(["region", "stamp"]).size().rename("orders").reset_index()
    joined = hours.merge(orders, on=["region", "stamp"]).merge(hourly_supply(dataset), on=["region", "stamp"])
    return joined.dropna(subset=["couriers_busy"]).reset_index(drop=True)


def _inverse(cost: GComputation, unit: str) -> Effect:
    """Orders per cost from cost per order; more cost is less efficient, so the bounds swap."""
    now = 1 / cost.observed
    after = [1 / max(cost.observed + change, 1e-9) for change in (cost.estimate, cost.high, cost.low)]
    return Effect(estimate=after[0] - now, low=after[1] - now, high=after[2] - now, unit=unit)


def _kept(today: float, cost: GComputation, orders: float) -> Effect:
    """Relative change of the pool's efficiency."""
    after = [100 * (today / max(today + c * orders, 1e-9) - 1) for c in (cost.estimate, cost.high, cost.low)]
    return Effect(estimate=after[0], low=after[1], high=after[2], unit="percent")


def _fewer_orders(dataset: Dataset, posed: Posed) -> Efficiency:
    """Orders turned away are the price; of the pool, what the slice's share of it makes them."""
    facts = dataset.facts()
    pool = rows_in(facts, _regions(posed.where)) & orders_between(facts, posed.window)
    part = float((pool & rows_in(facts, posed.where)).sum()) / max(float(pool.sum()), 1.0)
    cut = float(posed.intervention.amount or 0.0)
    return Efficiency({TAKEN: _exact(cut, "share"), POOL: _exact(100 * cut * part, "percent")})


def _narrower_selection(dataset: Dataset, posed: Posed) -> Efficiency:
    """At worst nobody takes another product: then what is not offered is not sold."""
    facts = dataset.facts()
    pool = rows_in(facts, _regions(posed.where)) & orders_between(facts, posed.window)
    own = pool & rows_in(facts, posed.where)
    lines = believed(dataset, posed.window)
    lines = lines[lines["order_id"].isin(facts.loc[own, "order_id"])]
    lost = -hide(lines, float(posed.intervention.amount or 0.0)).lines_share
    part = float(own.sum()) / max(float(pool.sum()), 1.0)
    at_worst = Effect(estimate=lost * part * 100, low=lost * part * 100, high=0.0, unit="percent")
    return Efficiency(
        {
            SOLD: Effect(estimate=lost, low=lost, high=0.0, unit="share"),
            COVERAGE: _exact(lost, "share"),
            POOL: at_worst,
        }
    )


def _more_couriers(dataset: Dataset, posed: Posed, settings: AnalysisSettings) -> Efficiency:
    """Exact under unchanged demand: the same orders over more hours on shift, each paid for."""
    if not dataset.has("supply_snapshots.couriers_online"):
        raise ToolFailure("not testable: no column supply_snapshots.couriers_online")
    supply = _pool_supply(dataset, posed.where, posed.window)
    today = float(supply["couriers_online"].sum())
    facts = dataset.facts()
    pool = rows_in(facts, _regions(posed.where)) & orders_between(facts, posed.window)
    if today <= 0 or not pool.any():
        raise ToolFailure(f"not testable: no courier hours recorded for {posed.where} in the window")
    changed = pd.DatetimeIndex(
        facts.loc[pool & rows_in(facts, posed.where), "order_time"].dt.floor("h").unique()
    )
    touched = supply["stamp"].isin(changed)
    added = float(supply.loc[touched, "couriers_online"].sum()) * float(posed.intervention.amount or 0.0)
    change = today / (today + added) - 1
    loss = float(pool.sum()) * (1 / (today + added) - 1 / today)
    cost = settings.courier_hour_cost * added / float(pool.sum())
    return Efficiency(
        {
            PER_HOUR: _exact(loss, PER_HOUR),
            COST: _exact(cost, "usd_per_order"),
            POOL: _exact(100 * change, "percent"),
        }
    )
