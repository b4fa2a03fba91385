"""A simulated world: one fault at most, known to the second, and the same world without it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np

from data.world import decoys
from data.world import draws as all_draws
from data.world.actions import Action
from data.world.arrays import Bools, Floats
from data.world.catalog import CATEGORIES
from data.world.config import WorldConfig
from data.world.decoys import PolicyChange, scope_text
from data.world.draws import Draws
from data.world.faults import SCENARIOS
from data.world.faults.base import Fault
from data.world.grid import Grid
from data.world.journey import travel_through
from data.world.levers import Levers, ordinary
from data.world.regions import REGIONS
from data.world.run import WorldRun
from data.world.streams import Stream, stream


@dataclass(frozen=True)
class World:
    """The world of a configuration; its draws are made once and shared by all of its runs.

    Example:
        >>> world = World(WorldConfig(scenario="batching", orders_per_day=200))
        >>> world.fault.scope.model_dump()
        {'category': 'grocery', 'region': 'SF', 'hour': {'from': 18, 'to': 20}}
        >>> len(world.run().tables["orders"]) == len(world.twin().tables["orders"])
        True
    """

    config: WorldConfig
    drawn: Draws | None = field(default=None, repr=False, compare=False)
    """Draws that were made already for this configuration."""

    @classmethod
    def of(cls, run: WorldRun) -> "World":
        """The world that a run was made in, without drawing it again."""
        return cls(run.config, run.draws)

    @cached_property
    def draws(self) -> Draws:
        """What chance decides; the same for every run."""
        return all_draws.draw(self.config, self.fault) if self.drawn is None else self.drawn

    @cached_property
    def fault(self) -> Fault | None:
        """The fault, as drawn for this world; None where nothing is wrong."""
        draw = SCENARIOS[self.config.scenario].draw
        if draw is None:
            return None
        seed = self.config.seed
        return draw(stream(seed, Stream.FAULT_SCOPE), stream(seed, Stream.FAULT_SIZE), self.config.size)

    @property
    def onset(self) -> datetime | None:
        """When the fault begins, in UTC: local midnight in its region."""
        if self.fault is None:
            return None
        return self.draws.grid.midnight(self.fault.scope.get("region") or REGIONS[0], self.config.onset_day)

    @property
    def end(self) -> datetime | None:
        """When the fault ends: with its last day, of the world or of its own."""
        if self.fault is None:
            return None
        return self.draws.grid.midnight(self.fault.scope.get("region") or REGIONS[0], self.config.last_day)

    def run(
        self, actions: Sequence[Action] = (), *, faults: bool = True, only: Fault | None = None
    ) -> WorldRun:
        """Let the world run.

        Args:
            actions: interventions; they act after the fault, in the order given.
            faults: whether the fault acts.
            only: the one of its parts that acts; None is all of it.

        Raises:
            ValueError: an action's scope names something that the world does not have.
        """
        fault = (only or self.fault) if faults else None
        levers = self._levers(fault, actions)
        journey = travel_through(self.draws, levers, self.config)
        return WorldRun(self.config, self.draws, journey, levers, fault, self._changes(fault), tuple(actions))

    def twin(self) -> WorldRun:
        """The same world without its fault: the true counterfactual."""
        return self.run(faults=False)

    def calm(self) -> WorldRun:
        """The same world, its fault included, without storms and promotions: what those did is the difference."""
        return World(self.config, all_draws.calmed(self.draws)).run()

    def _levers(self, fault: Fault | None, actions: Sequence[Action]) -> Levers:
        grid = self.draws.grid
        levers = ordinary(grid)
        if fault is not None:
            fault.apply(levers, self._struck(fault, grid), self._strength(grid))
        for action in actions:
            action.apply(levers, action.cells(grid))
        return levers

    def _struck(self, fault: Fault, grid: Grid) -> Bools:
        whole = self.fault or fault
        cells = grid.select(whole.scope, from_day=self.config.onset_day)
        return cells & np.repeat(grid.day < self.config.last_day, len(CATEGORIES))

    def _strength(self, grid: Grid) -> Floats:
        """Of the fault in every cell: it grows by equal steps from day to day."""
        steps = (grid.day - self.config.onset_day + 1) / (self.config.ramp_days + 1)
        return np.repeat(np.clip(steps, 0.0, 1.0), len(CATEGORIES))

    def _changes(self, fault: Fault | None) -> tuple[PolicyChange, ...]:
        grid, config = self.draws.grid, self.config
        begin, onset = (grid.midnight(REGIONS[0], day) for day in (0, config.onset_day))
        end = grid.midnight(REGIONS[0], config.days)
        changes = decoys.draw(seed=config.seed, begin=begin, end=end, onset=onset)
        if fault is None or fault.recorded is None or self.onset is None:
            return changes
        made = fault.recorded
        scope = scope_text(fault.scope)
        true = PolicyChange(self.onset, made.policy, scope, made.old_value, made.new_value, "config-service")
        return (*changes, true)
