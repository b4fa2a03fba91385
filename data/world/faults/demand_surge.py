"""More customers than expected in a region, while couriers are as planned."""

from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world import distribution
from data.world.actions import Action, AddCouriers, RaisePromise, SetBatchingThreshold
from data.world.arrays import Bools, Floats
from data.world.faults.base import Fault, Scenario
from data.world.levers import Levers


def draw(scope_rng: np.random.Generator, size_rng: np.random.Generator, size: float | None) -> Fault:
    """The fault of one world; its size multiplies the customers."""
    sizes = distribution.load()["demand_surge"]
    factor = distribution.draw_size(sizes, size_rng) if size is None else size
    if factor < 1:
        raise ValueError(f"size {factor} of demand_surge must be at least 1: it multiplies the customers")

    def apply(levers: Levers, cells: Bools, strength: Floats) -> None:
        levers.demand[cells] *= factor ** strength[cells]

    def remedies(scope: Slice, start: datetime) -> tuple[Action, ...]:
        return (
            AddCouriers(scope=scope, start=start, share=round(factor - 1, 4)),
            RaisePromise(scope=scope, start=start, seconds=180),
            SetBatchingThreshold(scope=scope, start=start, value=3),
        )

    return Fault(
        name="demand_surge",
        scope=distribution.draw_scope(sizes, scope_rng),
        size=factor,
        before={"demand": 1.0},
        after={"demand": factor},
        mediators=("dasher_wait", "batched_flag"),
        hypothesis="demand_surge",
        apply=apply,
        remedies=remedies,
        surge=factor,
    )


SCENARIO = Scenario("demand_surge", "more customers than expected in one region", draw)
