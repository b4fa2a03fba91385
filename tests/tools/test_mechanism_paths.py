"""The ways of a module's change, on models of fulfilment in which they are known."""

import numpy as np
import pytest

from tests.tools.fulfilment import FAULTS, WAYS, natural_effects, orders
from tests.tools.worlds import case
from tools.causal_graph import MIX, OUTCOME, graph
from tools.errors import ToolFailure
from tools.mechanism_orders import MechanismOrders
from tools.mechanism_paths import MechanismPathsResult, Ways, ways
from tools.mechanisms import Cuts, Learner, Mechanisms, Orders
from tools.registry import REGISTRY, ToolContext

BEFORE, DURING = 120_000, 60_000
PER_S = {"prep_s": 0.0003, "dasher_wait_s": 0.00012}
"""What a second adds to the chance of failing."""
ADDED = {"prep_s": 150.0, "dasher_wait_s": 500.0}
"""Seconds that carrying orders together adds."""
RIDE = 0.06
"""What it adds to the chance of failing by itself."""
SHARES = (0.2, 0.6)
"""Of orders carried together, before and during the incident."""


def linear(seed: int, *, together: float = 0.0) -> MechanismOrders:
    """Orders whose chance of failing is linear in every way, but for what preparation and waiting do together."""
    rng = np.random.default_rng(seed)
    rows = BEFORE + DURING
    during = np.arange(rows) >= BEFORE
    batched = (rng.random(rows) < np.where(during, SHARES[1], SHARES[0])) * 1.0
    prep = 600.0 + rng.uniform(-200, 200, rows) + ADDED["prep_s"] * batched
    wait = 400.0 + rng.uniform(-300, 300, rows) + ADDED["dasher_wait_s"] * batched
    chance = 0.3 + PER_S["prep_s"] * (prep - 400) + PER_S["dasher_wait_s"] * (wait - 100) + RIDE * batched
    chance += together * (prep >= 700) * (wait >= 700)
    values = {"batched": batched, "prep_s": prep, "dasher_wait_s": wait}
    failed = np.asarray(rng.random(rows) < chance, dtype=np.float64)
    made = Orders(values, (np.zeros(rows, dtype=np.int64),), {}, failed, during)
    measured = graph().measured(frozenset((*values, MIX, OUTCOME)))
    return MechanismOrders(made, measured, np.arange(rows) // 100, "on_time")


def known() -> dict[str, float]:
    """The natural effect of each way, exactly."""
    more = SHARES[1] - SHARES[0]
    return {name: more * ADDED[name] * PER_S[name] for name in PER_S} | {OUTCOME: more * RIDE}


def opened(given: MechanismOrders, module: str) -> Ways:
    cuts = Cuts.of(given.orders, given.graph)
    return Ways(Mechanisms.of(Learner.of(given.orders, given.graph, cuts)), module)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_ways_of_a_linear_model_are_found(seed: int) -> None:
    effects = opened(linear(seed), "policy").effects()
    assert set(effects.alone) == set(known())
    for name, effect in known().items():
        assert effects.alone[name] == pytest.approx(effect, abs=0.006), name
    assert effects.whole == pytest.approx(sum(known().values()), abs=0.01)
    assert effects.whole - sum(effects.alone.values()) == pytest.approx(0.0, abs=0.006)


def test_what_the_ways_do_together_is_the_remainder() -> None:
    found = ways(linear(4, together=0.3), "policy", seed=7, replicates=10)
    assert found.interaction_change_pp == pytest.approx(
        found.total_change_pp - sum(part.change_pp for part in found.paths), abs=1e-9
    )
    assert found.interaction_change_pp > 3.0
    added = sum(part.added_change_pp for part in found.paths)
    assert added == pytest.approx(found.total_change_pp, abs=1e-9)
    for part in found.paths:
        if not part.direct:
            assert part.spared_change_pp > part.change_pp


@pytest.mark.parametrize("module", ["policy", "supply", "demand", "merchant", "inventory", "eta_model"])
def test_all_edges_together_are_the_module_s_whole_effect(module: str) -> None:
    found = opened(plain(1, **FAULTS.get(module, {})), module)
    whole = found.made.mean(frozenset({module})) - found.made.mean(frozenset())
    assert found.effects().whole == pytest.approx(whole, abs=1e-12)
    assert found.mean(frozenset()) == pytest.approx(found.made.mean(frozenset()), abs=1e-12)


def plain(seed: int, **changes: float) -> MechanismOrders:
    found = orders(seed, **changes)
    return MechanismOrders(found, graph(), np.arange(len(found.failed)) // 50, "on_time")


def test_the_ways_of_batching_are_those_that_the_model_has() -> None:
    # The whole effect of one drawn world strays by .004: of 24 the mean does so by less than a third of the tolerance.
    found = [opened(plain(seed, **FAULTS["policy"]), "policy").effects() for seed in range(1, 25)]
    true = natural_effects()
    for name in WAYS:
        assert np.mean([one.alone[name] for one in found]) == pytest.approx(true[name], abs=0.002), name
    assert np.mean([one.whole for one in found]) == pytest.approx(true["whole"], abs=0.003)
    together = [one.whole - sum(one.alone.values()) for one in found]
    assert np.mean(together) == pytest.approx(true["whole"] - sum(true[name] for name in WAYS), abs=0.003)
    for name in ("promise_s", OUTCOME):
        assert abs(np.mean([one.alone[name] for one in found])) < 0.001, "nothing goes that way"


def test_a_module_next_to_the_outcome_has_one_way() -> None:
    found = ways(plain(3, **FAULTS["merchant"]), "merchant", seed=7, replicates=5)
    (only,) = found.paths
    assert only.direct
    assert only.path == ("prep_s", "failed")
    assert not found.several
    assert only.change_pp == pytest.approx(found.total_change_pp, abs=1e-9)
    assert found.interaction_change_pp == pytest.approx(0.0, abs=1e-9)


def test_fewer_couriers_hurt_by_waiting_and_not_through_batching_alone() -> None:
    found = ways(plain(2, **FAULTS["supply"]), "supply", seed=7, replicates=5)
    assert {part.path for part in found.paths} == {
        ("couriers_ratio", "batched", "failed"),
        ("dasher_wait_s", "failed"),
    }
    assert found.paths[0].path == ("dasher_wait_s", "failed")


def test_the_result_is_the_same_twice_and_intervals_hold_the_estimate() -> None:
    given = linear(5)
    one, two = (ways(given, "policy", seed=7, replicates=20) for _ in range(2))
    assert one == two
    assert one.fits
    assert one.top_clear
    for part in one.paths:
        assert part.low_pp is not None
        assert part.high_pp is not None
        assert part.low_pp < part.change_pp < part.high_pp
    assert one.total_low_pp is not None
    assert one.total_high_pp is not None
    assert one.total_low_pp < one.total_change_pp < one.total_high_pp


def test_without_replicates_the_ways_are_the_same_and_nothing_is_clear() -> None:
    given = linear(5)
    sure, quick = (ways(given, "policy", seed=7, replicates=replicates) for replicates in (20, 0))
    assert [part.change_pp for part in quick.paths] == [part.change_pp for part in sure.paths]
    assert {(part.low_pp, part.high_pp, part.clear) for part in quick.paths} == {(None, None, False)}
    assert (quick.total_low_pp, quick.total_high_pp, quick.top_clear) == (None, None, False)


def call(metric: str = "on_time", module: str = "policy") -> MechanismPathsResult:
    found = case("batching")
    window = found.incident.window
    arguments = {
        "slice": found.incident.slice,
        "start": window.start,
        "end": window.end,
        "metric": metric,
        "module": module,
    }
    result = REGISTRY["mechanism_paths"].call(ToolContext(found.dataset), arguments)
    assert isinstance(result, MechanismPathsResult)
    return result


def test_the_tool_finds_the_ways_of_a_simulated_incident() -> None:
    result = call()
    assert {part.way for part in result.paths} >= {"waiting for couriers", "preparation"}
    assert result.paths[0].way == "waiting for couriers"
    assert result.paths[0].path == ("batched+carried_share", "dasher_wait_s", "failed"), (
        "never so many before"
    )
    assert result.paths[0].change_pp > 0
    summed = sum(part.change_pp for part in result.paths) + result.interaction_change_pp
    assert summed == pytest.approx(result.total_change_pp, abs=1e-9)


def test_an_unknown_module_and_a_duration_are_refused() -> None:
    with pytest.raises(ToolFailure, match="module = 'outcome': known are demand, supply, policy"):
        call(module="outcome")
    with pytest.raises(ToolFailure, match="it is a duration"):
        call(metric="fulfilment")
