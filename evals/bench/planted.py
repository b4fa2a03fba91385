"""Null worlds with a drop of known size planted into one slice: detection measured on noise that is not ours to pick.

The world supplies orders, shocks and seasons; from an onset on, on-time orders of a slice turn late with a fixed
probability. Sizes are drawn log-uniformly in sigma of the slice's own day, so that every bin is filled.
"""

from collections.abc import Mapping as Frames
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import HourRange, Slice
from data.world import World, WorldConfig
from evals.seeds import derive
from tools.buckets import local_day, moment_of
from tools.cohorts import in_slice

SPACE: Final = "cx-bench-detect"
DAYS: Final = 35
ORDERS_PER_DAY: Final = 12_000
LEAST_ORDERS: Final = 120
"""Of the slice, a day."""
LASTS: Final = 3
"""Days from the onset to the end of the data."""
SIGMAS: Final = (1.0, 10.0)
"""Sizes, in standard deviations of a day's rate in the slice."""
_TRIES: Final = 200


class Plant(NamedTuple):
    """A planted drop."""

    slice: Slice
    onset: datetime
    day: int
    """First local day, since 1970."""
    drop: float
    """Share of orders that turn late."""
    sigma: float


@dataclass(frozen=True)
class PlantedData:
    """What detection reads of a dataset, with a drop planted in it."""

    base: Dataset
    plant: Plant | None
    seed: int

    @property
    def as_of(self) -> datetime:
        """As the base's."""
        return self.base.as_of

    @property
    def mapping(self) -> Mapping:
        """As the base's."""
        return self.base.mapping

    @property
    def fingerprint(self) -> str:
        """Names the base and the plant; the content is not hashed."""
        return f"planted-{self.seed}"

    @property
    def dimensions(self) -> tuple[str, ...]:
        """As the base's."""
        return self.base.dimensions

    @property
    def quarantine(self) -> Frames[str, int]:
        """As the base's."""
        return self.base.quarantine

    def has(self, name: str) -> bool:
        """As the base's."""
        return self.base.has(name)

    def facts(self) -> pd.DataFrame:
        """As the base's: the plant is in the cells alone."""
        return self.base.facts()

    def cells(self) -> pd.DataFrame:
        """The base's cells, on-time orders of the slice turned late from the onset on.

        A cell is thinned by its own draws, keyed by its place, so that an earlier view shows the same past.
        """
        cells = self.base.cells()
        if self.plant is None:
            return cells
        hit = in_slice(cells, self.plant.slice) & (cells["day"] >= self.plant.day).to_numpy()
        good, of = (cells.loc[hit, name].to_numpy(np.int64) for name in ("on_time", "delivered"))
        share = np.clip(self.plant.drop * of / np.maximum(good, 1), 0.0, 1.0)
        days = cells.loc[hit, "day"].to_numpy(np.int64)
        late = np.zeros(len(good), dtype=np.int64)
        for day in np.unique(days):
            rng = np.random.default_rng([self.seed, int(day)])
            rows = days == day
            late[rows] = rng.binomial(good[rows], share[rows])
        changed = cells.copy()
        changed.loc[hit, "on_time"] = good - late
        return changed

    def at(self, as_of: datetime) -> "PlantedData":
        """The same at another time."""
        return PlantedData(self.base.at(as_of), self.plant, self.seed)


def null_world(label: str, number: int) -> Dataset:
    """A world in which nothing is wrong."""
    config = WorldConfig(
        scenario="none", days=DAYS, orders_per_day=ORDERS_PER_DAY, seed=derive(SPACE, label, number)
    )
    run = World(config).run()
    return Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))


def draw(dataset: Dataset, rng: np.random.Generator, *, drop: float | None = None) -> Plant:
    """A slice of region, category and one to four hours with enough orders, and a size.

    Args:
        dataset: a null world.
        rng: draws all.
        drop: share of orders that turn late; drawn in sigma where none is given.
    """
    cells = dataset.cells()
    regions, categories = (sorted(cells[name].astype(str).unique()) for name in ("region", "category"))
    days = int(cells["day"].max() - cells["day"].min()) + 1
    for _ in range(_TRIES):
        start = int(rng.integers(8, 21))
        hour = HourRange(start=start, end=start + int(rng.integers(1, 5)))
        values = (("category", str(rng.choice(categories))), ("region", str(rng.choice(regions))))
        slice_ = Slice(values=values, hour=hour)
        rows = cells[in_slice(cells, slice_)]
        orders = float(rows["orders"].sum()) / days
        if orders >= LEAST_ORDERS:
            return _sized(dataset, slice_, rows, rng, drop)
    raise ValueError(f"no slice with {LEAST_ORDERS} orders a day was drawn in {_TRIES} tries")


def _sized(
    dataset: Dataset, slice_: Slice, rows: pd.DataFrame, rng: np.random.Generator, drop: float | None
) -> Plant:
    daily = rows.groupby("day")[["on_time", "delivered"]].sum()
    spread = float(np.nanstd((daily["on_time"] / daily["delivered"]).to_numpy(np.float64), ddof=1))
    sigma = float(np.exp(rng.uniform(*np.log(SIGMAS)))) if drop is None else drop / spread
    zone = dataset.mapping.zone_of(slice_.get("region"))
    last = local_day(dataset.mapping, slice_.get("region"), dataset.as_of - timedelta(days=1))
    day = last - LASTS + 1
    return Plant(slice_, moment_of(zone, day), day, min(sigma * spread, 0.6), sigma)
