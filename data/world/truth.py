"""The truth about a world: what was wrong, where, since when, and what would have been without it.

It is kept beside the tables, never among them.
"""

import math
from collections.abc import Mapping

from pydantic import AwareDatetime, BaseModel, ConfigDict

from data.slices import Slice
from data.world.actions import Action
from data.world.config import WorldConfig
from data.world.run import WorldRun
from data.world.world import World

Metrics = dict[str, float | None]
"""Rates, seconds and money by name; None where there was nothing to count."""


class ActionEffect(BaseModel):
    """What an action would really have done, found by running the world under it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    action: Action
    metrics: Metrics
    """Metrics of the fault's scope and time under the action."""
    effect: Metrics
    """Those metrics minus the ones without the action."""


class Truth(BaseModel):
    """Everything that is known about a world and not told in its tables."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    config: WorldConfig
    """The same configuration gives the same bytes."""
    scenario: str
    seed: int
    fault: str | None = None
    """None where nothing is wrong."""
    hypothesis: str | None = None
    """The hypothesis that is true."""
    scope: Slice | None = None
    start: AwareDatetime | None = None
    """Local midnight of the onset, in UTC."""
    end: AwareDatetime | None = None
    size: float | None = None
    """In the fault's own unit."""
    before: Mapping[str, float] = {}
    """Parameters of the mechanism before the fault."""
    after: Mapping[str, float] = {}
    mediators: tuple[str, ...] = ()
    """Columns that are expected to move because of it."""
    baseline: Metrics = {}
    """Metrics of the scope before the fault."""
    actual: Metrics = {}
    """Metrics of the scope under the fault."""
    twin: Metrics = {}
    """Metrics of the same orders, had there been no fault."""
    actions_taken: tuple[Action, ...] = ()
    actions: tuple[ActionEffect, ...] = ()
    """What could have been done, the best first."""

    @property
    def best_action(self) -> ActionEffect | None:
        """The action with the highest CX Score in the scope; of equals, the cheaper."""
        return self.actions[0] if self.actions else None


def tell(run: WorldRun) -> Truth:
    """The truth about a run.

    Args:
        run: a run; without a fault there is little to tell.
    """
    world, fault = World.of(run), run.fault
    config = run.config
    if fault is None or world.onset is None:
        return Truth(config=config, scenario=config.scenario, seed=config.seed, actions_taken=run.actions)
    scope, start, end = fault.scope, world.onset, world.end
    actual = run.metrics(scope, start, end)
    effects = [_effect(run, action, actual) for action in fault.remedies(scope, start)]
    return Truth(
        config=config,
        scenario=config.scenario,
        seed=config.seed,
        fault=fault.name,
        hypothesis=fault.hypothesis,
        scope=scope,
        start=start,
        end=end,
        size=fault.size,
        before=fault.before,
        after=fault.after,
        mediators=fault.mediators,
        baseline=_plain(run.metrics(scope, None, start)),
        actual=_plain(actual),
        twin=_plain(world.run(run.actions, faults=False).metrics(scope, start, end)),
        actions_taken=run.actions,
        actions=tuple(sorted(effects, key=_rank)),
    )


def _effect(run: WorldRun, action: Action, actual: Mapping[str, float]) -> ActionEffect:
    world = World.of(run)
    under = world.run((*run.actions, action)).metrics(action.scope, action.start, world.end)
    change = {name: under[name] - actual[name] for name in under}
    return ActionEffect(action=action, metrics=_plain(under), effect=_plain(change))


def _rank(effect: ActionEffect) -> tuple[float, float]:
    score, cost = effect.metrics["cx_score"], effect.effect["courier_cost"]
    return (-(score or 0.0), cost or 0.0)


def _plain(metrics: Mapping[str, float]) -> Metrics:
    return {name: None if math.isnan(value) else round(value, 6) for name, value in metrics.items()}
