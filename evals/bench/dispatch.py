"""How fast the dispatch simulator plays policy cells, and what the cells show."""

import time
from typing import Final

from pydantic import BaseModel, ConfigDict

from tools.dispatch.grid import PLAIN, run_grid

COURIERS: Final = (10, 14, 18, 22, 26, 30)
THRESHOLDS: Final = (1, 2, 3, 4)
SEED: Final = 7


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class CellRow(_Model):
    """One policy, over all replications."""

    couriers: int
    threshold: int
    on_time: float
    orders_per_courier_hour: float
    utilisation: float


class DispatchBench(_Model):
    """The grid and its time."""

    replications: int
    orders: int
    """Played in all cells together."""
    compile_seconds: float
    """Of the first call in this process: from the cache on disk where there is one."""
    seconds: float
    cells: tuple[CellRow, ...]


def run_bench(*, replications: int) -> DispatchBench:
    """Play the cells once for the compiler and once for the clock."""
    began = time.perf_counter()
    run_grid(COURIERS[:1], THRESHOLDS[:1], replications=1, seed=SEED)
    compiled = time.perf_counter()
    cells = run_grid(COURIERS, THRESHOLDS, replications=replications, seed=SEED)
    done = time.perf_counter()
    return DispatchBench(
        replications=replications,
        orders=len(cells) * replications * PLAIN.orders,
        compile_seconds=compiled - began,
        seconds=done - compiled,
        cells=tuple(CellRow(**cell._asdict()) for cell in cells),
    )
