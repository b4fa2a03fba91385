from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from data.slices import ALL_ORDERS, Slice
from data.world import World
from data.world.actions import (
    Action,
    AddCouriers,
    RaisePromise,
    SetBatchingThreshold,
    SpeedUpPreparation,
    SuppressProducts,
)

SF = Slice.parse({"region": "SF"})


def test_setting_the_threshold_back_undoes_the_fault(batching: World) -> None:
    assert batching.fault is not None
    undone = batching.run([SetBatchingThreshold(scope=batching.fault.scope, start=batching.onset, value=2)])
    twin = batching.twin()
    assert undone.tables["deliveries"].equals(twin.tables["deliveries"])


def test_an_action_changes_nothing_before_it_starts(none: World) -> None:
    base, start = none.run(), none.draws.grid.midnight("SF", 7)
    acted = none.run([AddCouriers(scope=SF, start=start, share=0.5)])
    left, right = (run.tables["deliveries"] for run in (base, acted))
    early = (base.tables["orders"]["order_time"] < start).to_numpy()
    assert left[early].equals(right[early])
    assert not left[~early].equals(right[~early])


def test_couriers_shorten_the_wait_and_cost_money(none: World) -> None:
    base, acted = (none.run(actions).metrics(SF) for actions in ((), (AddCouriers(scope=SF, share=0.5),)))
    assert acted["dasher_wait"] < base["dasher_wait"]
    assert acted["courier_cost"] == pytest.approx(1.5 * base["courier_cost"])


def test_a_longer_promise_loses_orders(none: World) -> None:
    base, acted = (none.run(actions).metrics(SF) for actions in ((), (RaisePromise(scope=SF, seconds=600),)))
    assert acted["orders"] / base["orders"] == pytest.approx(0.8, abs=0.02)
    assert acted["promise"] == pytest.approx(base["promise"] + 600, abs=40)


def test_suppressing_products_trades_selection_for_accuracy(none: World) -> None:
    base, acted = (none.run(a).metrics(SF) for a in ((), (SuppressProducts(scope=SF, below=0.96),)))
    assert acted["item_accuracy"] > base["item_accuracy"]
    assert acted["orders"] < base["orders"]


def test_helpers_speed_up_preparation_and_cost_money(none: World) -> None:
    base, acted = (none.run(a).metrics(SF) for a in ((), (SpeedUpPreparation(scope=SF, factor=0.8),)))
    assert acted["merchant_prep_time"] == pytest.approx(0.8 * base["merchant_prep_time"], rel=0.01)
    assert (base["helper_cost"], acted["helper_cost"]) == (0, 1.5 * acted["orders"])


def test_orders_of_two_runs_can_be_paired(none: World) -> None:
    base = none.run().tables["orders"].set_index("order_id")
    acted = none.run([RaisePromise(scope=ALL_ORDERS, seconds=300)]).tables["orders"].set_index("order_id")
    assert acted.index.isin(base.index).all()
    same = base.loc[acted.index]
    assert same["order_time"].equals(acted["order_time"])
    assert ((acted["promised_eta"] - same["promised_eta"]) >= timedelta(seconds=299)).mean() > 0.7


def test_actions_survive_json() -> None:
    adapter: TypeAdapter[Action] = TypeAdapter(Action)
    action = SetBatchingThreshold(scope=SF, value=3)
    assert adapter.validate_json(action.model_dump_json()) == action


@pytest.mark.parametrize("value", [0, 7])
def test_a_threshold_out_of_bounds_is_refused(value: int) -> None:
    with pytest.raises(ValidationError, match="value"):
        SetBatchingThreshold(scope=SF, value=value)


def test_an_unknown_scope_is_refused(none: World) -> None:
    with pytest.raises(ValueError, match="region='Mars'"):
        none.run([AddCouriers(scope=Slice.parse({"region": "Mars"}), share=0.1)])


def test_an_action_acts_in_its_spans_only(none: World) -> None:
    midnight = none.draws.grid.midnight("SF", 7)
    spans = tuple((midnight + timedelta(hours=h), midnight + timedelta(hours=h + 2)) for h in (18, 40))
    base, acted = none.run(), none.run([AddCouriers(scope=SF, during=spans[::-1], share=1.0)])
    moved = acted.levers.couriers != base.levers.couriers
    inside = [acted.select(SF, *span) for span in spans]
    assert moved[acted.journey.orders.cell].tolist() == (inside[0] | inside[1]).tolist()
    nowhere = none.run([AddCouriers(scope=SF, during=(), share=1.0)])
    assert nowhere.tables["deliveries"].equals(base.tables["deliveries"])


def test_spans_that_end_early_or_overlap_are_refused(none: World) -> None:
    midnight = none.draws.grid.midnight("SF", 7)
    one, two, three = (midnight + timedelta(hours=h) for h in range(3))
    with pytest.raises(ValidationError, match="must end after it starts"):
        AddCouriers(scope=SF, during=((two, one),), share=1.0)
    with pytest.raises(ValidationError, match="share the time"):
        AddCouriers(scope=SF, during=((one, three), (two, three)), share=1.0)


def test_an_action_without_spans_is_written_as_before() -> None:
    written = AddCouriers(scope=SF, share=1.0).model_dump(mode="json")
    assert set(written) == {"kind", "scope", "start", "share"}
    assert set(AddCouriers.model_json_schema()["properties"]) == {*written, "during"}
