"""How right the effects are that tools state, and their intervals: the report of `cx eval effects`.

Every world has one fault whose true effect is known to the order: the same orders were run through the same world
without it (the twin). The tools are given the true incident and asked what the fault did to lateness; what they say,
with its 95 % interval, is held against the twin.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldConfig
from evals.intervals import Share, wilson
from evals.parallel import side_by_side
from evals.seeds import derive
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments
from tools.mechanism_shapley import MechanismShapleyResult, ShapleyArguments, mechanism_shapley
from tools.policy_effect import PolicyEffectArguments, policy_effect
from tools.registry import ToolContext

Scenario = Literal["batching", "courier_supply", "merchant_prep"]

SPACE: Final = "cx-eval-effects"
METRIC: Final = "on_time"
DAYS: Final = 35
ORDERS_PER_DAY: Final = 12_000
MODULE_OF: Final[dict[Scenario, str]] = {
    "batching": "policy",
    "courier_supply": "supply",
    "merchant_prep": "merchant",
}
"""The module of the causal graph that each fault acts on."""

Progress = Callable[[int, int], None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EffectCase(NamedTuple):
    """Which world: its seed is derived from the label and the number."""

    scenario: Scenario
    label: str
    number: int
    orders_per_day: int = ORDERS_PER_DAY


class Estimate(_Model):
    """What one estimator said of one world, in points of late orders among those delivered; positive is harm."""

    estimator: str
    truth_pp: float
    whole_pp: float
    """The fault's whole effect: the truth, but for modules that did nothing."""
    effect_pp: float | None
    """Empty where the estimator abstained."""
    low_pp: float | None
    """Of the 95 % interval."""
    high_pp: float | None


class EstimatorRow(_Model):
    """One estimator over all worlds; everything but the abstentions is of the worlds that it spoke in."""

    estimator: str
    worlds: int
    abstained: int
    covered: Share
    """The truth lies inside of the 95 % interval."""
    truth_pp: float | None
    """Means, like the following."""
    effect_pp: float | None
    bias_share: float | None
    """Mean error over the fault's mean whole effect; positive says too much."""
    half_width_pp: float | None


class EffectsReport(_Model):
    """Everything that was measured."""

    label: str
    scenario: str
    rows: tuple[EstimatorRow, ...]


def measure(
    label: str,
    *,
    worlds: int,
    scenario: Scenario = "batching",
    workers: int = 2,
    progress: Progress = lambda _done, _of: None,
) -> EffectsReport:
    """Run worlds and judge the effects that are stated of them.

    Args:
        label: what the seeds are derived from.
        worlds: how many.
        scenario: the fault in all of them.
        workers: processes.
        progress: called after every world.
    """
    cases = [EffectCase(scenario, label, number) for number in range(worlds)]
    found: list[Estimate] = []
    for done, estimates in enumerate(side_by_side(estimate_case, cases, workers=workers), start=1):
        found.extend(estimates)
        progress(done, worlds)
    return EffectsReport(label=label, scenario=scenario, rows=summarise(found))


def estimate_case(case: EffectCase) -> tuple[Estimate, ...]:
    """What every estimator that applies says of one world."""
    world = World(
        WorldConfig(
            scenario=case.scenario,
            days=DAYS,
            orders_per_day=case.orders_per_day,
            seed=derive(SPACE, case.label, case.number),
        )
    )
    run = world.run()
    dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    return estimates(ToolContext(dataset), incident_of(world, dataset), case.scenario, true_effect_pp(world))


def incident_of(world: World, dataset: Dataset) -> IncidentArguments:
    """The true incident of a world: the fault's scope and time."""
    if world.fault is None or world.onset is None or world.end is None:
        raise ValueError(f"scenario == {world.config.scenario!r} has no fault: there is no effect to state")
    end = min(world.end, dataset.as_of)
    return IncidentArguments(slice=world.fault.scope, start=world.onset, end=end, metric=METRIC)


def true_effect_pp(world: World) -> float:
    """Late among the delivered orders of the fault's scope and time, less that of the same orders without it.

    An order that is cancelled in either world is left out of that world's share, as the tools leave it out.
    """
    if world.fault is None:
        raise ValueError(f"scenario == {world.config.scenario!r} has no fault: there is no effect to state")
    place = (world.fault.scope, world.onset, world.end)
    return 100.0 * (world.twin().metrics(*place)[METRIC] - world.run().metrics(*place)[METRIC])


def estimates(
    context: ToolContext, incident: IncidentArguments, scenario: Scenario, truth_pp: float
) -> tuple[Estimate, ...]:
    """What every estimator that applies to a scenario says of an incident.

    Args:
        context: of the incident's dataset.
        incident: as it truly was.
        scenario: its fault.
        truth_pp: the fault's true effect.
    """
    module = MODULE_OF[scenario]
    parts = _parts(context, incident)
    found = [_of_module(module, parts, truth_pp, truth_pp)]
    if scenario == "batching":
        found.insert(0, _of_change(context, incident, truth_pp))
        found.append(_of_module("merchant", parts, 0.0, truth_pp))
    return tuple(found)


def summarise(found: Sequence[Estimate]) -> tuple[EstimatorRow, ...]:
    """The estimates added up by estimator, in the order of their first."""
    names = dict.fromkeys(one.estimator for one in found)
    return tuple(_row(name, [one for one in found if one.estimator == name]) for name in names)


def _of_change(context: ToolContext, incident: IncidentArguments, truth_pp: float) -> Estimate:
    arguments = PolicyEffectArguments(**dict(incident), family="batching")
    low: float | None = None
    effect, high = low, low
    try:
        result = policy_effect(context, arguments)
    except ToolFailure:
        pass
    else:
        if result.survived and result.low_pp is not None:
            effect, low, high = result.effect_pp, result.low_pp, result.high_pp
    return _estimate("policy_effect", (effect, low, high), truth_pp, truth_pp)


def _parts(context: ToolContext, incident: IncidentArguments) -> MechanismShapleyResult | None:
    try:
        result = mechanism_shapley(context, ShapleyArguments(**dict(incident)))
    except ToolFailure:
        return None
    return result if result.fits else None


def _of_module(
    module: str, parts: MechanismShapleyResult | None, truth_pp: float, whole_pp: float
) -> Estimate:
    said: tuple[float | None, float | None, float | None] = (None, None, None)
    for part in parts.parts if parts else ():
        if part.module == module:
            said = (part.change_pp, part.low_pp, part.high_pp)
    return _estimate(f"mechanism_shapley {module}", said, truth_pp, whole_pp)


def _estimate(
    name: str, said: tuple[float | None, float | None, float | None], truth_pp: float, whole_pp: float
) -> Estimate:
    effect, low, high = said
    return Estimate(
        estimator=name,
        truth_pp=truth_pp,
        whole_pp=whole_pp,
        effect_pp=effect,
        low_pp=low,
        high_pp=high,
    )


def _row(name: str, found: Sequence[Estimate]) -> EstimatorRow:
    spoken = [
        (one.truth_pp, one.whole_pp, one.effect_pp, one.low_pp, one.high_pp)
        for one in found
        if one.effect_pp is not None and one.low_pp is not None and one.high_pp is not None
    ]
    means: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None)
    inside = 0
    if spoken:
        truth, whole, effect, low, high = np.array(spoken, dtype=np.float64).T
        inside = int(np.count_nonzero((low <= truth) & (truth <= high)))
        bias = float((effect - truth).mean() / whole.mean()) if whole.mean() else None
        means = (float(truth.mean()), float(effect.mean()), bias, float((high - low).mean() / 2))
    return EstimatorRow(
        estimator=name,
        worlds=len(found),
        abstained=len(found) - len(spoken),
        covered=wilson(inside, len(spoken)),
        truth_pp=means[0],
        effect_pp=means[1],
        bias_share=means[2],
        half_width_pp=means[3],
    )
