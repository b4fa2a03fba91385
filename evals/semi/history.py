"""Real orders of some weeks, one row an order, from which the tables of a dataset are made again after a change."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from tools.incident_frame import positions, slice_mask

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_ORDERS: Final = ("order_id", "store_id", "category", "region", "dest", "basket_value", "order_time")
_DELIVERIES: Final = {"distance": "distance", "dasher_wait": "dasher_wait_s", "merchant_prep_time": "prep_s"}
_SUPPLY: Final = {
    "region": "region",
    "ts": "order_time",
    "couriers_online": "online",
    "couriers_busy": "busy",
    "outstanding_orders": "outstanding",
}
_UNKNOWN: Final = "(unknown)"


@dataclass(frozen=True)
class Place:
    """Where and when a fault is put in: it lasts from its onset until the data end."""

    scope: Slice
    onset: datetime
    finish: datetime

    def rows(self, orders: pd.DataFrame) -> Flags:
        """Which orders it reaches, shape (orders,)."""
        time = orders["order_time"]
        during = ((time >= self.onset) & (time < self.finish)).to_numpy(dtype=bool)
        return during & slice_mask(orders, self.scope)


@dataclass(frozen=True)
class History:
    """What is known of some weeks; an injection gives a changed one."""

    orders: pd.DataFrame
    """Sorted by time. Columns as in `data.facts`, as far as the data have them: identity, dimensions, `promise_s`,
    `fulfilment_s` with `fulfilled`, `canceled`, `dasher_wait_s`, `prep_s`; and the couriers that were noted with each
    order (`online`, `busy`, `outstanding`)."""
    mapping: Mapping
    events: pd.DataFrame | None = None
    """Rows of `context_events`."""
    changes: pd.DataFrame | None = None
    """Rows of `policy_changes`."""

    def between(self, start: datetime, end: datetime) -> "History":
        """The orders placed, and the events begun, from `start` to `end` (excluded)."""
        first, stop = positions(self.orders["order_time"], (start, end))
        orders = self.orders.iloc[first:stop].reset_index(drop=True)
        if self.events is None:
            return replace(self, orders=orders)
        keep = (self.events["start"] >= start) & (self.events["start"] < end)
        return replace(self, orders=orders, events=self.events[keep].reset_index(drop=True))

    def with_columns(self, **columns: Floats) -> "History":
        """Some columns of the orders replaced."""
        return replace(self, orders=self.orders.assign(**columns))

    def column(self, name: str) -> Floats:
        """A column of the orders as floats that may be changed."""
        return self.orders[name].to_numpy(dtype=np.float64, na_value=np.nan).copy()

    def outcomes(self) -> pd.DataFrame:
        """The orders with what the metrics count, as the facts of its dataset have it; without making the dataset."""
        arrived, took = self.column("fulfilled") > 0, self.column("fulfilment_s")
        known, columns = arrived, {"fulfilled": arrived, "fulfilment_s": np.where(arrived, took, 0.0)}
        if "canceled" in self.orders:
            canceled = self.column("canceled") > 0
            known = arrived | canceled
            columns |= {"canceled": canceled, "outcome_known": known}
        if "promise_s" in self.orders:
            punctual = took - self.column("promise_s") <= self.mapping.on_time.late_s
            columns |= {"delivered": arrived, "on_time": arrived & punctual}
        whole = {name: values.astype(np.int64) for name, values in columns.items()}
        return self.orders.assign(**whole)

    def dataset(self) -> Dataset:
        """The tables, checked and joined as any user's."""
        return Dataset.from_frames(dict(self._tables()), mapping=self.mapping)

    def _tables(self) -> Iterator[tuple[str, pd.DataFrame]]:
        rows = self.orders
        text = {
            n: rows[n].astype(str) for n in _ORDERS if n in rows and n not in ("order_time", "basket_value")
        }
        plain = {n: rows[n] for n in ("order_time", "basket_value") if n in rows}
        promised = {"promised_eta": self._after("promise_s")} if "promise_s" in rows else {}
        yield "orders", pd.DataFrame({**text, **plain, **promised})
        yield "deliveries", self._deliveries()
        if "online" in rows:
            noted = rows[rows["online"].notna() & (rows["region"].astype(str) != _UNKNOWN)]
            supply = pd.DataFrame({name: noted[column] for name, column in _SUPPLY.items()})
            yield "supply_snapshots", supply.astype({"region": str})
        for name, table in (("context_events", self.events), ("policy_changes", self.changes)):
            if table is not None and len(table):
                yield name, table

    def _deliveries(self) -> pd.DataFrame:
        rows = self.orders
        arrived = self._after("fulfilment_s").where(rows["fulfilled"] > 0)
        known = {name: rows[column] for name, column in _DELIVERIES.items() if column in rows}
        canceled = {"canceled_flag": rows["canceled"] > 0} if "canceled" in rows else {}
        return pd.DataFrame(
            {"order_id": rows["order_id"].astype(str), "actual_eta": arrived, **canceled, **known}
        )

    def _after(self, column: str) -> "pd.Series[pd.Timestamp]":
        seconds = pd.to_timedelta(self.orders[column].round(), unit="s")
        return self.orders["order_time"] + seconds


def midnight(day: int, mapping: Mapping) -> datetime:
    """When a local day (counted from 1 January 1970) begins, in the mapping's own zone.

    Example:
        >>> midnight(15706, Mapping(default_zone="America/New_York")).isoformat()
        '2013-01-01T05:00:00+00:00'
    """
    naive = pd.Timestamp(0) + timedelta(days=day)
    moment: datetime = naive.tz_localize(mapping.zone_of(None)).tz_convert("UTC").to_pydatetime()
    return moment
