"""How right the promised effects of recommended actions are, and how good the choice: the report of `cx eval whatif`.

Every incident is simulated, diagnosed and given its recommendations as the product gives them; then the world is run
again under the recommended action, and under every other action that addresses the true cause. Orders have the same
luck in both runs, so that the difference is the action's own effect.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from data.dataset import Dataset
from data.errors import NotTestableError
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldRun
from evals.drawn_worlds import SINGLE, draw_whatif
from evals.elasticity import elasticity_gain
from evals.enacted import enact
from evals.intervals import Share, wilson
from evals.parallel import side_by_side
from evals.pseudo_incidents import incident
from evals.seeds import derive
from evals.true_effects import true_effects
from tools import battery
from tools.actions import ACTIONS, MONITOR
from tools.adjudication import adjudicate_batteries
from tools.candidates import Candidate, candidates
from tools.confidence import load_model
from tools.errors import ToolFailure
from tools.findings import HypothesisId
from tools.incidents import Incident, Window
from tools.recommend import consider
from tools.recommendations import Recommendation
from tools.registry import ToolContext

SPACE: Final = "cx-eval-whatif"
CLOSE: Final = 0.9
"""Of the best available gain, that is as good as the best."""
SCORE: Final = "cx_score"

Progress = Callable[[int, int], None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Case(NamedTuple):
    """Which incident: its seed is derived from the label and the number."""

    label: str
    number: int


class Judged(_Model):
    """One incident: what was promised of the first recommendation, and what the world did under it."""

    scenario: str
    cause: str
    """The first finding's hypothesis."""
    action: str | None
    """None: nothing was recommended but to keep watching."""
    promised: float | None = None
    """Change of the CX Score, points."""
    low: float | None = None
    high: float | None = None
    simulated: bool = False
    """Whether the dispatch simulator's answer is in it."""
    truth: float | None = None
    """The same by the world's own run under the action."""
    elasticity: float | None = None
    """What a straight line through the days' scores and levels would have promised."""
    best_action: str | None = None
    best: float | None = None
    """Largest true gain among the actions on the true cause that keep the floor on efficiency."""


class ScenarioRow(_Model):
    """Incidents of one fault."""

    scenario: str
    incidents: int
    recommended: int
    simulated: int
    """Of them, those in which the dispatch simulator had its say."""
    covered: Share
    """The true effect lies inside of the 95 % interval."""
    median_error: float | None
    """Median over incidents of the absolute error, as a share of the true effect."""
    median_error_elasticity: float | None
    near_best: Share
    """The true gain is at least nine tenths of the best available one."""


class WhatIfReport(_Model):
    """Everything that was measured; the last row is of all incidents."""

    label: str
    rows: tuple[ScenarioRow, ...]
    judged: tuple[Judged, ...]


def measure(
    label: str, *, incidents: int, workers: int = 2, progress: Progress = lambda _done, _of: None
) -> WhatIfReport:
    """Judge the first recommendation of simulated incidents.

    Args:
        label: what the seeds are derived from.
        incidents: how many; faults go in turn.
        workers: processes.
        progress: called after every incident.
    """
    cases = [Case(label, number) for number in range(incidents)]
    found: list[Judged] = []
    for done, one in enumerate(side_by_side(judge, cases, workers=workers), start=1):
        found.append(one)
        progress(done, incidents)
    return WhatIfReport(label=label, rows=tuple(_rows(found)), judged=tuple(found))


def judge(case: Case) -> Judged:
    """One incident, from its case alone."""
    seed = derive(SPACE, case.label, case.number)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    world = World(draw_whatif(rng, case.number, seed))
    run = world.run()
    dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    found = _incident(world, run, dataset)
    context = ToolContext(dataset)
    adjudication = adjudicate_batteries(found, battery.run_all(found, context), load_model())
    first = consider(context, found, adjudication).recommendations[0]
    cause = adjudication.findings[0].hypothesis.value if adjudication.findings else "none"
    if first.action == MONITOR.id:
        return Judged(scenario=world.config.scenario, cause=cause, action=None)
    return _judged(world, run, context, found, first, cause)


def _judged(
    world: World, run: WorldRun, context: ToolContext, found: Incident, first: Recommendation, cause: str
) -> Judged:
    best_action, best = _best(world, run, context, found)
    promised = first.effects.get(SCORE)
    return Judged(
        scenario=world.config.scenario,
        cause=cause,
        action=first.action,
        promised=None if promised is None else promised.estimate,
        low=None if promised is None else promised.low,
        high=None if promised is None else promised.high,
        simulated=first.models is not None and first.models.dispatch_simulator is not None,
        truth=_gain(enact(world, first, found.window.start), run, first.scope, found.window),
        elasticity=elasticity_gain(context, found, first),
        best_action=best_action,
        best=best,
    )


def _incident(world: World, run: WorldRun, dataset: Dataset) -> Incident:
    """The true incident, in the metric that the fault made worst."""
    fault, onset, effects = world.fault, world.onset, true_effects(world, run)
    if fault is None or onset is None or effects is None:
        raise ValueError(f"scenario {world.config.scenario!r} has no fault")
    worst = max(effects.whole, key=lambda name: (effects.whole[name], name))
    span = Window(start=onset, end=min(dataset.as_of, world.end or dataset.as_of))
    return incident(dataset.facts(), worst, fault.scope, span)


def _gain(under: WorldRun, run: WorldRun, scope: Slice, window: Window) -> float:
    """True change of the CX Score of a scope in a window, points."""
    span = (scope, window.start, window.end)
    return under.metrics(*span)[SCORE] - run.metrics(*span)[SCORE]


def _best(
    world: World, run: WorldRun, context: ToolContext, found: Incident
) -> tuple[str | None, float | None]:
    """The action on the true cause that gains most under the floor on efficiency, by the world itself."""
    window, floor = found.window, context.settings.efficiency_floor
    gains = []
    for one in _available(world, context, found):
        under = enact(world, one, window.start)
        if _per_hour(under, found) >= floor * _per_hour(run, found):
            gains.append((_gain(under, run, found.slice, window), one.action.id))
    return max(gains)[::-1] if gains else (None, None)


def _available(world: World, context: ToolContext, found: Incident) -> Iterator[Candidate]:
    fault = world.fault
    truth = None if fault is None else HypothesisId(fault.hypothesis)
    for action in ACTIONS.values():
        try:
            context.dataset.require(*action.needs)
            if truth in action.addresses:
                yield from candidates(action, found, context)
        except (NotTestableError, ToolFailure):
            continue


def _per_hour(run: WorldRun, found: Incident) -> float:
    """Orders per courier-hour of the incident's region."""
    region = found.slice.get("region")
    pool = Slice.parse({"region": region}) if region is not None else Slice()
    of_pool = run.metrics(pool, found.window.start, found.window.end)
    return of_pool["orders"] / of_pool["courier_hours"]


def _rows(found: Sequence[Judged]) -> Iterator[ScenarioRow]:
    for scenario in SINGLE:
        yield _row(scenario, [one for one in found if one.scenario == scenario])
    yield _row("all", found)


def _row(scenario: str, found: Sequence[Judged]) -> ScenarioRow:
    told = [one for one in found if one.promised is not None and one.truth is not None]
    inside = sum(
        1
        for one in told
        if one.low is not None and one.high is not None and one.low <= (one.truth or 0.0) <= one.high
    )
    weighed = [one for one in found if one.truth is not None and one.best is not None]
    near = sum(1 for one in weighed if (one.truth or 0.0) >= CLOSE * (one.best or 0.0))
    return ScenarioRow(
        scenario=scenario,
        incidents=len(found),
        recommended=sum(one.action is not None for one in found),
        simulated=sum(one.simulated for one in found),
        covered=wilson(inside, len(told)),
        median_error=_median_error([(one.promised, one.truth) for one in told]),
        median_error_elasticity=_median_error([(one.elasticity, one.truth) for one in told]),
        near_best=wilson(near, len(weighed)),
    )


def _median_error(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    """Median absolute error as a share of the truth; an answer that is missing counts as an answer of zero."""
    errors = [abs((said or 0.0) - truth) / abs(truth) for said, truth in pairs if truth]
    return float(np.median(errors)) if errors else None
