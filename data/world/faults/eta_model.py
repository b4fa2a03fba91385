"""Promises of a region became too short; delivery itself did not change."""

from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world import distribution
from data.world.actions import Action, AddCouriers, RaisePromise, SpeedUpPreparation
from data.world.arrays import Bools, Floats
from data.world.faults.base import Fault, Scenario
from data.world.levers import Levers


def draw(scope_rng: np.random.Generator, size_rng: np.random.Generator, size: float | None) -> Fault:
    """The fault of one world; its size is by how many seconds promises are too short."""
    sizes = distribution.load()["eta_model"]
    seconds = distribution.draw_size(sizes, size_rng) if size is None else size

    def apply(levers: Levers, cells: Bools, strength: Floats) -> None:
        levers.promise_buffer_s[cells] -= seconds * strength[cells]

    def remedies(scope: Slice, start: datetime) -> tuple[Action, ...]:
        return (
            RaisePromise(scope=scope, start=start, seconds=seconds),
            AddCouriers(scope=scope, start=start, share=0.25),
            SpeedUpPreparation(scope=scope, start=start, factor=0.9),
        )

    return Fault(
        name="eta_model",
        scope=distribution.draw_scope(sizes, scope_rng),
        size=seconds,
        before={"promise_buffer_s": 0.0},
        after={"promise_buffer_s": -seconds},
        mediators=("promised_eta",),
        hypothesis="eta_model",
        apply=apply,
        remedies=remedies,
    )


SCENARIO = Scenario("eta_model", "promises are shorter than delivery takes", draw)
