"""What faults and interventions move: the parameters of the mechanisms, one value a cell."""

from dataclasses import dataclass

import numpy as np

from data.world.arrays import Bools, Floats, Ints
from data.world.grid import Grid

ORDINARY_THRESHOLD = 2


@dataclass
class Levers:
    """Parameters in force, by cell; a fault or an action changes them in place."""

    batching_threshold: Ints
    """Most orders that one courier may carry together; 1 forbids batching."""
    batching_lift: Floats
    """How eagerly dispatch uses a higher threshold; 1 is ordinary."""
    couriers: Floats
    """Couriers online as a multiple of the plan."""
    prep: Floats
    """Preparation times as a multiple of the ordinary ones."""
    promise_buffer_s: Floats
    """Seconds added to every promise."""
    absent: Floats
    """Probability that a product is not there, as a multiple of the ordinary one."""
    demand: Floats
    """Customers as a multiple of those expected."""
    suppress_below: Floats
    """Products less likely in stock than this are not offered."""
    helped: Bools
    """Whether helpers are in the stores."""


def ordinary(grid: Grid) -> Levers:
    """The levers of a world in which nothing was touched."""
    return Levers(
        batching_threshold=np.full(grid.cells, ORDINARY_THRESHOLD, dtype=np.int64),
        batching_lift=np.ones(grid.cells),
        couriers=np.ones(grid.cells),
        prep=np.ones(grid.cells),
        promise_buffer_s=np.zeros(grid.cells),
        absent=np.ones(grid.cells),
        demand=np.ones(grid.cells),
        suppress_below=np.zeros(grid.cells),
        helped=np.zeros(grid.cells, dtype=np.bool_),
    )
