"""What-if on a simulated incident, against the world's own twin."""

import pandas as pd
import pytest
from pydantic import ValidationError

from data.dataset import Dataset
from data.errors import NotTestableError
from data.mapping import Mapping, OnTime
from data.slices import Slice
from data.world import ZONES
from tests.tools.worlds import case
from tools.errors import ToolFailure
from tools.gcomputation import UnsupportedError
from tools.incidents import Incident, Window
from tools.interventions import Intervention, orders_between, pose, rows_in
from tools.metrics import METRICS
from tools.promise import punctuality
from tools.registry import REGISTRY, ToolContext
from tools.settings import AnalysisSettings
from tools.whatif import WhatIfResult, estimate, rates

BACK = Intervention(driver="policy", change="set", policy="batching_threshold", level="2")


def _ask(scene: object, intervention: Intervention, *, where: Slice | None = None) -> WhatIfResult:
    dataset, incident = _parts(scene)
    return estimate(
        dataset,
        where=where or incident.slice,
        window=incident.window,
        intervention=intervention,
        settings=AnalysisSettings(),
    )


def _parts(scene: object) -> tuple[Dataset, Incident]:
    return scene.dataset, scene.incident  # type: ignore[attr-defined]  # the fixture's named tuple


def _truth(scene: object) -> dict[str, float]:
    dataset, incident = _parts(scene)
    twin: Dataset = scene.twin  # type: ignore[attr-defined]
    now, without = (
        rates(f[rows_in(f, incident.slice) & orders_between(f, incident.window)])
        for f in (dataset.facts(), twin.facts())
    )
    return {name: without[name] - now[name] for name in now}


def test_rolling_the_policy_back_is_estimated_as_the_twin_world_shows(batching: object) -> None:
    result, truth = _ask(batching, BACK), _truth(batching)
    for metric in ("on_time", "cancellation"):
        effect = result.effects[metric]
        assert effect.low <= truth[metric] <= effect.high
        assert effect.estimate == pytest.approx(truth[metric], abs=0.04)
    assert result.effects["cx_score"].low > 5
    assert result.effects["cx_index"].estimate == pytest.approx(
        100
        * sum(
            METRICS[n].weight * e.estimate * (1 if METRICS[n].better == "higher" else -1)
            for n, e in result.effects.items()
            if n in METRICS
        )
        / sum(METRICS[n].weight for n in result.observed),
        rel=1e-6,
    )
    assert "load" in result.adjusted_for
    assert result.blocks == ("region", "day")


def test_rolling_the_policy_back_has_its_price(batching: object) -> None:
    result = _ask(batching, BACK)
    assert result.efficiency["orders_per_trip"].high < 0
    assert result.efficiency["orders_per_courier_hour"].unit == "orders_per_courier_hour"
    assert result.efficiency["courier_cost_per_order"].unit == "usd_per_order"
    pool = result.efficiency["pool_efficiency"]
    assert -5 < pool.low <= pool.estimate <= pool.high < 5
    assert any(guard.metric == "conversion" for guard in result.not_testable)


def test_what_other_adjustments_say_widens_the_interval_and_moves_nothing(batching: object) -> None:
    dataset, incident = _parts(batching)
    where, window, settings = incident.slice, incident.window, AnalysisSettings()
    doubted, sampled = (
        estimate(dataset, where=where, window=window, intervention=BACK, settings=settings, doubted=doubted)
        for doubted in (True, False)
    )
    for name, effect in doubted.effects.items():
        assert effect.estimate == pytest.approx(sampled.effects[name].estimate)
        assert effect.high - effect.low >= sampled.effects[name].high - sampled.effects[name].low
    assert doubted.effects["on_time"].high > sampled.effects["on_time"].high


def test_a_level_never_seen_is_refused(batching: object) -> None:
    unseen = BACK.model_copy(update={"level": "3"})
    with pytest.raises(UnsupportedError, match="0%"):
        _ask(batching, unseen)


def test_a_policy_never_changed_there_is_refused(batching: object, elsewhere: Slice) -> None:
    with pytest.raises(ToolFailure, match="no change of 'surge_price'"):
        _ask(batching, BACK.model_copy(update={"policy": "surge_price"}))


def test_batch_size_as_before_finds_about_the_same_without_the_change_log(batching: object) -> None:
    by_log, by_driver = (
        _ask(batching, BACK),
        _ask(batching, Intervention(driver="batch_size", change="to_baseline")),
    )
    ratio = by_driver.effects["on_time"].estimate / by_log.effects["on_time"].estimate
    assert 0.5 < ratio < 1.5
    assert by_driver.efficiency["orders_per_trip"].estimate < 0


def test_a_longer_promise_is_recomputed_and_silent_about_cancellation(batching: object) -> None:
    result = _ask(batching, Intervention(driver="promise_s", change="shift", amount=120))
    assert "cancellation" not in result.effects
    silent = {guard.metric for guard in result.not_testable}
    assert {"cancellation", "conversion"} <= silent
    assert result.efficiency == {}


def test_more_couriers_cost_courier_hours(batching: object) -> None:
    result = _ask(batching, Intervention(driver="couriers", change="scale", amount=0.1))
    assert result.efficiency["orders_per_courier_hour"].estimate < 0
    assert result.efficiency["courier_cost_per_order"].estimate > 0
    assert -10 < result.efficiency["pool_efficiency"].estimate < 0


def test_fewer_orders_cost_orders(batching: object) -> None:
    result = _ask(batching, Intervention(driver="store_intake", change="scale", amount=-0.2))
    assert result.efficiency["orders_taken"].estimate == -0.2
    assert -20 < result.efficiency["pool_efficiency"].estimate < 0


@pytest.mark.parametrize("driver", ["prep_s", "dasher_wait_s", "batched"])
def test_drivers_back_to_baseline_help(batching: object, driver: str) -> None:
    result = _ask(batching, Intervention.model_validate({"driver": driver, "change": "to_baseline"}))
    assert result.effects["on_time"].estimate > 0
    assert 0 < result.coverage_share <= 1


def test_shorter_preparation_by_seconds_helps(batching: object) -> None:
    result = _ask(batching, Intervention(driver="prep_s", change="shift", amount=-120))
    assert result.effects["fulfilment"].estimate < 0


def test_what_the_data_do_not_hold_is_not_testable() -> None:
    world = case("inventory")
    tables = {name: rows for name, rows in world.tables.items() if name != "inventory_events"}
    dataset = Dataset.from_frames(tables, mapping=Mapping(zones=dict(ZONES)))
    asked = Intervention(driver="unavailable_items", change="hide_below", amount=0.9)
    with pytest.raises(NotTestableError, match="inventory_events"):
        estimate(
            dataset,
            where=world.incident.slice,
            window=world.incident.window,
            intervention=asked,
            settings=AnalysisSettings(),
        )


def test_doubtful_products_that_are_not_offered_are_missed_less_and_sold_less() -> None:
    world = case("inventory")
    asked = Intervention(driver="unavailable_items", change="hide_below", amount=0.9)
    found = estimate(
        world.dataset,
        where=world.incident.slice,
        window=world.incident.window,
        intervention=asked,
        settings=AnalysisSettings(),
    )
    assert found.effects["item_accuracy"].estimate > 0
    sold = found.efficiency["lines_sold"]
    assert -1 < sold.low < 0 == sold.high
    assert found.efficiency["selection_coverage"].estimate == sold.low
    assert any(guard.metric == "conversion" for guard in found.not_testable)


def test_no_traffic_is_said(batching: object, elsewhere: Slice) -> None:
    empty = Slice.parse(dict(elsewhere.values) | {"region": "ATLANTIS"})
    with pytest.raises(ToolFailure, match="no orders"):
        _ask(batching, BACK, where=empty)
    with pytest.raises(ToolFailure, match="'planet'"):
        _ask(batching, BACK, where=Slice.parse({"planet": "mars"}))


def test_window_before_the_data_has_no_baseline(batching: object) -> None:
    dataset, incident = _parts(batching)
    first = dataset.facts()["order_time"].iloc[0].to_pydatetime()
    window = Window(start=first, end=incident.window.start)
    with pytest.raises(ToolFailure, match="baseline"):
        pose(
            dataset,
            where=incident.slice,
            window=window,
            intervention=BACK,
            settings=AnalysisSettings(),
        )


def test_tool_gives_the_same_bytes_twice(batching: object) -> None:
    dataset, incident = _parts(batching)
    context = ToolContext(dataset)
    arguments = {
        "slice": incident.slice.model_dump(),
        "window": incident.window.model_dump(mode="json"),
        "intervention": BACK.model_dump(),
    }
    first, second = (REGISTRY["what_if"].call(context, arguments) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()


@pytest.mark.parametrize(
    "bad",
    [
        {"driver": "policy", "change": "set"},
        {"driver": "policy", "change": "shift", "amount": 3},
        {"driver": "prep_s", "change": "shift"},
        {"driver": "prep_s", "change": "shift", "amount": 0},
        {"driver": "couriers", "change": "scale", "amount": -1},
        {"driver": "couriers", "change": "to_baseline"},
        {"driver": "weather", "change": "set"},
    ],
)
def test_impossible_interventions_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Intervention.model_validate(bad)


def test_early_orders_count_as_late_only_where_the_rule_says_so() -> None:
    rows = pd.DataFrame({"lateness_s": [-400, 100], "delivered": [1, 1]})
    strict = punctuality(rows, add_s=0, rule=OnTime(early_s=300, late_s=300))
    lenient = punctuality(rows, add_s=0, rule=OnTime(early_s=None, late_s=300))
    assert strict["on_time"].tolist() == [0.0, 1.0]
    assert lenient["on_time"].tolist() == [1.0, 1.0]
