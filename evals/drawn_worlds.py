"""Which world an incident comes from: what is wrong in it, how it grows and ends, and how far it is from training.

A split other than `held_out` is never trained on: `parametric` has noise and fault sizes outside of the ranges of
training, `structural` has mechanisms of another form, and `withheld` asks each fault three times: with all tables,
without an irrelevant one, and without those of its cause.
"""

from typing import Final, Literal

import numpy as np

from data.world import Structure, WorldConfig
from data.world.distribution import load

Split = Literal["held_out", "parametric", "structural", "withheld"]

SINGLE: Final = ("batching", "courier_supply", "merchant_prep", "inventory", "eta_model", "demand_surge")
DOUBLE: Final = (
    "batching+merchant_prep",
    "courier_supply+merchant_prep",
    "courier_supply+eta_model",
    "merchant_prep+eta_model",
)
CYCLE: Final = ("none", *SINGLE[:3], "double", "none", *SINGLE[3:], "double")
"""In turn: of ten worlds two have nothing wrong, and each of these gives several incidents by chance."""
WITHHELD_CYCLE: Final = tuple(name for name in SINGLE if name != "eta_model")
"""Without promises no order is late, so those cannot be withheld."""
VOLUMES: Final = (5_000, 7_000, 10_000)
FAR_VOLUMES: Final = (4_000, 13_000)
FAR_NOISE: Final = (1.4, 1.8)
FAR_STRUCTURES: Final = (Structure.OTHER_LINKS, Structure.QUEUE, Structure.EXTRA_EDGE, Structure.HIDDEN)
SHAPES: Final = ("step", "ramp", "over")
"""At once and for good, growing over days, and over before the data end."""


def draw_config(rng: np.random.Generator, index: int, seed: int, split: Split) -> WorldConfig:
    """The configuration of one world.

    Args:
        rng: decides volume, shape and, far from training, noise and size.
        index: number of the world; scenarios and structures go in turn.
        seed: the world's own.
        split: how far it is from training.
    """
    scenario = _scenario(index, split)
    shape = str(rng.choice(SHAPES, p=[0.6, 0.2, 0.2]))
    far = split == "parametric"
    return WorldConfig(
        scenario=scenario,
        orders_per_day=int(rng.choice(FAR_VOLUMES if far else VOLUMES)),
        seed=seed,
        size=_outside(rng, scenario) if far and scenario != "none" else None,
        noise=float(rng.uniform(*FAR_NOISE)) if far else 1.0,
        structure=FAR_STRUCTURES[index % len(FAR_STRUCTURES)]
        if split == "structural"
        else Structure.DECLARED,
        ramp_days=int(rng.integers(1, 4)) if shape == "ramp" else 0,
        fault_days=int(rng.integers(2, 4)) if shape == "over" else None,
    )


def draw_whatif(rng: np.random.Generator, index: int, seed: int) -> WorldConfig:
    """The configuration of a world with one fault that lasts, for questions about what to do.

    Args:
        rng: decides the volume.
        index: number of the world; scenarios go in turn.
        seed: the world's own.
    """
    volume = int(rng.choice(VOLUMES))
    return WorldConfig(scenario=SINGLE[index % len(SINGLE)], orders_per_day=volume, seed=seed)


def _scenario(index: int, split: Split) -> str:
    if split == "withheld":
        return WITHHELD_CYCLE[index % len(WITHHELD_CYCLE)]
    name = CYCLE[index % len(CYCLE)]
    return name if name != "double" else DOUBLE[index // (len(CYCLE) // 2) % len(DOUBLE)]


def _outside(rng: np.random.Generator, scenario: str) -> float:
    """A size below or above all sizes of the committed distribution; of multiples, what they are more than one."""
    bounds = load()[scenario.partition("+")[0]].size
    ordinary = 1.0 if bounds.low > 1.0 and bounds.high < 10.0 else 0.0
    if rng.random() < 0.3:
        return round(ordinary + (bounds.low - ordinary) * float(rng.uniform(0.8, 1.0)), 4)
    return round(ordinary + (bounds.high - ordinary) * float(rng.uniform(1.0, 1.25)), 4)
