"""The orders and couriers of a slice, as recorded: what the simulator is calibrated to and replays.

The fleet is every order of the slice's dimensions at any hour, before and during the incident: couriers do not
begin anew at the slice's first hour. What is measured are the slice's own hours.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.slices import Slice
from tools.dispatch.pool import pooled
from tools.dispatch.supply import Couriers, couriers_of_fleet
from tools.errors import ToolFailure
from tools.incidents import Window
from tools.interventions import history, orders_between, policy_level, recorded, rows_in
from tools.loads import hourly_supply, load_of
from tools.settings import AnalysisSettings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ASSUMED_LEVEL: Final = 2
"""Most orders a trip where neither a policy nor a batch size is recorded."""
_ENOUGH: Final = 200
"""Orders of the slice before the incident, for a calibration."""
_ENOUGH_NOW: Final = 40
"""Orders of the slice in the incident, for a replay."""
_NEEDED: Final = {
    "prep_s": "deliveries.merchant_prep_time",
    "dasher_wait_s": "deliveries.dasher_wait",
    "batched": "deliveries.batched_flag",
    "fulfilment_s": "deliveries.actual_eta",
    "promise_s": "orders.promised_eta",
}


@dataclass(frozen=True)
class Fleet:
    """Orders sorted by shift and time; arrays of shape (orders,)."""

    rows: pd.DataFrame
    """As in `Dataset.facts()`, with `block` (region-day), `extra` (orders carried besides) and `stamp`."""
    pool: pd.DataFrame
    """All orders before the incident, of all regions, as `tools.dispatch.pool` makes them."""
    arrival_s: Floats
    couriers: Couriers
    load: Floats
    """Orders a courier and hour of the region over their mean before the incident."""
    level: Ints
    """Most orders a trip, as the policy said."""
    usual_level: int
    during: Bools
    """Orders of the incident's days."""
    measured: Bools
    """Orders of the slice itself."""
    policy: str | None
    """The batching policy, where one is recorded."""
    busy_hours: float | None
    """Of the couriers of all regions, before the incident."""
    missing: tuple[str, ...]
    """Columns that the calibration goes without."""

    @property
    def before(self) -> Bools:
        """The slice's own orders before the incident."""
        return self.measured & ~self.during

    @property
    def now(self) -> Bools:
        """The slice's own orders in the incident."""
        return self.measured & self.during

    @property
    def supplied(self) -> bool:
        """Whether couriers online and busy are known."""
        return self.couriers.utilisation is not None

    @property
    def changed_level(self) -> int | None:
        """The policy's level in the incident where it differs from the usual one."""
        levels = self.level[self.now]
        other = levels[levels != self.usual_level]
        return int(np.bincount(other).argmax()) if len(other) else None


def fleet_of(
    dataset: Dataset, *, where: Slice, window: Window, settings: AnalysisSettings, policy: str | None = None
) -> Fleet:
    """Gather a slice's fleet.

    Args:
        dataset: everything that was recorded.
        where: the slice.
        window: the incident.
        settings: how long the weeks before are.
        policy: the batching policy; None finds the one whose usual level is the largest batch seen.

    Raises:
        ToolFailure: a column is absent, or there are too few orders.
    """
    facts = dataset.facts()
    for name, source in _NEEDED.items():
        if name not in facts or not facts[name].notna().any():
            raise ToolFailure(f"not testable: no column {source}")
    before = history(facts, window, settings.baseline_days)
    wide = rows_in(facts, Slice(values=where.values))
    rows = _sorted(facts[wide & (orders_between(facts, window) | before)])
    during, measured = orders_between(rows, window), rows_in(rows, where)
    _enough(where, int((measured & ~during).sum()), int((measured & during).sum()))
    pool = pooled(dataset, _sorted(facts[before]))
    couriers = couriers_of_fleet(
        dataset, rows, _around(facts, where, window, before), during=during, measured=measured
    )
    chosen = policy or _batching_policy(dataset, rows, where, during)
    level, usual = _levels(dataset, rows, where, chosen, during)
    missing = [] if "batch_size" in rows else ["deliveries.batch_size"]
    missing += [] if couriers.utilisation is not None else ["supply_snapshots.couriers_busy"]
    missing += [] if chosen else ["policy_changes: a batching policy"]
    return Fleet(
        rows=rows,
        pool=pool,
        arrival_s=(rows["order_time"] - rows["order_time"].min()).dt.total_seconds().to_numpy(np.float64),
        couriers=couriers,
        load=_relative_load(dataset, rows, during),
        level=level,
        usual_level=usual,
        during=during,
        measured=measured,
        policy=chosen,
        busy_hours=_busy_hours(dataset, pool),
        missing=tuple(missing),
    )


def _relative_load(dataset: Dataset, rows: pd.DataFrame, during: Bools) -> Floats:
    """Load of each order's region and hour over the region's mean before the incident; 1 where not known."""
    load = load_of(dataset, rows)
    place = rows["region"] if "region" in rows else pd.Series("", index=rows.index)
    usual = load.where(~during).groupby(place, observed=True).transform("mean")
    return np.asarray((load / usual).fillna(1.0), np.float64)


def _around(facts: pd.DataFrame, where: Slice, window: Window, before: Bools) -> pd.DataFrame:
    """All orders of the slice's regions and days."""
    region = where.get("region")
    regions = Slice() if region is None else Slice.parse({"region": region})
    during = orders_between(facts, window)
    chosen = rows_in(facts, regions) & (during | before)
    rows = facts.loc[chosen, [name for name in ("region", "day", "order_time") if name in facts]]
    return rows.assign(stamp=rows["order_time"].dt.floor("h"), during=during[chosen])


def _busy_hours(dataset: Dataset, pool: pd.DataFrame) -> float | None:
    """Busy courier-hours of the hours in which the pool's orders were placed; None where not known."""
    if pool["busy"].isna().all():
        return None
    hours = pool.drop_duplicates(["place", "stamp"])[["place", "stamp"]].astype({"place": str})
    supply = hourly_supply(dataset).rename(columns={"region": "place"})
    return float(hours.merge(supply, on=["place", "stamp"])["couriers_busy"].sum())


def _enough(where: Slice, before: int, now: int) -> None:
    for count, least, name in ((before, _ENOUGH, "before the incident"), (now, _ENOUGH_NOW, "in it")):
        if count < least:
            raise ToolFailure(f"slice {where} has {count} orders {name}; the simulator needs {least}")


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in ("region", "day") if name in rows]
    block = rows.groupby(keys, observed=True, sort=True).ngroup()
    size = rows["batch_size"] if "batch_size" in rows else 1 + rows["batched"]
    made = rows.assign(block=block, extra=size - 1, stamp=rows["order_time"].dt.floor("h"))
    return made.sort_values(["block", "order_time", "order_id"], kind="stable").reset_index(drop=True)


def _batching_policy(dataset: Dataset, rows: pd.DataFrame, where: Slice, during: Bools) -> str | None:
    """The recorded policy that speaks of batches and whose usual value is the largest batch that was seen."""
    largest = rows["extra"][~during].max() + 1
    names = dict.fromkeys(change.policy for change in dataset.policy_changes())
    for name in names:
        changes = recorded(dataset, where, name) if "batch" in name.lower() else ()
        if changes and (changes[0].old_value or "") == f"{largest:g}":
            return name
    return None


def _levels(
    dataset: Dataset, rows: pd.DataFrame, where: Slice, policy: str | None, during: Bools
) -> tuple[Ints, int]:
    """The level in force by order, and the usual one."""
    if policy is None:
        largest = int(np.nan_to_num(rows["extra"][~during].max(), nan=ASSUMED_LEVEL - 1)) + 1
        usual = max(largest, ASSUMED_LEVEL)
        return np.full(len(rows), usual, np.int64), usual
    words = policy_level(dataset, rows, where, policy)
    numbers = pd.to_numeric(words, errors="coerce").astype(np.float64)
    if not numbers[~during].notna().any() or (numbers.dropna() % 1 != 0).any():
        raise ToolFailure(f"not testable: the levels of {policy!r} are no whole numbers of orders")
    usual, largest = int(numbers[~during].mode().iloc[0]), rows["extra"][~during].max() + 1
    if "batch_size" in rows and usual != largest:
        raise ToolFailure(
            f"not testable: {policy!r} was {usual} before the incident, and the largest batch {largest:g}; "
            "only a policy that limits the size of batches can be simulated"
        )
    return numbers.fillna(usual).to_numpy().astype(np.int64), usual
