import pytest

from data.world import World
from data.world.actions import RaisePromise
from data.world.truth import Truth, tell


def test_the_truth_of_a_fault(faulty: World) -> None:
    told = tell(faulty.run())
    assert faulty.fault is not None
    assert (told.scenario, told.seed) == (faulty.config.scenario, 11)
    assert (told.fault, told.scope) == (faulty.fault.name, faulty.fault.scope)
    assert (told.start, told.end) == (faulty.onset, faulty.end)
    assert told.before.keys() == told.after.keys()
    assert told.mediators
    assert (told.actual["cx_score"] or 0) < (told.twin["cx_score"] or 0)


def test_the_best_action_undoes_the_fault(faulty: World) -> None:
    told = tell(faulty.run())
    best = told.best_action
    assert best is not None
    kind, left = {
        "batching": ("batching_threshold", 0.2),
        "courier_supply": ("add_couriers", 0.2),
        "merchant_prep": ("speed_up_preparation", 0.2),
        "inventory": ("suppress_products", 8.0),
        "eta_model": ("promise_buffer", 0.2),
        "demand_surge": ("add_couriers", 2.0),
    }[faulty.config.scenario]
    assert best.action.kind == kind
    assert best.metrics["cx_score"] == pytest.approx(told.twin["cx_score"], abs=left)
    assert (best.effect["cx_score"] or 0) > 0


def test_the_truth_of_nothing(none: World) -> None:
    told = tell(none.run())
    assert (told.fault, told.scope, told.best_action) == (None, None, None)


def test_the_truth_tells_of_actions_taken(batching: World) -> None:
    assert batching.fault is not None
    action = RaisePromise(scope=batching.fault.scope, start=batching.onset, seconds=60)
    told = tell(batching.run([action]))
    assert told.actions_taken == (action,)
    assert told.actual["orders"] == told.twin["orders"]


def test_the_truth_survives_json(faulty: World) -> None:
    told = tell(faulty.run())
    assert Truth.model_validate_json(told.model_dump_json()) == told
