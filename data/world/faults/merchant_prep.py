"""Stores of one category in a region take longer to prepare."""

from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world import distribution
from data.world.actions import Action, AddCouriers, RaisePromise, SpeedUpPreparation
from data.world.arrays import Bools, Floats
from data.world.faults.base import Fault, Scenario
from data.world.levers import Levers


def draw(scope_rng: np.random.Generator, size_rng: np.random.Generator, size: float | None) -> Fault:
    """The fault of one world; its size multiplies the preparation times."""
    sizes = distribution.load()["merchant_prep"]
    factor = distribution.draw_size(sizes, size_rng) if size is None else size

    def apply(levers: Levers, cells: Bools, strength: Floats) -> None:
        levers.prep[cells] *= factor ** strength[cells]

    def remedies(scope: Slice, start: datetime) -> tuple[Action, ...]:
        return (
            SpeedUpPreparation(scope=scope, start=start, factor=min(round(1 / factor, 4), 1.0)),
            RaisePromise(scope=scope, start=start, seconds=180),
            AddCouriers(scope=scope, start=start, share=0.25),
        )

    return Fault(
        name="merchant_prep",
        scope=distribution.draw_scope(sizes, scope_rng),
        size=factor,
        before={"prep": 1.0},
        after={"prep": factor},
        mediators=("merchant_prep_time",),
        hypothesis="merchant_prep",
        apply=apply,
        remedies=remedies,
    )


SCENARIO = Scenario("merchant_prep", "stores take longer to prepare their orders", draw)
