"""Products of one category in a region are out of stock more often."""

from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world import distribution
from data.world.actions import Action, RaisePromise, SuppressProducts
from data.world.arrays import Bools, Floats
from data.world.faults.base import Fault, Scenario
from data.world.levers import Levers


def draw(scope_rng: np.random.Generator, size_rng: np.random.Generator, size: float | None) -> Fault:
    """The fault of one world; its size multiplies the probability that a product is not there."""
    sizes = distribution.load()["inventory"]
    factor = distribution.draw_size(sizes, size_rng) if size is None else size

    def apply(levers: Levers, cells: Bools, strength: Floats) -> None:
        levers.absent[cells] *= factor ** strength[cells]

    def remedies(scope: Slice, start: datetime) -> tuple[Action, ...]:
        return (
            SuppressProducts(scope=scope, start=start, below=0.85),
            SuppressProducts(scope=scope, start=start, below=0.92),
            RaisePromise(scope=scope, start=start, seconds=180),
        )

    return Fault(
        name="inventory",
        scope=distribution.draw_scope(sizes, scope_rng),
        size=factor,
        before={"absent": 1.0},
        after={"absent": factor},
        mediators=("substituted_flag", "missing_flag", "refund_amount"),
        hypothesis="inventory",
        apply=apply,
        remedies=remedies,
    )


SCENARIO = Scenario("inventory", "products are out of stock more often", draw)
