"""How time and memory grow with the number of orders, against a query written by hand in the same run."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import pandas as pd
from pydantic import BaseModel, ConfigDict

from data.contracts import TABLES
from data.dataset import Dataset
from evals.bench import dataset as generated
from evals.bench import sql
from evals.bench.dataset import START_S, Size
from evals.bench.stage import Stopwatch, apart
from tools.detection import detect
from tools.incidents import SliceDelta
from tools.localise import localise

LIMITS_FROM: Final = 10_000_000
"""Below, fixed costs of a second or two decide the ratio."""
RATIO_LIMIT: Final = 3.0
INCREMENT_LIMIT_S: Final = 2.0
MEMORY_LIMIT_MB: Final = 4_000.0


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StepResult(_Model):
    """One step of a size."""

    name: str
    wall_s: float
    cpu_s: float
    rows_per_s: float
    """Orders a second."""


class SizeResult(_Model):
    """One size."""

    label: str
    orders: int
    rows: int
    """Of all seven tables."""
    megabytes: float
    """Of Parquet."""
    cells: int
    incidents: int
    slices: int
    """That explain the late orders of the newest day."""
    steps: tuple[StepResult, ...]
    """raw scan, hand-written SQL, open (read, check, hash), cube, detection and localisation, one new day."""
    total_s: float
    """From Parquet to ranked slices."""
    peak_mb: float
    """Most memory of that process."""
    sql_peak_mb: float
    """Most memory of the hand-written query's process."""
    ratio: float
    """Wall time from Parquet to ranked slices, against the hand-written query."""
    new_day_s: float
    """Wall time until the cells are there again when the files of one more day have come."""


class ScaleReport(_Model):
    """All sizes, and whether the limits hold."""

    sizes: tuple[SizeResult, ...]
    growth: tuple[float, ...]
    """Time against the size before, per order: at most 1 where time grows no faster than rows."""
    misses: tuple[str, ...]
    """Limits that were not met."""


def measure(
    sizes: Sequence[Size], *, folder: Path | None = None, tell: Callable[[str], None] = lambda text: None
) -> ScaleReport:
    """Measure each size.

    Args:
        sizes: smallest first.
        folder: where the datasets are made and stay; by default a temporary one.
        tell: told what is being done.
    """
    with TemporaryDirectory(prefix="cx-bench-") as scratch:
        found = [_measure(size, (folder or Path(scratch)) / size.label, tell) for size in sizes]
    growth = tuple((b.total_s / b.orders) / (a.total_s / a.orders) for a, b in pairwise(found))
    return ScaleReport(sizes=tuple(found), growth=growth, misses=tuple(_misses(found, growth)))


def _measure(size: Size, folder: Path, tell: Callable[[str], None]) -> SizeResult:
    if not (folder / "orders").is_dir():
        tell(f"{size.label}: writing the dataset")
        generated.write(size, folder)
    tell(f"{size.label}: raw scan")
    raw = apart(scan, folder)
    tell(f"{size.label}: hand-written SQL")
    by_hand = apart(query, folder, as_of(size))
    tell(f"{size.label}: from Parquet to ranked slices")
    whole = apart(analyse, folder)
    tell(f"{size.label}: one new day")
    new_day = apart(grow, folder, size)
    steps = [*raw.steps, *by_hand.steps, *whole.steps, *new_day.steps[1:]]
    return SizeResult(
        label=size.label,
        orders=size.orders,
        megabytes=sum(file.stat().st_size for file in folder.rglob("*.parquet")) / 1e6,
        steps=tuple(
            StepResult(
                name=s.name, wall_s=s.wall_s, cpu_s=s.cpu_s, rows_per_s=size.orders / max(s.wall_s, 1e-9)
            )
            for s in steps
        ),
        total_s=whole.wall_s,
        peak_mb=whole.peak_mb,
        sql_peak_mb=by_hand.peak_mb,
        ratio=whole.wall_s / by_hand.wall_s,
        new_day_s=sum(step.wall_s for step in new_day.steps[1:]),
        **raw.counts,
        **whole.counts,
    )


def _misses(found: Sequence[SizeResult], growth: Sequence[float]) -> list[str]:
    largest = found[-1]
    small = largest.orders < LIMITS_FROM
    limits = (
        (
            small or largest.ratio <= RATIO_LIMIT,
            f"{largest.ratio:.1f} times the hand-written query, not {RATIO_LIMIT:g}",
        ),
        (largest.peak_mb < MEMORY_LIMIT_MB, f"{largest.peak_mb:.0f} MB of memory, not {MEMORY_LIMIT_MB:.0f}"),
        (
            small or largest.new_day_s < INCREMENT_LIMIT_S,
            f"{largest.new_day_s:.1f} s for a new day, not {INCREMENT_LIMIT_S:g}",
        ),
        (all(step <= 1.0 for step in growth), "time grows faster than rows"),
    )
    return [f"{largest.label}: {miss}" for met, miss in limits if not met]


# --- what is measured, each in a process of its own


def scan(watch: Stopwatch, folder: Path) -> dict[str, int]:
    """Read every value of every table."""

    def read() -> int:
        rows = 0
        with duckdb.connect() as engine:
            engine.execute("SET enable_progress_bar = false")
            for table in TABLES:
                if (folder / table).is_dir():
                    relation = engine.read_parquet(f"{folder / table}/*.parquet")
                    # A maximum makes the reader decode a column and keeps nothing of it.
                    tops = [f"max({column})::VARCHAR" for column in relation.columns]
                    rows += int((relation.aggregate(", ".join(["count(*)", *tops])).fetchone() or (0,))[0])
        return rows

    return {"rows": watch.time("raw scan", read)}


def query(watch: Stopwatch, folder: Path, moment: str) -> dict[str, int]:
    """Run the hand-written query."""
    return {"cells": watch.time("hand-written SQL", lambda: sql.run(folder, moment))}


def analyse(watch: Stopwatch, folder: Path) -> dict[str, int]:
    """From Parquet to incidents and ranked slices."""
    found = watch.time("open: read, check, hash", lambda: Dataset.open(folder))
    cells = watch.time("cube: facts and cells", found.cells)
    report = watch.time("detection", lambda: detect(found))
    slices = watch.time("localisation", lambda: worst_slices(found))
    return {"cells": len(cells), "incidents": len(report.incidents), "slices": len(slices)}


def grow(watch: Stopwatch, folder: Path, size: Size) -> dict[str, int]:
    """Sum the days so far with a store, then open the folder again when the files of one more day have come.

    As in a service, one process does both. The day is taken away again.
    """
    with TemporaryDirectory(prefix="cx-bench-store-") as scratch:
        store = Path(scratch)
        watch.time("fill the store", lambda: Dataset.open(folder, store=store).cells())
        generated.write_day(size, size.days, folder)
        try:
            found = watch.time("new day: open", lambda: Dataset.open(folder, store=store))
            return {"cells": len(watch.time("new day: cube", found.cells))}
        finally:
            for path in folder.glob(f"*/{generated.day_file(size.days)}"):
                path.unlink()


def worst_slices(found: Dataset) -> tuple[SliceDelta, ...]:
    """The slices that explain the late orders of the newest closed day, against the days before."""
    cells = found.cells()
    day = int(cells["day"].max()) if cells.empty else _newest_closed(found, cells)
    before = cells[cells["day"] < day].groupby("hour")[["delivered", "on_time"]].sum()
    late_share = 1 - before["on_time"] / before["delivered"]
    now = cells[cells["day"] == day]
    frame = now.assign(
        y=now["delivered"] - now["on_time"],
        n=now["delivered"],
        expected=now["delivered"] * now["hour"].map(late_share),
    )
    dims = [name for name in found.dimensions if name != "store_id"]
    return localise(frame, dims=dims, hour="hour", max_dims=3).slices


def _newest_closed(found: Dataset, cells: pd.DataFrame) -> int:
    closed = (found.as_of.timestamp() - found.mapping.maturity.delivery_h * 3600) // 86_400
    return min(int(closed) - 1, int(cells["day"].max()))


def as_of(size: Size) -> str:
    """When the last day of a size is closed for deliveries."""
    closed = datetime.fromtimestamp(START_S, tz=UTC) + timedelta(days=size.days, hours=3)
    return closed.isoformat()
