"""How busy a region was when an order was placed: orders, couriers, and orders a courier, by hour.

Load is what a change of policy must be compared within. It is made of what comes in and who is there, never
of what happens then (open orders, busy couriers), which a policy may change.
"""

from typing import Final

import numpy as np
import pandas as pd

from data.dataset import Dataset
from tools.errors import ToolFailure

_HOUR_OF_WEEK: Final = ("hour", "weekend")


def load_of(dataset: Dataset, rows: pd.DataFrame) -> pd.Series:
    """Orders per courier online in the region and hour of each order; orders per hour without supply data.

    Args:
        dataset: for the orders of the whole region, and its couriers.
        rows: orders.
    """
    hours = _placed(dataset, rows)
    if "region" in hours and dataset.has("supply_snapshots.couriers_online"):
        supply = _of_regions(hourly_supply(dataset), hours)
        hours = hours.merge(supply, on=["region", "stamp"], how="left")
        hours["orders"] = hours["orders"] / hours["couriers_online"].clip(lower=1)
    return _look_up(hours, rows, "orders")


def demand_of(dataset: Dataset, rows: pd.DataFrame) -> pd.Series:
    """Orders of the region and hour, relative to the mean of the same hour on week or weekend days."""
    placed = _look_up(_placed(dataset, rows), rows, "orders")
    return placed / _typical(placed, rows)


def couriers_of(dataset: Dataset, rows: pd.DataFrame) -> pd.Series:
    """Couriers online in the region and hour, relative to the mean of the same hour in the baseline.

    It carries no noise of the count of orders, so that its effect is not diluted.

    Args:
        dataset: with supply snapshots.
        rows: orders, with `cohort` marking those of the incident.

    Raises:
        ToolFailure: there are no supply snapshots by region.
    """
    if "region" not in rows or not dataset.has("supply_snapshots.couriers_online"):
        raise ToolFailure("not testable: no column supply_snapshots.couriers_online")
    online = _look_up(hourly_supply(dataset), rows, "couriers_online")
    return online / _typical(online.where(~rows["cohort"]), rows)


def expected_load(dataset: Dataset, rows: pd.DataFrame) -> pd.Series:
    """Orders per courier online, the orders as were to be expected in the region and hour on that day.

    Expected is the mean of the same hour on week or weekend days, times how much more the day brought in the rows'
    hours. So a surge of days is in it, and the luck of an hour's count, which would dilute its effect, is not.

    Args:
        dataset: with supply snapshots.
        rows: orders, with `weekend`.

    Raises:
        ToolFailure: there are no supply snapshots by region.
    """
    if "region" not in rows or not dataset.has("supply_snapshots.couriers_online"):
        raise ToolFailure("not testable: no column supply_snapshots.couriers_online")
    named = _keys(rows).assign(**{name: rows[name] for name in (*_HOUR_OF_WEEK, "day")})
    hours = named.drop_duplicates(["region", "stamp"]).merge(_placed(dataset, rows), on=["region", "stamp"])
    hours = hours.merge(_of_regions(hourly_supply(dataset), hours), on=["region", "stamp"], how="left")
    usual = hours.groupby(["region", *_HOUR_OF_WEEK], observed=True)["orders"].transform("mean")
    days = [hours["region"], hours["day"]]
    sums = [part.groupby(days, observed=True).transform("sum") for part in (hours["orders"], usual)]
    hours["load"] = usual * sums[0] / sums[1] / hours["couriers_online"].clip(lower=1)
    return _look_up(hours, rows, "load")


def hourly_supply(dataset: Dataset) -> pd.DataFrame:
    """Mean couriers online and busy by region and hour; columns region, stamp, couriers_online, couriers_busy."""
    supply = dataset.supply()
    columns = [name for name in ("couriers_online", "couriers_busy") if name in supply]
    plain = supply.assign(region=supply["region"].astype(str), stamp=supply["ts"].dt.floor("h"))
    return plain.groupby(["region", "stamp"])[columns].mean().astype(np.float64).reset_index()


def store_load(rows: pd.DataFrame) -> pd.Series:
    """Orders of the same store in the same hour.

    Raises:
        ToolFailure: the data name no store.
    """
    if "store_id" not in rows:
        raise ToolFailure("not testable: no column orders.store_id")
    stamp = rows["order_time"].dt.floor("h")
    counts = rows.groupby([rows["store_id"], stamp], observed=True)["orders"].transform("sum")
    return counts.astype(np.float64)


def _placed(dataset: Dataset, rows: pd.DataFrame) -> pd.DataFrame:
    """All orders of the rows' time by region and hour; columns region (where known), stamp, orders."""
    facts = dataset.facts()
    inside = facts["order_time"].between(rows["order_time"].min().floor("h"), rows["order_time"].max())
    placed = _keys(facts[[name for name in ("region", "order_time") if name in facts]][inside])
    return placed.groupby(list(placed), observed=True).size().rename("orders").reset_index()


def _keys(rows: pd.DataFrame) -> pd.DataFrame:
    keys = {"stamp": rows["order_time"].dt.floor("h")}
    return pd.DataFrame(({"region": rows["region"]} if "region" in rows else {}) | keys)


def _of_regions(hours: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Region-hours with the regions as the rows have them: categories are matched by number, texts by letter."""
    if "region" not in rows:
        return hours
    return hours.assign(region=hours["region"].astype(rows["region"].dtype))


def _look_up(hours: pd.DataFrame, rows: pd.DataFrame, column: str) -> pd.Series:
    """A column of region-hours, by order."""
    own = _keys(rows)
    found = own.merge(_of_regions(hours, rows)[[*own, column]], on=list(own), how="left")[column]
    return pd.Series(found.to_numpy(np.float64), index=rows.index)


def _typical(values: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Mean over the same region and hour of week or weekend days, each region-hour counted once."""
    keys = [name for name in ("region", *_HOUR_OF_WEEK) if name in rows]
    once = (
        _keys(rows).assign(value=values, **{key: rows[key] for key in keys}).drop_duplicates(["stamp", *keys])
    )
    means = once.groupby(keys, observed=True)["value"].mean().rename("mean").reset_index()
    found = rows[keys].merge(means, on=keys, how="left")["mean"]
    return pd.Series(found.to_numpy(np.float64), index=rows.index)
