"""Interventions: what can be done about a world, and what it moves.

Every action has a scope and a time from which it acts; it lasts to the end of the world, or acts in some windows
only, as in an experiment. Longer promises and a smaller selection lose orders; couriers and helpers in the store
cost money.
"""

from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from data.slices import Slice
from data.world.arrays import Bools
from data.world.catalog import CATEGORIES
from data.world.grid import Grid
from data.world.levers import Levers

Span = tuple[AwareDatetime, AwareDatetime]


class BaseAction(BaseModel):
    """What all actions share."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    scope: Slice
    """Region, category and local hours; the empty slice is everywhere."""
    start: AwareDatetime | None = None
    """From when on; None is the whole world."""
    during: Annotated[tuple[Span, ...] | None, Field(exclude_if=lambda spans: spans is None)] = None
    """The only spans it acts in, from each start on and before its end; None is always."""

    @field_validator("during")
    @classmethod
    def _in_order(cls, spans: tuple[Span, ...] | None) -> tuple[Span, ...] | None:
        ordered = sorted(spans or ())
        for start, end in ordered:
            if end <= start:
                raise ValueError(f"during has a span from {start} to {end}; it must end after it starts")
        for (_, end), (start, _) in pairwise(ordered):
            if start < end:
                raise ValueError(f"during has two spans that share the time from {start} to {end}")
        return None if spans is None else tuple(ordered)

    def cells(self, grid: Grid) -> Bools:
        """The cells it acts in; raises `ValueError` for a scope that the world does not know."""
        cells = grid.select(self.scope, since=self.start)
        return cells if self.during is None else cells & self._within(grid, self.during)

    @staticmethod
    def _within(grid: Grid, spans: tuple[Span, ...]) -> Bools:
        """Cells whose hour begins in a span."""
        starts, ends = (np.array([span[side].timestamp() for span in spans]) for side in (0, 1))
        last = np.searchsorted(starts, grid.start, side="right") - 1
        inside = (last >= 0) & (grid.start < ends[last]) if spans else np.zeros(grid.start.size, np.bool_)
        return np.repeat(inside, len(CATEGORIES))


class SetBatchingThreshold(BaseAction):
    """Let a courier carry at most so many orders together."""

    kind: Literal["batching_threshold"] = "batching_threshold"
    value: Annotated[int, Field(ge=1, le=6)]
    """1 forbids batching."""

    def apply(self, levers: Levers, cells: Bools) -> None:
        """Move the levers in the cells of a mask."""
        levers.batching_threshold[cells] = self.value


class AddCouriers(BaseAction):
    """Bring more couriers online; each costs his hours."""

    kind: Literal["add_couriers"] = "add_couriers"
    share: Annotated[float, Field(gt=0, le=3)]
    """Couriers added, as a share of those online."""

    def apply(self, levers: Levers, cells: Bools) -> None:
        """Move the levers in the cells of a mask."""
        levers.couriers[cells] *= 1 + self.share


class RaisePromise(BaseAction):
    """Promise a later arrival; some customers will not wait that long."""

    kind: Literal["promise_buffer"] = "promise_buffer"
    seconds: Annotated[float, Field(ge=-3600, le=7200)]
    """Added to every promise."""

    def apply(self, levers: Levers, cells: Bools) -> None:
        """Move the levers in the cells of a mask."""
        levers.promise_buffer_s[cells] += self.seconds


class SuppressProducts(BaseAction):
    """Do not offer products that are probably not there; a smaller selection loses orders."""

    kind: Literal["suppress_products"] = "suppress_products"
    below: Annotated[float, Field(ge=0, le=1)]
    """Products less likely in stock than this are hidden."""

    def apply(self, levers: Levers, cells: Bools) -> None:
        """Move the levers in the cells of a mask."""
        levers.suppress_below[cells] = self.below


class SpeedUpPreparation(BaseAction):
    """Helpers in the stores; each order that they help with costs money."""

    kind: Literal["speed_up_preparation"] = "speed_up_preparation"
    factor: Annotated[float, Field(gt=0, le=1)]
    """Multiple of the preparation times that they reach."""

    def apply(self, levers: Levers, cells: Bools) -> None:
        """Move the levers in the cells of a mask."""
        levers.prep[cells] *= self.factor
        levers.helped |= cells


class TurnAway(BaseAction):
    """Let the stores take fewer orders; those turned away are lost."""

    kind: Literal["turn_away"] = "turn_away"
    share: Annotated[float, Field(gt=0, lt=1)]
    """Of the customers, turned away."""

    def apply(self, levers: Levers, cells: Bools) -> None:
        """Move the levers in the cells of a mask."""
        levers.demand[cells] *= 1 - self.share


Action = Annotated[
    SetBatchingThreshold | AddCouriers | RaisePromise | SuppressProducts | SpeedUpPreparation | TurnAway,
    Field(discriminator="kind"),
]
"""Any intervention."""
