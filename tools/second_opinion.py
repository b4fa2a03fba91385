"""A second opinion on what g-computation says of an action: the dispatch simulator, asked the same.

G-computation compares orders that were seen; the simulator plays them under mechanisms that were fitted to the weeks
before. Each is blind to something, so both are shown, and their gap is part of the interval. Where the simulator
cannot play the action, or cannot replay what was observed, the recommendation says so and rests on one answer.
"""

from collections.abc import Collection, Mapping
from math import hypot
from typing import Final, NamedTuple

from threadpoolctl import threadpool_limits

from data.dataset import Dataset
from data.errors import NotTestableError
from data.slices import Slice
from tools.dispatch.both import combine
from tools.dispatch.simulate import CX_POINTS
from tools.dispatch.tool import SimulateDispatchResult, simulate
from tools.efficiency import SOLD
from tools.errors import ToolFailure
from tools.incidents import Window
from tools.interventions import Intervention
from tools.memo import memo
from tools.metrics import METRICS, WEIGHTED, Metric
from tools.recommendations import Effect, Models
from tools.score import cx
from tools.settings import AnalysisSettings
from tools.whatif import WhatIfResult, estimate

REPLICATIONS: Final = 64
"""How often both arms are played: eight sets of parameters, eight times each."""
_PLAYED: Final = ("cancellation", "fulfilment", "on_time")
"""What both speak of."""
_COUNTED: Final = (
    "a longer promise is counted order by order on what arrived when; there is nothing to simulate"
)


class Opinions(NamedTuple):
    """An answer with what was made of it."""

    result: WhatIfResult
    """With the effects of both, where there are two."""
    models: Models | None
    """None where the CX Score cannot be told."""


def second_opinion(
    dataset: Dataset,
    result: WhatIfResult,
    *,
    where: Slice,
    window: Window,
    intervention: Intervention,
    settings: AnalysisSettings,
) -> Opinions:
    """Ask the simulator what g-computation was asked, and join the two.

    Args:
        dataset: everything that was recorded.
        result: of g-computation, without its own doubt.
        where: orders that the intervention reaches.
        window: days of the incident.
        intervention: what is changed.
        settings: of the analysis.
    """
    score = result.effects.get("cx_score")
    if score is None:
        doubted = estimate(dataset, where=where, window=window, intervention=intervention, settings=settings)
        return Opinions(doubted, None)
    try:
        played = _playable(intervention, result)
        simulated = _simulated(dataset, where, window, played, settings)
    except (ToolFailure, NotTestableError) as refusal:
        return _alone(dataset, where, window, intervention, settings, reason=str(refusal))
    if not simulated.usable:
        return _alone(dataset, where, window, intervention, settings, reason=simulated.reason)
    by_simulator = _scored(result, simulated.effects)
    models = Models(
        g_computation=score, dispatch_simulator=by_simulator["cx_score"], reason=_how(played, intervention)
    )
    shared = {name: simulated.effects[name] for name in _PLAYED if name in simulated.effects} | by_simulator
    both = {name: combine(result.effects[name], e) for name, e in shared.items() if name in result.effects}
    return Opinions(result.model_copy(update={"effects": result.effects | both}), models)


def _alone(
    dataset: Dataset,
    where: Slice,
    window: Window,
    intervention: Intervention,
    settings: AnalysisSettings,
    *,
    reason: str,
) -> Opinions:
    """G-computation's answer, its interval as wide as other adjustments differ: no other model was there to differ."""
    result = estimate(dataset, where=where, window=window, intervention=intervention, settings=settings)
    return Opinions(result, Models(g_computation=result.effects["cx_score"], reason=reason))


def _playable(intervention: Intervention, result: WhatIfResult) -> Intervention:
    """What the simulator is asked.

    G-computation takes it that nobody is put off by a narrower selection; the simulator is asked for the other bound,
    that every order line which is not offered is an order lost, and the couriers are left with fewer.

    Raises:
        ToolFailure: the simulator has nothing to say.
    """
    if intervention.driver == "promise_s":
        raise ToolFailure(_COUNTED)
    if intervention.driver != "unavailable_items":
        return intervention
    sold = result.efficiency[SOLD].low
    if not -1 < sold < 0:
        raise ToolFailure("no order is lost, so that couriers have as much to do")
    return Intervention(driver="store_intake", change="scale", amount=sold)


def _how(played: Intervention, asked: Intervention) -> str:
    if played == asked:
        return "replays of the weeks before and of the incident are within their tolerance"
    return f"played with {-float(played.amount or 0.0):.0%} of the orders lost, as if nobody took another product"


def _simulated(
    dataset: Dataset, where: Slice, window: Window, played: Intervention, settings: AnalysisSettings
) -> SimulateDispatchResult:
    """Played once for a dataset: plans and reports ask for the same action again."""

    def play() -> SimulateDispatchResult:
        with threadpool_limits(1):
            return simulate(
                dataset,
                where=where,
                window=window,
                intervention=played,
                replications=REPLICATIONS,
                settings=settings,
            )

    key = ("simulated", str(where), window.start, window.end, str(played), settings.model_dump_json())
    return memo(dataset, key, play)


def _scored(result: WhatIfResult, simulated: Mapping[str, Effect]) -> dict[str, Effect]:
    """CX Score and CX index by the simulator; of what it does not play, as g-computation has it."""
    told = {name: e for name, e in {**result.effects, **simulated}.items() if name in result.observed}
    moved = dict(result.observed) | {name: result.observed[name] + e.estimate for name, e in told.items()}
    before, after = cx(result.observed), cx(moved)
    if before is None or after is None:
        raise ValueError("result.observed holds no metric with weight, but its effects hold a CX Score")
    halves = {metric.id: _half(told[metric.id]) for metric in WEIGHTED if metric.id in told}
    total = sum(metric.weight for metric in WEIGHTED if metric.id in result.observed)
    played = {metric.id for metric in WEIGHTED if metric.id in simulated}
    score = hypot(_half(simulated[CX_POINTS]), *(m.points * halves[m.id] for m in _others(halves, played)))
    # Both answer to the same waits: without their joint spread, their errors are added.
    joint = sum(100 * METRICS[name].weight * halves[name] for name in played & halves.keys())
    index = hypot(joint, *(100 * m.weight * halves[m.id] for m in _others(halves, played)))
    return {
        "cx_score": _about(after.score - before.score, score / total),
        "cx_index": _about(after.index - before.index, index / total),
    }


def _others(halves: Mapping[str, float], played: Collection[str]) -> list[Metric]:
    return [METRICS[name] for name in halves if name not in played]


def _half(effect: Effect) -> float:
    return (effect.high - effect.low) / 2


def _about(estimate: float, half: float) -> Effect:
    return Effect(estimate=estimate, low=estimate - half, high=estimate + half, unit="score")
