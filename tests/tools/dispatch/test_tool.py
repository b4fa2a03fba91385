"""The registered tool against the truth of the world, and what it refuses."""

import pytest

import tools.dispatch.tool  # noqa: F401  # registers the tool
from data.world.actions import Action, AddCouriers, SetBatchingThreshold, SpeedUpPreparation
from tests.tools.dispatch.cases import Case, batching, late_without_a_cause, short_of_couriers, slow_stores
from tools.dispatch.draws import draw
from tools.dispatch.journey import Played, play
from tools.dispatch.replay import replay
from tools.dispatch.simulate import changed
from tools.dispatch.tool import SimulateDispatchResult, simulate
from tools.errors import ToolFailure
from tools.interventions import Intervention
from tools.registry import REGISTRY, ToolContext
from tools.settings import AnalysisSettings

BACK = Intervention(driver="policy", change="set", policy="batching_threshold", level="2")


def ask(case: Case, intervention: Intervention, replications: int = 48) -> SimulateDispatchResult:
    return simulate(
        case.dataset,
        where=case.where,
        window=case.window,
        intervention=intervention,
        replications=replications,
        settings=AnalysisSettings(),
    )


def size_of(case: Case) -> float:
    assert case.world.fault is not None
    return case.world.fault.size


def truth(case: Case, action: Action) -> dict[str, float]:
    span = (case.window.start, case.window.end)
    now, then = case.run.metrics(case.where, *span), case.world.run((action,)).metrics(case.where, *span)
    return {name: then[name] - now[name] for name in now}


@pytest.mark.slow
def test_remedies_do_what_the_world_says() -> None:
    missing, slower = size_of(short_of_couriers().case), size_of(slow_stores().case)
    back = round(missing / (1 - missing), 4)
    asked = (
        (batching().case, BACK, SetBatchingThreshold, {"value": 2}),
        (
            short_of_couriers().case,
            Intervention(driver="couriers", change="scale", amount=back),
            AddCouriers,
            {"share": back},
        ),
        (
            slow_stores().case,
            Intervention(driver="prep_s", change="to_baseline"),
            SpeedUpPreparation,
            {"factor": round(1 / slower, 4)},
        ),
    )
    for case, intervention, action, how in asked:
        result = ask(case, intervention)
        assert result.usable, result.reason
        true = truth(case, action(scope=case.where, start=case.window.start, **how))
        for metric in ("on_time", "fulfilment", "cancellation"):
            effect = result.effects[metric]
            assert effect.low <= true[metric] <= effect.high, (intervention, metric, effect, true[metric])
        assert result.effects["on_time"].estimate == pytest.approx(true["on_time"], abs=0.03)
        assert {"wait", "batched_share", "utilisation", "orders_per_courier_hour", "cost_per_order"} <= set(
            result.effects
        )


@pytest.mark.slow
def test_the_registered_tool_answers_the_same_twice() -> None:
    case = batching().case
    arguments = {
        "slice": case.where.model_dump(),
        "window": case.window.model_dump(),
        "intervention": BACK.model_dump(),
        "n_replications": 20,
    }
    context = ToolContext(case.dataset)
    first, second = (REGISTRY["simulate_dispatch"].call(context, arguments) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()
    assert "Infinity" not in first.model_dump_json()


def test_fewer_batches_need_more_courier_time() -> None:
    case, fleet, fitted = batching()
    arm = replay(fleet, fitted, case.dataset.mapping.on_time, seed=7).arm
    draws = draw(int(fleet.during.sum()), seed=1)
    levels = {
        level: play(fleet, fitted, changed(fleet, arm, BACK.model_copy(update={"level": level})), draws)
        for level in ("1", "2", "3", "4")
    }
    shares = [float((levels[level].size > 1).mean()) for level in "1234"]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    busy = [levels[level].utilisation or 0.0 for level in "1234"]
    assert busy == sorted(busy, reverse=True)
    on_time = {
        level: played.metrics(case.dataset.mapping.on_time)["on_time"] for level, played in levels.items()
    }
    assert on_time["2"] > on_time["3"] > on_time["4"]


@pytest.mark.slow
def test_other_levers_move_what_they_should() -> None:
    case, fleet, fitted = short_of_couriers()
    rule = case.dataset.mapping.on_time
    arm = replay(fleet, fitted, rule, seed=7).arm
    draws = draw(int(fleet.during.sum()), seed=1)
    now = play(fleet, fitted, arm, draws)

    def under(**intervention: object) -> Played:
        return play(fleet, fitted, changed(fleet, arm, Intervention.model_validate(intervention)), draws)

    fewer = under(driver="store_intake", change="scale", amount=-0.2)
    assert len(fewer.size) == pytest.approx(0.8 * len(now.size), rel=0.05)
    assert fewer.wait_s.mean() < now.wait_s.mean()
    longer = under(driver="promise_s", change="shift", amount=120)
    assert (now.lateness_s - longer.lateness_s).mean() == pytest.approx(120)
    slower = under(driver="prep_s", change="shift", amount=60)
    assert (slower.prep_s - now.prep_s).mean() == pytest.approx(60, rel=0.05)
    more = under(driver="couriers", change="scale", amount=0.3)
    assert more.wait_s.mean() < now.wait_s.mean()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"driver": "policy", "change": "set", "policy": "batching_threshold", "level": "9"}, "from 1 to 4"),
        ({"driver": "policy", "change": "set", "policy": "batching_threshold", "level": "on"}, "from 1 to 4"),
        ({"driver": "store_intake", "change": "scale", "amount": 0.2}, "never placed"),
        ({"driver": "unavailable_items", "change": "hide_below", "amount": 0.9}, "ask what_if"),
    ],
)
def test_what_it_does_not_know_is_refused(asked: dict[str, object], why: str) -> None:
    case, fleet, fitted = batching()
    arm = replay(fleet, fitted, case.dataset.mapping.on_time, seed=7).arm
    with pytest.raises(ToolFailure, match=why):
        changed(fleet, arm, Intervention.model_validate(asked))


@pytest.mark.slow
def test_more_couriers_need_snapshots_and_a_rollback_needs_a_change() -> None:
    blind = slow_stores().case.with_tables(supply_snapshots=None)
    more = Intervention(driver="couriers", change="scale", amount=0.2)
    with pytest.raises(ToolFailure, match="couriers_busy"):
        ask(blind, more)
    with pytest.raises(ToolFailure, match="no change of the batching policy"):
        ask(slow_stores().case, Intervention(driver="batched", change="to_baseline"))


@pytest.mark.slow
def test_where_the_replay_misses_there_are_no_effects() -> None:
    result = ask(
        late_without_a_cause(slow_stores().case), Intervention(driver="prep_s", change="to_baseline")
    )
    assert not result.usable
    assert result.effects == {}
    assert "off by" in result.reason
