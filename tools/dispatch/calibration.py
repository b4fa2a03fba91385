"""Fit the mechanisms of dispatch to the weeks before the incident.

What has a closed form is read off: waits, preparation, travel, courier time, the promise's allowance, the answer of
cancellation to waiting. Two parameters of batching and the crowding of couriers come out of simulated moments, under
draws that every trial shares (D. McFadden (1989), A method of simulated moments for estimation of discrete response
models without numerical integration).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import optimize

from tools import logit
from tools.dispatch import moments
from tools.dispatch.draws import Draws, draw
from tools.dispatch.fleet import Fleet
from tools.dispatch.kernel import Orders, Rules, dispatch
from tools.dispatch.pool import SAVING, answers, odds_log, trip_part
from tools.gcomputation import Floats

Ints = npt.NDArray[np.int64]

_MOST_CROWDING: Final = 3.0
_MOST_QUEUE: Final = 0.5
"""Of each moment of the wait, at most so much is taken for a queue: both may be the cause, and nothing tells."""
_STEP: Final = 0.05
"""Change of courier time by which the queue's slope is measured, as a share."""
_NO_QUEUE: Final = Rules(service_s=0.0, saving=SAVING)
_REPLICATIONS: Final = 2
"""Shared draws behind a simulated moment."""


class Parameters(BaseModel):
    """What was fitted; durations in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    batching_log_odds: float
    """Of dispatch wanting to batch an order, at the usual level and load."""
    batching_load_slope: float
    """Added for every whole usual load above the usual one."""
    wait_per_extra_s: float
    """Wait for every further order of the batch."""
    wait_spread: float
    """Log standard deviation of the wait for one further order."""
    approach_s: float
    """Mean wait for a courier who is free, at the usual utilisation."""
    approach_spread: float
    """Part of it that is exponential; the rest is common to all orders."""
    crowding: float
    """The approach grows as (odds that a courier is busy / usual odds) ** crowding."""
    blocked_share: float
    """Part of a trip in which its courier cannot be given the next one."""
    service_s: float
    """Courier time of a trip with one order; 0 where not known."""
    prep_per_extra: float
    """Preparation grows by this share for every further order of the batch."""
    prep_spread: float
    """Log standard deviation around the store's usual preparation."""
    travel_spread: float
    """Log standard deviation of what remains after preparation and wait."""
    allowance_s: float
    """Added to the promise of an order that is carried with one other."""
    cancel_log_odds: float
    cancel_per_wait: float
    """Added for ten minutes of waiting."""
    cancel_per_late: float
    """Added for ten minutes behind the promise."""


@dataclass(frozen=True)
class Calibrated:
    """Parameters with what they make of every order; arrays of shape (orders,)."""

    parameters: Parameters
    prep_s: Floats
    """The store's usual preparation of an order carried alone."""
    travel_s: Floats
    """What is expected to remain after preparation and wait."""
    usual_extra: float
    """Courier time an order in the weeks before, as a share of one carried alone."""

    def rules(self, *, lean: float) -> Rules:
        """Of the event loop."""
        p = self.parameters
        return Rules(service_s=p.service_s * p.blocked_share, saving=SAVING, lean=lean)


def calibrate(fleet: Fleet, *, seed: int, days: Ints | None = None) -> Calibrated:
    """Fit to the weeks before the incident.

    Args:
        fleet: a slice's orders.
        seed: of the simulated moments.
        days: local days with repetition, of a bootstrap; default: each once.

    Raises:
        ToolFailure: the recorded times do not add up.
    """
    rows = _resampled(fleet.rows[~fleet.during].assign(at=np.flatnonzero(~fleet.during)), days)
    rows = rows[rows[["prep_s", "dasher_wait_s", "extra"]].notna().all(axis=1)]
    own = rows[fleet.before[rows["at"]]]
    growth = moments.prep_growth(rows)
    prep, prep_spread = moments.preparation(fleet, rows, own, growth)
    travel, travel_spread = moments.travel(fleet, rows, own)
    wait = moments.wait(own)
    common = answers(_resampled(fleet.pool, days))
    partial = {
        "batching_log_odds": _batching(fleet, own, common.batching_to_load, seed),
        "batching_load_slope": common.batching_to_load,
        "wait_per_extra_s": wait.per_extra_s,
        "wait_spread": float(np.sqrt(np.log1p((wait.per_extra_sd_s / max(wait.per_extra_s, 1.0)) ** 2))),
        "prep_per_extra": growth,
        "prep_spread": prep_spread,
        "travel_spread": travel_spread,
        "allowance_s": moments.allowance(rows),
        "service_s": _service(fleet),
        "cancel_log_odds": moments.cancel_level(own, travel[own["at"]], common),
        "cancel_per_wait": common.cancel_per_wait,
        "cancel_per_late": common.cancel_per_late,
    }
    couriers = _couriers(fleet, wait, partial, common.wait_to_busy * wait.alone_s, seed)
    return Calibrated(
        parameters=Parameters(**partial, **couriers),
        prep_s=prep,
        travel_s=travel,
        usual_extra=float(trip_part(own["extra"].to_numpy(np.float64)).mean()),
    )


def propensity(log_odds: Floats | float, load_slope: float, load: Floats) -> Floats:
    """Probability that dispatch wants to batch, by order."""
    return logit.sigmoid(np.asarray(log_odds + load_slope * (load - 1.0), np.float64))


def _resampled(rows: pd.DataFrame, days: Ints | None) -> pd.DataFrame:
    if days is None:
        return rows
    where = rows.groupby("day").indices
    return rows.iloc[np.concatenate([where[day] for day in days if day in where])]


def _service(fleet: Fleet) -> float:
    """Courier time of a trip with one order: busy time over the work that orders made; 0 where not known."""
    if fleet.busy_hours is None:
        return 0.0
    extra = fleet.pool["extra"].fillna(fleet.pool["extra"].mean()).to_numpy(np.float64)
    return float(3600.0 * fleet.busy_hours / trip_part(extra).sum())


def usual_orders(fleet: Fleet, chosen: npt.NDArray[np.bool_], log_odds: float, slope: float) -> Orders:
    """Some orders of a fleet as the event loop takes them, at the usual level."""
    return Orders(
        arrival_s=fleet.arrival_s[chosen],
        shift=fleet.rows["block"].to_numpy(np.int64)[chosen],
        couriers=fleet.couriers.online[chosen],
        threshold=np.full(int(chosen.sum()), fleet.usual_level, np.int64),
        propensity=propensity(log_odds, slope, fleet.load[chosen]),
    )


def _batching(fleet: Fleet, own: pd.DataFrame, slope: float, seed: int) -> float:
    """Log-odds of wanting to batch at which as many of the slice's orders are batched as were."""
    chosen = ~fleet.during
    measured, share = fleet.measured[chosen], float(own["batched"].mean())
    draws = _shared(int(chosen.sum()), seed)

    def gap(log_odds: float) -> float:
        orders = usual_orders(fleet, chosen, log_odds, slope)
        found = [float((dispatch(orders, each, _NO_QUEUE).size[measured] > 1).mean()) for each in draws]
        return (float(np.mean(found)) - share) ** 2

    best = optimize.minimize_scalar(gap, bounds=(-8.0, 8.0), method="bounded", options={"xatol": 3e-3})
    return float(best.x)


def _shared(orders: int, seed: int) -> list[Draws]:
    return [draw(orders, seed=seed, replication=number) for number in range(_REPLICATIONS)]


class _Queue(NamedTuple):
    """The simulated queue of the slice's orders carried alone."""

    mean_s: float
    sd_s: float
    slope_s: float
    """By the logarithm of the odds that a courier is busy."""


def _couriers(
    fleet: Fleet, wait: moments.Wait, own: dict[str, float], slope: float, seed: int
) -> dict[str, float]:
    """Approach, its spread, crowding, and how much of a trip blocks its courier.

    As much of the wait is taken for a queue as its mean, its spread and its slope in utilisation allow; the approach
    is the rest.
    """
    if fleet.couriers.utilisation is None:
        spread = min(wait.alone_sd_s / max(wait.alone_s, 1.0), 1.0)
        return {"approach_s": wait.alone_s, "approach_spread": spread, "crowding": 0.0, "blocked_share": 0.0}
    limits = np.array([wait.alone_s, wait.alone_sd_s, slope]) * _MOST_QUEUE
    queues = _queues(fleet, own, seed)

    def beyond(blocked: float) -> float:
        return float(np.max(np.array(queues(blocked)) - limits))

    blocked = 1.0 if beyond(1.0) <= 0 else float(optimize.bisect(beyond, 0.0, 1.0, xtol=0.03))
    queue = queues(blocked)
    approach = max(wait.alone_s - queue.mean_s, 1.0)
    sd = np.sqrt(max(wait.alone_sd_s**2 - queue.sd_s**2, 0.0))
    return {
        "approach_s": approach,
        "approach_spread": float(min(sd / approach, 1.0)),
        "crowding": float(np.clip((slope - queue.slope_s) / approach, 0.0, _MOST_CROWDING)),
        "blocked_share": blocked,
    }


def _queues(fleet: Fleet, own: dict[str, float], seed: int) -> Callable[[float], _Queue]:
    """The simulated queue by the blocked share of a trip."""
    chosen = ~fleet.during
    measured = fleet.measured[chosen]
    orders = usual_orders(fleet, chosen, own["batching_log_odds"], own["batching_load_slope"])
    draws = _shared(int(chosen.sum()), seed)
    busy = float(fleet.couriers.utilisation or 0.0)

    def alone(service_s: float) -> Floats:
        found = [dispatch(orders, each, Rules(service_s=service_s, saving=SAVING)) for each in draws]
        return np.concatenate([one.queue_s[measured & (one.size == 1)] for one in found])

    def queues(blocked: float) -> _Queue:
        service = own["service_s"] * blocked
        now, less, more = (alone(service * (1 + step)) for step in (0.0, -_STEP, _STEP))
        change = float(odds_log(busy * (1 + _STEP)) - odds_log(busy * (1 - _STEP)))
        return _Queue(float(now.mean()), float(now.std()), float((more.mean() - less.mean()) / change))

    return queues
