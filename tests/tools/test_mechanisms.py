"""Blame goes to the module whose mechanism changed, on a model of fulfilment in which that is known."""

import numpy as np
import pytest

from tests.tools.fulfilment import FAULTS, orders
from tools.causal_graph import graph
from tools.checks import CheckResult
from tools.graph_checks import graph_checks
from tools.mechanism_orders import MechanismOrders
from tools.mechanism_shapley import attribute
from tools.mechanisms import Cuts, Learner, Mechanisms, Orders

RIGHT = 0.75
"""Least part of all blame that goes to the module that did it."""


def mechanisms(found: Orders) -> Mechanisms:
    return Mechanisms.of(Learner.of(found, graph(), Cuts.of(found, graph())))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("module", FAULTS)
def test_the_module_at_fault_gets_the_blame(module: str, seed: int) -> None:
    made = mechanisms(orders(seed, **FAULTS[module]))
    parts = made.parts()
    assert parts[module] > RIGHT * sum(abs(part) for part in parts.values())
    assert sum(parts.values()) == pytest.approx(made.actual, rel=0.35)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_preparation_that_rose_with_batching_is_not_blamed(seed: int) -> None:
    found = orders(seed, **FAULTS["policy"])
    prep = found.values["prep_s"]
    before, after = prep[~found.during], prep[found.during]
    z = (after.mean() - before.mean()) / np.sqrt(before.var() / len(before) + after.var() / len(after))
    parts = mechanisms(found).parts()
    assert z > 4, "preparation did rise"
    assert abs(parts["merchant"]) <= 0.10 * sum(abs(part) for part in parts.values())


def test_two_faults_share_the_blame() -> None:
    parts = mechanisms(orders(5, batching=1.2, prep=1.15)).parts()
    assert min(parts["policy"], parts["merchant"]) > 0.02
    assert abs(parts["supply"]) + abs(parts["eta_model"]) + abs(parts["inventory"]) < 0.01


def test_parts_add_up_to_what_the_mechanisms_reproduce() -> None:
    made = mechanisms(orders(4, **FAULTS["supply"]))
    everything = made.mean(frozenset(graph().modules)) - made.mean(frozenset())
    assert sum(made.parts().values()) == pytest.approx(everything, abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_without_a_change_nobody_is_clearly_to_blame(seed: int) -> None:
    result = attribute(given(orders(seed)), seed=7, replicates=40)
    assert [part.module for part in result.parts if abs(part.change_pp) > 0.8] == []


def test_a_batch_size_never_seen_before_is_no_fault_of_the_couriers() -> None:
    """Waits of four carried together are known from the incident alone; they are taken to have been so before."""
    plain = orders(6, **FAULTS["policy"])
    sizes = plain.values["batched"] + (plain.values["batched"] * plain.during)
    wait = plain.values["dasher_wait_s"] + 300 * (sizes == 2)
    late = np.where(sizes == 2, 1.0, plain.failed)
    larger = Orders(
        {**plain.values, "batched": sizes, "dasher_wait_s": wait}, plain.mix, {}, late, plain.during
    )
    parts = mechanisms(larger).parts()
    assert parts["policy"] > RIGHT * sum(abs(part) for part in parts.values())


def given(found: Orders) -> MechanismOrders:
    block = np.arange(len(found.failed)) // 50
    return MechanismOrders(found, graph(), block, "on_time")


def test_the_result_says_how_sure_it_is_and_is_the_same_twice() -> None:
    made = given(orders(8, **FAULTS["merchant"]))
    one, two = (attribute(made, seed=7, replicates=30) for _ in range(2))
    assert one == two
    assert one.fits
    assert one.top_module == "merchant"
    top = one.parts[0]
    assert top.clear
    assert top.low_pp is not None
    assert top.high_pp is not None
    assert top.low_pp < top.change_pp < top.high_pp


def checks(found: Orders) -> tuple[CheckResult, ...]:
    return graph_checks(given(found), Cuts.of(found, graph()))


def test_the_graph_holds_on_data_that_it_describes() -> None:
    (whole,) = checks(orders(9))
    assert whole.passed


def test_an_edge_that_the_graph_does_not_have_is_reported() -> None:
    plain = orders(9)
    prep = plain.values["prep_s"] * plain.values["couriers_ratio"] ** -3
    hidden = Orders({**plain.values, "prep_s": prep}, plain.mix, {}, plain.failed, plain.during)
    whole, *denied = checks(hidden)
    assert not whole.passed
    assert any("couriers_ratio and prep_s go together" in check.text for check in denied)


def test_drivers_that_never_vary_are_nobody_s_fault() -> None:
    plain = orders(7)
    still = {name: np.ones_like(part) for name, part in plain.values.items()}
    worse = np.where(
        plain.during, np.maximum(plain.failed, np.arange(len(plain.failed)) % 5 == 0), plain.failed
    )
    made = mechanisms(Orders(still, plain.mix, {}, worse, plain.during))
    parts = made.parts()
    assert parts["outcome"] == pytest.approx(made.actual, abs=1e-9)
    assert sum(abs(part) for name, part in parts.items() if name != "outcome") == pytest.approx(0.0, abs=1e-9)


def test_what_a_promise_owes_to_the_order_itself_is_kept_when_mechanisms_are_drawn() -> None:
    """A promise that knows the distance: drawn from other orders of the same kind, it must not become a fault."""
    plain = orders(12, **FAULTS["merchant"])
    distance = np.random.default_rng(12).gamma(2.0, 1.5, len(plain.failed))
    values = {**plain.values, "promise_s": plain.values["promise_s"] + 150 * distance}
    made = mechanisms(Orders(values, plain.mix, {"distance": distance}, plain.failed, plain.during))
    assert made.mean(frozenset()) == pytest.approx(plain.failed[~plain.during].mean(), rel=0.1)
    parts = made.parts()
    assert parts["merchant"] > RIGHT * sum(abs(part) for part in parts.values())


def test_couriers_who_are_free_sooner_because_orders_are_carried_together_are_no_better_supplied() -> None:
    """Never before were so many carried together; that orders carried alone wait less is the policy's doing too."""
    plain = orders(13, **FAULTS["policy"])
    relief = np.where(plain.during, 0.6, 1.0)
    wait = plain.values["dasher_wait_s"] * relief
    share = np.where(plain.during, 0.7, 0.3)
    values = {**plain.values, "dasher_wait_s": wait, "carried_share": share}
    early = plain.values["dasher_wait_s"] - wait
    late = np.where((plain.failed > 0) & (early < 200), 1.0, 0.0)
    parts = mechanisms(Orders(values, plain.mix, {}, late, plain.during)).parts()
    assert abs(parts["supply"]) < 0.1 * sum(abs(part) for part in parts.values())
