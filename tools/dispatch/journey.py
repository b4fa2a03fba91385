"""One arm played once: orders walked through dispatch, then prepared, fetched, carried, and perhaps cancelled."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from data.mapping import OnTime
from tools import logit
from tools.dispatch.calibration import Calibrated, propensity
from tools.dispatch.draws import Draws
from tools.dispatch.fleet import Fleet
from tools.dispatch.kernel import Orders, dispatch
from tools.dispatch.pool import BUSIEST, burden, odds_log, trip_part

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Response:
    """How dispatch uses a level of the batching policy that the weeks before never saw."""

    log_odds: float
    """Added to the log-odds of batching at that level."""
    lean: float
    """Batches lean towards the level: weight (orders - 1) ** lean of waiting for so many."""
    promise_share: float
    """Of the allowance for a second order, what the promise allows for every further one."""


USUAL = Response(log_odds=0.0, lean=0.0, promise_share=1.0)


@dataclass(frozen=True)
class Arm:
    """What is in force in some orders of a fleet, arrays of shape (orders,)."""

    chosen: Bools
    """Which orders of the fleet are played, shape (orders of the fleet,)."""
    level: Ints
    """Most orders a trip."""
    couriers: Ints
    load: Floats
    bare_promise_s: Floats
    """Promise without the allowance for batches."""
    response: Response = USUAL
    response_level: int = 0
    """The level that the response was read at."""
    load_ratio: float = 1.0
    """Work a courier before batching saves any, over the usual."""
    slowness: float = 1.0
    """Multiple of the usual preparation."""
    prep_shift_s: float = 0.0
    promise_shift_s: float = 0.0
    intake: float = 1.0
    """Share of the slice's orders that are taken in."""
    courier_scale: float = 1.0
    """Couriers online over those recorded."""


@dataclass(frozen=True)
class Played:
    """What became of the slice's own orders, arrays of shape (orders taken in,)."""

    size: Ints
    wait_s: Floats
    prep_s: Floats
    fulfilment_s: Floats
    lateness_s: Floats
    canceled: Bools
    utilisation: float | None

    def metrics(self, rule: OnTime) -> dict[str, float]:
        """Shares, and seconds for times; on-time and fulfilment are of the orders that were delivered."""
        kept = ~self.canceled
        late = self.lateness_s[kept]
        early_s = np.inf if rule.early_s is None else rule.early_s
        found = {
            "on_time": float(((late <= rule.late_s) & (late >= -early_s)).mean()),
            "cancellation": float(self.canceled.mean()),
            "fulfilment": float(self.fulfilment_s[kept].mean()),
            "wait": float(self.wait_s.mean()),
            "wait_p90": float(np.quantile(self.wait_s, 0.9)),
            "batched_share": float((self.size > 1).mean()),
            "prep": float(self.prep_s.mean()),
        }
        return found if self.utilisation is None else found | {"utilisation": self.utilisation}


def as_recorded(fleet: Fleet, fitted: Calibrated, chosen: Bools, response: Response = USUAL) -> Arm:
    """The arm of some orders with policy, couriers, arrivals and promises as they were recorded."""
    extra = fleet.rows["extra"].to_numpy(np.float64)
    allowed = allowance(extra, fitted.parameters.allowance_s, response.promise_share)
    promise = fleet.rows["promise_s"].to_numpy(np.float64) - allowed
    return Arm(
        chosen=chosen,
        level=fleet.level[chosen],
        couriers=fleet.couriers.online[chosen],
        load=fleet.load[chosen],
        bare_promise_s=promise[chosen],
        response=response,
        response_level=fleet.changed_level or fleet.usual_level,
    )


def allowance(extra: Floats, second_s: float, further: float) -> Floats:
    """What the promise allows for batches, seconds.

    Args:
        extra: orders carried besides.
        second_s: for the first of them.
        further: of that, for every further one.
    """
    return np.asarray(second_s * (np.minimum(extra, 1) + further * np.maximum(extra - 1, 0)))


def play(fleet: Fleet, fitted: Calibrated, arm: Arm, draws: Draws) -> Played:
    """Play an arm once.

    Args:
        fleet: the orders.
        fitted: mechanisms.
        arm: what is in force.
        draws: of the arm's orders.
    """
    if arm.intake < 1:
        taken = (draws.intake_u < arm.intake) | ~fleet.measured[arm.chosen]
        arm, draws = _of(arm, taken), draws.of(taken)
    p, measured = fitted.parameters, fleet.measured[arm.chosen]
    found = dispatch(_orders(fleet, fitted, arm), draws, fitted.rules(lean=arm.response.lean))
    extra = (found.size - 1).astype(np.float64)
    work = trip_part(extra[measured]).mean() / fitted.usual_extra
    busy = None
    if fleet.couriers.utilisation is not None:
        busy = float(min(fleet.couriers.utilisation * arm.load_ratio * work, BUSIEST))
    wait = found.queue_s + _approach(fleet, fitted, busy, draws) + _batch_wait(fitted, extra, draws)
    prep = fitted.prep_s[arm.chosen] * arm.slowness * (1 + p.prep_per_extra * extra) + arm.prep_shift_s
    prep = np.maximum(prep, 0.0) * _lognormal(p.prep_spread, draws.prep_n)
    travel = fitted.travel_s[arm.chosen]
    promise = arm.bare_promise_s + allowance(extra, p.allowance_s, arm.response.promise_share)
    promise = promise + arm.promise_shift_s
    score = burden(wait, prep + wait + travel - promise) @ (p.cancel_per_wait, p.cancel_per_late)
    canceled = draws.cancel_u < logit.sigmoid(p.cancel_log_odds + score)
    whole = prep + wait + travel * _lognormal(p.travel_spread, draws.travel_n)
    own = measured & ~np.isnan(promise)
    return Played(
        size=found.size[own],
        wait_s=wait[own],
        prep_s=prep[own],
        fulfilment_s=whole[own],
        lateness_s=(whole - promise)[own],
        canceled=canceled[own],
        utilisation=busy,
    )


def _of(arm: Arm, taken: Bools) -> Arm:
    chosen = arm.chosen.copy()
    chosen[arm.chosen] = taken
    arrays = {name: getattr(arm, name)[taken] for name in ("level", "couriers", "load", "bare_promise_s")}
    return replace(arm, chosen=chosen, **arrays)


def _orders(fleet: Fleet, fitted: Calibrated, arm: Arm) -> Orders:
    p = fitted.parameters
    lift = lifts(arm.level, fleet.usual_level, arm.response_level, arm.response.log_odds)
    return Orders(
        arrival_s=fleet.arrival_s[arm.chosen],
        shift=fleet.rows["block"].to_numpy(np.int64)[arm.chosen],
        couriers=arm.couriers,
        threshold=arm.level,
        propensity=propensity(p.batching_log_odds + lift, p.batching_load_slope, arm.load),
    )


def lifts(level: Ints, usual: int, read_at: int, log_odds: float) -> Floats:
    """Log-odds added to batching at a level: on the line through the usual level and the one that was read.

    Example:
        >>> lifts(np.array([2, 3, 4]), 2, 4, 1.0).tolist()
        [0.0, 0.5, 1.0]
    """
    step = log_odds / (read_at - usual) if read_at != usual else 0.0
    return np.asarray(step * (level - usual), np.float64)


def _approach(fleet: Fleet, fitted: Calibrated, busy: float | None, draws: Draws) -> Floats:
    p = fitted.parameters
    crowd = 1.0
    if busy is not None and fleet.couriers.utilisation is not None:
        crowd = float(np.exp(p.crowding * (odds_log(busy) - odds_log(fleet.couriers.utilisation))))
    return np.asarray(p.approach_s * crowd * (1 - p.approach_spread + p.approach_spread * draws.approach_e))


def _batch_wait(fitted: Calibrated, extra: Floats, draws: Draws) -> Floats:
    p = fitted.parameters
    spread = p.wait_spread / np.sqrt(np.maximum(extra, 1.0))
    return np.asarray(p.wait_per_extra_s * extra * _lognormal(spread, draws.batch_wait_n))


def _lognormal(spread: Floats | float, normal: Floats) -> Floats:
    """Of mean one."""
    return np.asarray(np.exp(spread * normal - np.square(spread) / 2))
