"""What a fault is: a size, a scope, and the levers that it moves there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world.actions import Action
from data.world.arrays import Bools, Floats
from data.world.levers import Levers


@dataclass(frozen=True)
class RecordedChange:
    """The row that a fault leaves in `policy_changes`, if it came with one."""

    policy: str
    old_value: str
    new_value: str


@dataclass(frozen=True)
class Fault:
    """A fault as drawn for one world."""

    name: str
    scope: Slice
    size: float
    before: dict[str, float]
    """Parameters of the mechanism before it, by name."""
    after: dict[str, float]
    mediators: tuple[str, ...]
    """Columns that are expected to move because of it."""
    hypothesis: str
    """The hypothesis that is true."""
    apply: Callable[[Levers, Bools, Floats], None]
    """Moves the levers in the cells of a mask, as far as the strength (0 to 1) of each cell of the grid."""
    remedies: Callable[[Slice, datetime], tuple[Action, ...]]
    """What could be done about it, in a scope and from a time on."""
    recorded: RecordedChange | None = None
    surge: float = 1.0
    """Most customers that it brings, as a multiple of those expected; they must be drawn with the world."""
    parts: "tuple[Fault, ...]" = ()
    """The faults that it is made of; empty where it is one by itself."""


@dataclass(frozen=True)
class Scenario:
    """A kind of world."""

    name: str
    description: str
    draw: Callable[[np.random.Generator, np.random.Generator, float | None], Fault] | None
    """From the streams of scope and size, and a given size; None where nothing is wrong."""
