"""Fewer couriers than planned in a region."""

from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world import distribution
from data.world.actions import Action, AddCouriers, RaisePromise, SetBatchingThreshold
from data.world.arrays import Bools, Floats
from data.world.faults.base import Fault, Scenario
from data.world.levers import Levers


def draw(scope_rng: np.random.Generator, size_rng: np.random.Generator, size: float | None) -> Fault:
    """The fault of one world; its size is the share of the planned couriers that is missing."""
    sizes = distribution.load()["courier_supply"]
    drop = distribution.draw_size(sizes, size_rng) if size is None else size
    if drop >= 1:
        raise ValueError(f"size {drop} of courier_supply must be below 1: it is a share of the couriers")

    def apply(levers: Levers, cells: Bools, strength: Floats) -> None:
        levers.couriers[cells] *= (1 - drop) ** strength[cells]

    def remedies(scope: Slice, start: datetime) -> tuple[Action, ...]:
        return (
            AddCouriers(scope=scope, start=start, share=round(drop / (1 - drop), 4)),
            RaisePromise(scope=scope, start=start, seconds=180),
            SetBatchingThreshold(scope=scope, start=start, value=3),
        )

    return Fault(
        name="courier_supply",
        scope=distribution.draw_scope(sizes, scope_rng),
        size=drop,
        before={"couriers": 1.0},
        after={"couriers": round(1 - drop, 4)},
        mediators=("couriers_online", "dasher_wait", "batched_flag"),
        hypothesis="courier_supply",
        apply=apply,
        remedies=remedies,
    )


SCENARIO = Scenario("courier_supply", "fewer couriers than planned in one region", draw)
