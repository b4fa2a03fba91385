"""Dispatch is told to put four orders together instead of two."""

from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world import distribution
from data.world.actions import Action, AddCouriers, RaisePromise, SetBatchingThreshold
from data.world.arrays import Bools, Floats
from data.world.faults.base import Fault, RecordedChange, Scenario
from data.world.levers import ORDINARY_THRESHOLD, Levers

RAISED_THRESHOLD = 4


def draw(scope_rng: np.random.Generator, size_rng: np.random.Generator, size: float | None) -> Fault:
    """The fault of one world; its size is how eagerly dispatch uses the raised threshold."""
    sizes = distribution.load()["batching"]
    lift = distribution.draw_size(sizes, size_rng) if size is None else size

    def apply(levers: Levers, cells: Bools, strength: Floats) -> None:
        levers.batching_threshold[cells] = RAISED_THRESHOLD
        levers.batching_lift[cells] = lift * strength[cells]

    return Fault(
        name="batching",
        scope=distribution.draw_scope(sizes, scope_rng),
        size=lift,
        before={"batching_threshold": float(ORDINARY_THRESHOLD)},
        after={"batching_threshold": float(RAISED_THRESHOLD)},
        mediators=("batched_flag", "batch_size", "dasher_wait", "merchant_prep_time"),
        hypothesis="batching_policy",
        apply=apply,
        remedies=_remedies,
        recorded=RecordedChange("batching_threshold", str(ORDINARY_THRESHOLD), str(RAISED_THRESHOLD)),
    )


def _remedies(scope: Slice, start: datetime) -> tuple[Action, ...]:
    return (
        SetBatchingThreshold(scope=scope, start=start, value=ORDINARY_THRESHOLD),
        SetBatchingThreshold(scope=scope, start=start, value=RAISED_THRESHOLD - 1),
        RaisePromise(scope=scope, start=start, seconds=180),
        AddCouriers(scope=scope, start=start, share=0.25),
    )


SCENARIO = Scenario("batching", "dispatch carries up to four orders together instead of two", draw)
