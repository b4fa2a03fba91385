"""Effects of an intervention on an incident, by playing it against the incident as it was under the same chance.

Every replication has parameters of its own (a bootstrap over days) and draws of its own, shared by both arms; the
spread of its differences is sampling and simulation together. What the replay of the incident missed by is added to
the interval in quadrature: an arm that is off by so much may be so in either direction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from data.mapping import OnTime
from tools.dispatch.calibration import Calibrated, calibrate
from tools.dispatch.draws import Draws, draw
from tools.dispatch.fleet import Fleet
from tools.dispatch.journey import Arm, Played, play
from tools.dispatch.replay import Replayed, recorded_incident
from tools.errors import ToolFailure
from tools.interventions import Intervention
from tools.metrics import METRICS, WEIGHTED
from tools.recommendations import Effect
from tools.settings import AnalysisSettings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BOOTSTRAPS: Final = 16
"""Most sets of parameters; each is fitted anew, so that few share many replications."""
_PLAYED_EACH: Final = 8
"""Replications of a set of parameters, at least."""
_SURE: Final = 1.96
_UNITS: Final = {
    "wait": "s",
    "batched_share": "share",
    "utilisation": "share",
    "orders_per_courier_hour": "orders_per_courier_hour",
    "cost_per_order": "usd_per_order",
    "cx_points": "score",
}
CX_POINTS: Final = "cx_points"
"""What punctuality and cancellation together are worth in CX Score points, before the score is clipped."""


@dataclass(frozen=True)
class _World:
    """One set of parameters with the incident as recorded under them."""

    fitted: Calibrated
    arm: Arm


def effects(
    fleet: Fleet,
    fitted: Calibrated,
    replayed: Replayed,
    intervention: Intervention,
    *,
    rule: OnTime,
    replications: int,
    settings: AnalysisSettings,
) -> dict[str, Effect]:
    """Effects by metric: intervened minus as it was, over the slice's orders of the incident.

    Args:
        fleet: the orders.
        fitted: mechanisms.
        replayed: the simulator's replays.
        intervention: what is changed.
        rule: what counts as on time.
        replications: how often both arms are played.
        settings: seed and unit costs.

    Raises:
        ToolFailure: the simulator does not know what the intervention moves, or loses every order in some replication.
    """
    changed(fleet, replayed.arm, intervention)
    worlds = _worlds(
        fleet, fitted, replayed.arm, min(max(replications // _PLAYED_EACH, 2), _BOOTSTRAPS), settings.seed
    )
    orders = int(fleet.during.sum())
    differences: list[dict[str, float]] = []
    for number in range(replications):
        world = worlds[number % len(worlds)]
        draws = draw(orders, seed=settings.seed, replication=number)
        other = changed(fleet, world.arm, intervention)
        now, then = (_outcome(fleet, world.fitted, arm, draws, rule, settings) for arm in (world.arm, other))
        differences.append({name: then[name] - now[name] for name in now})
    _check_told(differences)
    return {name: _effect(name, differences, replayed) for name in differences[0]}


def _check_told(differences: Sequence[Mapping[str, float]]) -> None:
    """Where hardly an order arrives, chance may leave none: then what became of them cannot be averaged."""
    silent = sum(not np.isfinite(list(one.values())).all() for one in differences)
    if silent:
        raise ToolFailure(
            f"not testable: in {silent} of {len(differences)} simulated runs no order arrives at all"
        )


def changed(fleet: Fleet, arm: Arm, intervention: Intervention) -> Arm:
    """The arm under an intervention, which acts on the slice's orders only.

    Raises:
        ToolFailure: the simulator does not know what it moves.
    """
    measured = fleet.measured[arm.chosen]
    amount = float(intervention.amount or 0.0)
    match intervention.driver:
        case "policy":
            return replace(arm, level=np.where(measured, _asked_level(fleet, intervention), arm.level))
        case "batched" | "batch_size":
            if fleet.changed_level is None:
                raise ToolFailure(
                    "not testable: no change of the batching policy is recorded for these orders"
                )
            return replace(arm, level=np.where(measured, fleet.usual_level, arm.level))
        case "couriers":
            if not fleet.supplied:
                raise ToolFailure("not testable: no column supply_snapshots.couriers_busy")
            return _more_couriers(arm, measured, 1 + amount)
        case "store_intake":
            if amount > 0:
                raise ToolFailure(f"amount = {amount:g}: orders that were never placed cannot be simulated")
            kept = 1 + amount
            return replace(arm, intake=kept, load=arm.load * kept, load_ratio=arm.load_ratio * kept)
        case "promise_s":
            return replace(arm, promise_shift_s=amount)
        case "prep_s":
            back = intervention.change == "to_baseline"
            return replace(arm, slowness=1.0) if back else replace(arm, prep_shift_s=amount)
        case _:
            raise ToolFailure(f"the simulator does not move {intervention.driver}; ask what_if")


def _asked_level(fleet: Fleet, intervention: Intervention) -> int:
    if intervention.policy != fleet.policy:
        raise ToolFailure(
            f"the simulator moves {fleet.policy or 'no recorded policy'}, not {intervention.policy}"
        )
    highest = max(fleet.usual_level, fleet.changed_level or fleet.usual_level)
    try:
        level = int(str(intervention.level))
    except ValueError:
        level = 0
    if not 1 <= level <= highest:
        raise ToolFailure(
            f"level = {intervention.level!r}: must be a whole number from 1 to {highest}, the highest seen"
        )
    return level


def _more_couriers(arm: Arm, measured: npt.NDArray[np.bool_], scale: float) -> Arm:
    more = np.maximum(np.rint(arm.couriers * scale), 1).astype(np.int64)
    return replace(
        arm,
        couriers=np.where(measured, more, arm.couriers),
        load=np.where(measured, arm.load / scale, arm.load),
        load_ratio=arm.load_ratio / scale,
        courier_scale=scale,
    )


def _worlds(fleet: Fleet, fitted: Calibrated, arm: Arm, count: int, seed: int) -> list[_World]:
    """Parameters of resampled days; the response keeps what the incident's own, resampled days say."""
    rng = np.random.default_rng([seed, count])
    before = np.unique(fleet.rows["day"].to_numpy()[~fleet.during])
    daily = fleet.rows[fleet.now].groupby("day")["batched"].agg(["sum", "count"]).to_numpy(np.float64)
    worlds = []
    for _ in range(count):
        one = calibrate(fleet, seed=seed, days=rng.choice(before, len(before)))
        picked = daily[rng.integers(0, len(daily), len(daily))].sum(axis=0)
        response = arm.response
        if fleet.changed_level is not None:
            moved = _log_odds(picked) - _log_odds(daily.sum(axis=0))
            drift = fitted.parameters.batching_log_odds - one.parameters.batching_log_odds
            response = replace(response, log_odds=response.log_odds + moved + drift)
        worlds.append(_World(one, recorded_incident(fleet, one, arm.chosen, response)))
    return worlds


def _log_odds(counted: Floats) -> float:
    """Of a share given as (events, trials), half an event added to either side."""
    return float(np.log((counted[0] + 0.5) / (counted[1] - counted[0] + 0.5)))


def _outcome(
    fleet: Fleet, fitted: Calibrated, arm: Arm, draws: Draws, rule: OnTime, settings: AnalysisSettings
) -> dict[str, float]:
    played = play(fleet, fitted, arm, draws)
    found = played.metrics(rule)
    kept = ("on_time", "cancellation", "fulfilment", "wait", "batched_share", "utilisation")
    told = {name: found[name] for name in kept if name in found}
    return told | {CX_POINTS: points(told)} | _economy(fleet, arm, played, rule, settings)


def points(rates: Mapping[str, float]) -> float:
    """CX Score points of rates, up to a constant, before the score is clipped.

    Example:
        >>> round(points({"on_time": 0.98}) - points({"on_time": 0.60}), 6)
        30.0
    """
    return sum(rates[metric.id] * metric.points for metric in WEIGHTED if metric.id in rates)


def _economy(
    fleet: Fleet, arm: Arm, played: Played, rule: OnTime, settings: AnalysisSettings
) -> dict[str, float]:
    """Orders per busy courier-hour, and what an order costs in couriers' time, lateness and cancellation."""
    if played.utilisation is None or fleet.couriers.hours is None:
        return {}
    orders, hours = len(played.size), fleet.couriers.hours * arm.courier_scale
    late = float(((played.lateness_s > rule.late_s) & ~played.canceled).mean())
    cost = settings.courier_hour_cost * hours / orders + settings.late_order_cost * late
    return {
        "orders_per_courier_hour": orders / (hours * played.utilisation),
        "cost_per_order": cost + settings.canceled_order_cost * float(played.canceled.mean()),
    }


def _effect(name: str, differences: list[dict[str, float]], replayed: Replayed) -> Effect:
    values = np.array([one[name] for one in differences])
    missed = _missed(name, replayed) if np.any(values != 0) else 0.0
    half = float(np.hypot(_SURE * values.std(), missed))
    estimate = float(values.mean())
    unit = METRICS[name].unit if name in METRICS else _UNITS[name]
    return Effect(estimate=estimate, low=estimate - half, high=estimate + half, unit=unit)


def _missed(name: str, replayed: Replayed) -> float:
    """What the replay of the incident missed a metric by."""
    off = {row.metric: row.difference for row in replayed.incident.rows}
    return points(off) if name == CX_POINTS else off.get(name, 0.0)
