"""How right the dispatch simulator is: its replays, and its effect of the remedy, against the world's own truth.

Every world has one fault. The simulator sees its tables and is asked what the remedy would have changed; the world is run
again under that remedy, with the same chance, and the difference is the truth.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldConfig
from data.world.actions import Action, AddCouriers, SetBatchingThreshold, SpeedUpPreparation
from evals.effects import Scenario, incident_of
from evals.intervals import Share, wilson
from evals.parallel import side_by_side
from evals.seeds import derive
from tools.dispatch.tool import SimulateDispatchResult, simulate
from tools.incidents import Window
from tools.interventions import Intervention
from tools.settings import AnalysisSettings

SPACE: Final = "cx-eval-dispatch"
DAYS: Final = 35
ORDERS_PER_DAY: Final = 4_000
REPLICATIONS: Final = 200

Progress = Callable[[int, int], None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DispatchCase(NamedTuple):
    """Which world: its seed is derived from the label and the number."""

    scenario: Scenario
    label: str
    number: int


class Simulated(_Model):
    """What was said of one world; points of the on-time share."""

    orders: int
    usable: bool
    before_in_band: bool
    """All three metrics of the weeks before, within the bands themselves."""
    incident_in_band: bool
    """On-time of the incident, within 3 points."""
    miss_pp: float
    """Replay of the incident, simulated minus observed."""
    truth_pp: float
    """What the remedy truly did."""
    effect_pp: float | None
    """What was said; empty where the simulator refused."""
    low_pp: float | None
    high_pp: float | None


class SimulatedReport(_Model):
    """All worlds of a scenario."""

    label: str
    scenario: str
    before_in_band: Share
    incident_in_band: Share
    usable: Share
    covered: Share
    """Of the usable: the truth lies inside of the 95 % interval."""
    truth_pp: float | None
    """Means over the usable worlds, like the following."""
    bias_pp: float | None
    error_pp: float | None
    """Absolute."""
    half_width_pp: float | None
    worlds: tuple[Simulated, ...]


def measure(
    label: str,
    *,
    scenario: Scenario,
    worlds: int,
    workers: int = 2,
    progress: Progress = lambda _done, _of: None,
) -> SimulatedReport:
    """Run worlds and judge the simulator on them.

    Args:
        label: what the seeds are derived from.
        scenario: the fault in all of them.
        worlds: how many.
        workers: processes.
        progress: called after every world.
    """
    cases = [DispatchCase(scenario, label, number) for number in range(worlds)]
    found: list[Simulated] = []
    for done, one in enumerate(side_by_side(judge_case, cases, workers=workers), start=1):
        found.append(one)
        progress(done, worlds)
    return summarise(label, scenario, tuple(found))


def judge_case(case: DispatchCase, *, replications: int = REPLICATIONS) -> Simulated:
    """One world: what the simulator says of its remedy, and the truth."""
    seed = derive(SPACE, case.label, case.number)
    world = World(WorldConfig(scenario=case.scenario, days=DAYS, orders_per_day=ORDERS_PER_DAY, seed=seed))
    run = world.run()
    dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    incident = incident_of(world, dataset)
    window = Window(start=incident.start, end=incident.end)
    intervention, action = remedy(world, case.scenario)
    said = simulate(
        dataset,
        where=incident.slice,
        window=window,
        intervention=intervention,
        replications=replications,
        settings=AnalysisSettings(),
    )
    place = (incident.slice, window.start, window.end)
    truth = world.run((action,)).metrics(*place)["on_time"] - run.metrics(*place)["on_time"]
    return _judged(said, 100 * truth)


def remedy(world: World, scenario: Scenario) -> tuple[Intervention, Action]:
    """The remedy of a world's fault, as it is asked and as the world takes it."""
    if world.fault is None:
        raise ValueError(f"scenario == {world.config.scenario!r} has no fault: there is no remedy")
    size, scope, start = world.fault.size, world.fault.scope, world.onset
    if scenario == "batching":
        back = Intervention(driver="policy", change="set", policy="batching_threshold", level="2")
        return back, SetBatchingThreshold(scope=scope, start=start, value=2)
    if scenario == "courier_supply":
        share = round(size / (1 - size), 4)
        more = Intervention(driver="couriers", change="scale", amount=share)
        return more, AddCouriers(scope=scope, start=start, share=share)
    usual = Intervention(driver="prep_s", change="to_baseline")
    return usual, SpeedUpPreparation(scope=scope, start=start, factor=round(1 / size, 4))


def _judged(said: SimulateDispatchResult, truth_pp: float) -> Simulated:
    before, incident = said.replays
    row, effect = incident.row("on_time"), said.effects.get("on_time")
    if row is None:
        raise ValueError("the replay of the incident has no on-time row: these data have no promises")
    return Simulated(
        orders=said.affected_orders,
        usable=said.usable,
        before_in_band=all(one.in_band for one in before.rows),
        incident_in_band=row.in_band,
        miss_pp=100 * row.difference,
        truth_pp=truth_pp,
        effect_pp=None if effect is None else 100 * effect.estimate,
        low_pp=None if effect is None else 100 * effect.low,
        high_pp=None if effect is None else 100 * effect.high,
    )


def summarise(label: str, scenario: str, worlds: tuple[Simulated, ...]) -> SimulatedReport:
    """The worlds added up."""
    total, usable = len(worlds), [one for one in worlds if one.effect_pp is not None]
    values = np.array([[o.truth_pp, o.effect_pp, o.low_pp, o.high_pp] for o in usable], np.float64).reshape(
        -1, 4
    )
    truth, effect, low, high = values.T

    def mean(of: "np.typing.NDArray[np.float64]") -> float | None:
        return float(of.mean()) if len(of) else None

    return SimulatedReport(
        label=label,
        scenario=scenario,
        before_in_band=wilson(sum(one.before_in_band for one in worlds), total),
        incident_in_band=wilson(sum(one.incident_in_band for one in worlds), total),
        usable=wilson(len(usable), total),
        covered=wilson(int(((low <= truth) & (truth <= high)).sum()), len(usable)),
        truth_pp=mean(truth),
        bias_pp=mean(effect - truth),
        error_pp=mean(np.abs(effect - truth)),
        half_width_pp=mean((high - low) / 2),
        worlds=worlds,
    )
