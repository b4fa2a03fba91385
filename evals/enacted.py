"""What a recommendation means in a simulated world: the world's own action, so that its effect can be run.

A recorded change that moves nothing in the world (a decoy) is rolled back by doing nothing. What is "brought back to
its level before" is brought back by the world without its fault.
"""

from datetime import datetime
from typing import Final

from data.world import World, WorldRun
from data.world.actions import (
    Action,
    AddCouriers,
    RaisePromise,
    SetBatchingThreshold,
    SuppressProducts,
    TurnAway,
)
from tools.candidates import Candidate
from tools.recommendations import Recommendation

RESTORED: Final = {"restore_preparation": "merchant_prep"}
"""Actions that undo a fault, and the scenario whose fault they undo."""


PROMISES: Final = {"increase_eta_buffer": "buffer_s", "retrain_eta_model": "correction_s"}
"""Actions that lengthen promises, and the parameter that says by how much."""


def enact(world: World, chosen: Candidate | Recommendation, start: datetime) -> WorldRun:
    """The world under an action, from a time on.

    Args:
        world: with its fault.
        chosen: a recommendation, or a candidate for one.
        start: from when on the action is in force, UTC.

    Raises:
        ValueError: the action is unknown here: it needs a line in `_as_action`.
    """
    name = chosen.action if isinstance(chosen, Recommendation) else chosen.action.id
    if name in RESTORED:
        return world.run(faults=RESTORED[name] != world.config.scenario)
    done = _as_action(name, chosen, start)
    return world.run(() if done is None else (done,))


def _as_action(name: str, chosen: Candidate | Recommendation, start: datetime) -> Action | None:
    given, scope = chosen.parameters, chosen.scope
    if name in ("reduce_batching_threshold", "revert_policy", "roll_back_eta_model"):
        if given["policy"] != "batching_threshold":
            return None
        return SetBatchingThreshold(scope=scope, start=start, value=int(given["to"]))
    if name == "add_courier_supply":
        return AddCouriers(scope=scope, start=start, share=given["couriers_share"])
    if name in PROMISES:
        return RaisePromise(scope=scope, start=start, seconds=given[PROMISES[name]])
    if name == "suppress_low_confidence_skus":
        return SuppressProducts(scope=scope, start=start, below=given["below"])
    if name == "throttle_store_intake":
        return TurnAway(scope=scope, start=start, share=given["intake_cut_share"])
    raise ValueError(f"action = {name!r}: the simulated world does not know how to do it")
