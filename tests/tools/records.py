"""A healthy world's tables, and ways to spoil them."""

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from data.mapping import Mapping as Zones
from data.world.config import WorldConfig
from data.world.regions import ZONES
from data.world.world import World
from tools import quality
from tools.detection import prepare, records
from tools.feeds import Break
from tools.settings import AnalysisSettings

Frames = Mapping[str, pd.DataFrame]
Bools = npt.NDArray[np.bool_]
DAYS = 28
IDS = {"orders": "order_id", "support_events": "ticket_id", "ratings": "rating_id", "items": "item_id"}


def healthy(*, orders_per_day: int = 6000, seed: int = 3, start: str = "2026-01-05") -> Frames:
    config = WorldConfig(days=DAYS, orders_per_day=orders_per_day, seed=seed, start=date.fromisoformat(start))
    return World(config).run().tables


def dataset(frames: Frames, *, zones: bool = True) -> Dataset:
    return Dataset.from_frames(frames, mapping=Zones(zones=dict(ZONES) if zones else {}))


def gate(frames: Frames, *, zones: bool = True) -> tuple[Break, ...]:
    given = dataset(frames, zones=zones)
    frame = prepare(given, grain="day", settings=AnalysisSettings())
    return quality.breaks(records(given, frame, ()))


def local(orders: pd.DataFrame) -> pd.Series:
    """Local times, without a zone."""
    parts = [
        rows["order_time"].dt.tz_convert(ZONES[str(region)]).dt.tz_localize(None)
        for region, rows in orders.groupby("region", observed=True)
    ]
    times: pd.Series = pd.concat(parts).reindex(orders.index)
    return times


def on(orders: pd.DataFrame, *days: int) -> Bools:
    """Which orders were placed on these local days, counted from the first."""
    day = local(orders).dt.normalize()
    wanted = [day.min() + pd.Timedelta(days=one) for one in days]
    return np.asarray(day.isin(wanted), dtype=bool)


def without(frames: Frames, lost: Callable[[pd.DataFrame], Bools]) -> Frames:
    """Without some orders and all that belongs to them."""
    orders = frames["orders"]
    gone = orders.loc[lost(orders), "order_id"]
    return {
        name: rows[~rows["order_id"].isin(gone)] if "order_id" in rows else rows
        for name, rows in frames.items()
    }


def silenced(frames: Frames, table: str, lost: Callable[[pd.DataFrame], Bools]) -> Frames:
    """Without a table's rows about some orders."""
    orders = frames["orders"]
    gone = orders.loc[lost(orders), "order_id"]
    return {**frames, table: frames[table][~frames[table]["order_id"].isin(gone)]}


def repeated(
    frames: Frames, chosen: Callable[[pd.DataFrame], Bools], *, times: int = 1, jitter: bool = False
) -> Frames:
    """With some orders, and all that belongs to them, recorded again under new ids."""
    orders = frames["orders"]
    again = orders.loc[chosen(orders), "order_id"]
    found = {name: [rows] for name, rows in frames.items()}
    for round_ in range(1, times + 1):
        for name, rows in frames.items():
            if "order_id" not in rows:
                continue
            copy = rows[rows["order_id"].isin(again)].copy()
            for column in {"order_id", IDS.get(name, "order_id")}:
                copy[column] = f"copy{round_}-" + copy[column].astype(str)
            if jitter:
                _jitter(copy, round_)
            found[name].append(copy)
    renamed = {}
    for name, parts in found.items():
        rows = pd.concat(parts, ignore_index=True)
        for column in {"order_id", IDS.get(name, "order_id")} & set(rows.columns):
            rows[column] = rows[column].astype(str)
        renamed[name] = rows
    return renamed


def _jitter(rows: pd.DataFrame, seed: int) -> None:
    """New moments, minutes away, for whole orders: every time of a row moves alike."""
    for column in rows.columns:
        if isinstance(rows[column].dtype, pd.DatetimeTZDtype):
            rows[column] += pd.Timedelta(seconds=37 * seed)


def moved(frames: Frames, chosen: Callable[[pd.DataFrame], Bools], *, hours: int) -> Frames:
    """With the clock of some orders, and of all that belongs to them, off by hours."""
    orders = frames["orders"]
    off = orders.loc[chosen(orders), "order_id"]
    changed = {}
    for name, rows in frames.items():
        rows = rows.copy()
        if "order_id" in rows:
            hit = rows["order_id"].isin(off)
            for column in rows.columns:
                if isinstance(rows[column].dtype, pd.DatetimeTZDtype):
                    rows.loc[hit, column] += pd.Timedelta(hours=hours)
        changed[name] = rows
    return changed
