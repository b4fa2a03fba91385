"""Two faults at once in the scope of the first: the scenario `first+second`."""

from collections.abc import Callable
from datetime import datetime

import numpy as np

from data.slices import Slice
from data.world.actions import Action
from data.world.arrays import Bools, Floats
from data.world.faults.base import Fault, Scenario
from data.world.levers import Levers

Draw = Callable[[np.random.Generator, np.random.Generator, float | None], Fault]


def pair(first: Scenario, second: Scenario) -> Scenario:
    """The scenario of both.

    Raises:
        ValueError: one of them has no fault.
    """
    if first.draw is None or second.draw is None:
        raise ValueError(f"{first.name} and {second.name} must both have a fault")
    name = f"{first.name}+{second.name}"
    return Scenario(
        name, f"{first.description}, and {second.description}", _both(name, first.draw, second.draw)
    )


def _both(name: str, first: Draw, second: Draw) -> Draw:
    def draw(scope_rng: np.random.Generator, size_rng: np.random.Generator, size: float | None) -> Fault:
        """Both faults; a given size is the first's."""
        one = first(scope_rng, size_rng, size)
        two = second(scope_rng, size_rng, None)

        def apply(levers: Levers, cells: Bools, strength: Floats) -> None:
            one.apply(levers, cells, strength)
            two.apply(levers, cells, strength)

        def remedies(scope: Slice, start: datetime) -> tuple[Action, ...]:
            return (*one.remedies(scope, start), *two.remedies(scope, start))

        return Fault(
            name=name,
            scope=one.scope,
            size=one.size,
            before={**one.before, **two.before},
            after={**one.after, **two.after},
            mediators=tuple(dict.fromkeys((*one.mediators, *two.mediators))),
            hypothesis=one.hypothesis,
            apply=apply,
            remedies=remedies,
            recorded=one.recorded or two.recorded,
            surge=one.surge * two.surge,
            parts=(one, two),
        )

    return draw
