"""Read from the incident what the weeks before cannot tell: how a level of batching never seen before is used.

Only how orders were carried and what was promised is read, never whether they were late: that is left for the replay.
"""

import numpy as np
import numpy.typing as npt
from scipy import optimize

from tools.dispatch.calibration import Calibrated
from tools.dispatch.draws import draw
from tools.dispatch.fleet import Fleet
from tools.dispatch.journey import Response, as_recorded, play
from tools.errors import ToolFailure

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_REPLICATIONS = 8
_ENOUGH = 10
"""Orders in larger batches, for what the promise allows for them."""
_MOST_LEAN = 3.0


def read_response(fleet: Fleet, fitted: Calibrated, days: Bools, *, seed: int) -> Response:
    """Fit a response to the batched share and the mean batch of some of the incident's orders.

    Args:
        fleet: the orders.
        fitted: mechanisms of the weeks before.
        days: orders of the incident's days to learn from, shape (orders,).
        seed: of the simulated moments.

    Raises:
        ToolFailure: these days have no orders of the slice.
    """
    own = fleet.rows[fleet.measured & days]
    extra = own["extra"].dropna().to_numpy(np.float64)
    if not len(extra):
        raise ToolFailure("not testable: no orders of the slice on the days that the response is read from")
    share = promise_share(fleet, fitted, days)
    wanted = np.array([np.mean(extra > 0), extra.mean()])
    level = fleet.changed_level or fleet.usual_level
    draws = [draw(int(days.sum()), seed=seed, replication=n) for n in range(_REPLICATIONS)]

    def gap(trial: Floats) -> float:
        response = Response(float(trial[0]), float(np.clip(trial[1], -_MOST_LEAN, _MOST_LEAN)), share)
        arm = as_recorded(fleet, fitted, days, response)
        played = [play(fleet, fitted, arm, each).size for each in draws]
        found = np.array([[np.mean(size > 1), np.mean(size - 1)] for size in played]).mean(axis=0)
        return float(((found - wanted) ** 2).sum())

    if level < 3:
        # A batch of two has no size to lean to.
        best = optimize.minimize_scalar(lambda x: gap(np.array([x, 0.0])), bounds=(-6, 6), method="bounded")
        return Response(float(best.x), 0.0, share)
    found = optimize.minimize(
        gap,
        np.zeros(2),
        method="Nelder-Mead",
        options={
            "initial_simplex": np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
            "maxfev": 80,
            "xatol": 0.01,
        },
    )
    return Response(float(found.x[0]), float(np.clip(found.x[1], -_MOST_LEAN, _MOST_LEAN)), share)


def promise_share(fleet: Fleet, fitted: Calibrated, days: Bools) -> float:
    """Of the allowance for a second order, what promises allow for every further one; 1 where that was not seen."""
    own = fleet.rows[days & fleet.measured]
    further = own["extra"].to_numpy(np.float64) - 1
    beyond = own["promise_s"].to_numpy(np.float64) - fitted.parameters.allowance_s
    large = (further > 0) & ~np.isnan(beyond)
    if int(large.sum()) < _ENOUGH or fitted.parameters.allowance_s <= 0:
        return 1.0
    # The same stores' promises for orders that were carried alone.
    expected = _bare(fleet, fitted)[days & fleet.measured]
    more = (beyond - expected)[large] / fitted.parameters.allowance_s
    return float(more @ further[large] / (further[large] @ further[large]))


def _bare(fleet: Fleet, fitted: Calibrated) -> Floats:
    """What a promise would be for an order carried alone: preparation and travel, at the level of batches seen before."""
    expected = fitted.prep_s + fitted.travel_s
    extra = fleet.rows["extra"].to_numpy(np.float64)
    promise = fleet.rows["promise_s"].to_numpy(np.float64)
    small = (extra <= 1) & fleet.during & ~np.isnan(promise)
    allowed = fitted.parameters.allowance_s * extra[small]
    return np.asarray(expected + (promise[small] - allowed - expected[small]).mean())
