"""Detection as a whole: what is reported, where, since when, and what is not."""

from typing import cast

import numpy as np
import pytest

from data.dataset import Dataset
from data.errors import DataError
from data.mapping import Mapping
from data.slices import Slice
from data.world import World, WorldConfig
from evals.bench.planted import Plant, PlantedData
from tools.buckets import moment_of
from tools.detection import detect
from tools.incidents import Incident, Kind

SF_GROCERY = Slice.parse({"region": "SF", "category": "grocery", "hour": {"from": 18, "to": 20}})


@pytest.fixture(scope="module")
def demo() -> tuple[World, Dataset]:
    world = World(WorldConfig(scenario="batching", days=30, orders_per_day=12_000, seed=21))
    run = world.run()
    return world, Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))


@pytest.fixture(scope="module")
def null() -> Dataset:
    run = World(WorldConfig(scenario="none", days=24, orders_per_day=12_000, seed=22)).run()
    return Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))


def _plant(data: Dataset, slice_: Slice, *, drop: float, seed: int, days: int = 3) -> Dataset:
    """The data with on-time orders of a slice turned late in its last days."""
    zone = data.mapping.zone_of(slice_.get("region"))
    day = int(data.cells()["day"].max()) - days
    plant = Plant(slice_, moment_of(zone, day), day, drop, 0.0)
    return cast("Dataset", PlantedData(data, plant, seed))


def _cx(data: Dataset) -> tuple[Incident, ...]:
    return tuple(i for i in detect(data).incidents if i.kind is Kind.CX)


def test_the_demo_is_one_incident_in_its_exact_slice(demo: tuple[World, Dataset]) -> None:
    world, data = demo
    (incident,) = detect(data).incidents
    assert incident.slice == SF_GROCERY
    assert incident.metric == "on_time"
    assert world.onset is not None
    assert 0 <= (incident.onset - world.onset).total_seconds() <= 19 * 3600
    assert incident.delta < -0.10
    assert incident.q_value < 0.01


def test_days_and_hours_agree_on_one_incident(demo: tuple[World, Dataset]) -> None:
    _, data = demo
    daily, hourly = detect(data, grain="day").incidents, detect(data, grain="hour").incidents
    assert [(i.id, i.slice, i.onset) for i in daily] == [(i.id, i.slice, i.onset) for i in hourly]


def test_a_planted_drop_is_found_where_it_is(null: Dataset) -> None:
    assert _cx(null) == ()
    where = Slice.parse({"region": "NYC", "category": "restaurant", "hour": {"from": 12, "to": 15}})
    (incident,) = _cx(_plant(null, where, drop=0.15, seed=1))
    assert incident.slice == where


def test_two_overlapping_incidents_are_told_apart(null: Dataset) -> None:
    wide = Slice.parse({"region": "LA"})
    narrow = Slice.parse({"region": "SF", "category": "grocery", "hour": {"from": 17, "to": 20}})
    both = _plant(_plant(null, wide, drop=0.08, seed=2), narrow, drop=0.25, seed=3)
    found = {str(i.slice) for i in _cx(both)}
    assert str(narrow) in found
    assert "region=LA" in found
    assert len(found) == 2


@pytest.mark.parametrize(
    ("region", "hours"), [("NYC", None), ("SF", None), ("NYC", (17, 21)), ("SF", (12, 16))]
)
def test_the_trouble_of_a_whole_place_is_not_taken_apart(
    null: Dataset, region: str, hours: tuple[int, int] | None
) -> None:
    """Its categories do not suffer quite alike; those that suffer most must not be named instead of the place."""
    of_day = {"hour": {"from": hours[0], "to": hours[1]}} if hours else {}
    where = Slice.parse({"region": region} | of_day)
    found = _cx(_plant(null, where, drop=0.16 if hours else 0.12, seed=7))
    assert [incident.slice for incident in found] == [where]


def test_of_equally_severe_incidents_the_one_that_lasts_comes_first(null: Dataset) -> None:
    """The larger one is over for days: whoever looks in the morning can do nothing about it."""
    large, small = Slice.parse({"region": "LA"}), Slice.parse({"region": "SF", "category": "grocery"})
    last = int(null.cells()["day"].max())

    class Over(PlantedData):
        def cells(self) -> object:  # type: ignore[override]  # the same frame, the last days as they were
            whole, before = super().cells(), null.cells()
            whole.loc[whole["day"] >= last - 4, "on_time"] = before["on_time"]
            return whole

    zone = null.mapping.zone_of("LA")
    past = Plant(large, moment_of(zone, last - 8), last - 8, 0.12, 0.0)
    both = _plant(cast("Dataset", Over(null, past, 2)), small, drop=0.15, seed=3)
    found = _cx(both)
    assert {str(one.slice) for one in found} == {str(large), str(small)}
    assert len({one.severity for one in found}) == 1
    assert found[0].slice == small
    assert found[0].affected_orders < found[1].affected_orders


def test_an_improvement_is_labelled_and_raises_nothing(null: Dataset) -> None:
    cells = null.cells()

    class Improved(PlantedData):
        def cells(self) -> object:  # type: ignore[override]  # the same frame, some values better
            better = cells.copy()
            hit = (better["region"] == "SF").to_numpy() & (better["day"] >= cells["day"].max() - 3).to_numpy()
            better.loc[hit, "on_time"] = better.loc[hit, "delivered"]
            return better

    report = detect(cast("Dataset", Improved(null, None, 0)))
    assert report.incidents == ()
    (better,) = report.improvements
    assert (better.metric, str(better.slice)) == ("on_time", "region=SF")
    assert better.delta > 0.03
    assert better.z > 3


def test_a_slice_of_three_orders_is_not_tested(null: Dataset) -> None:
    """A category with three orders a day, all of them late, is no incident: it cannot be told from chance."""
    run = World(WorldConfig(scenario="none", days=24, orders_per_day=3_000, seed=23)).run()
    tables = dict(run.tables)
    orders = tables["orders"].copy()
    day = orders["order_time"].dt.floor("D")
    rare = orders.groupby(day).cumcount() < 3
    orders["category"] = orders["category"].astype(str).where(~rare, "flowers")
    late = set(orders.loc[rare & (day >= day.max() - np.timedelta64(3, "D")), "order_id"])
    deliveries = tables["deliveries"].copy()
    hit = deliveries["order_id"].isin(late)
    deliveries.loc[hit, "actual_eta"] += np.timedelta64(2, "h")
    tables |= {"orders": orders, "deliveries": deliveries}
    found = detect(Dataset.from_frames(tables, mapping=Mapping(zones=dict(run.zones)))).incidents
    assert not [i for i in found if i.slice.get("category") == "flowers"]


def test_a_metric_without_a_denominator_is_left_out() -> None:
    run = World(WorldConfig(scenario="none", days=20, orders_per_day=2_000, seed=24)).run()
    tables = dict(run.tables)
    tables["ratings"] = tables["ratings"].head(0)
    report = detect(Dataset.from_frames(tables, mapping=Mapping(zones=dict(run.zones))))
    assert report.incidents == ()
    rating = [s for s in report.series if s.metric == "rating"]
    assert all(point.value is None for series in rating for point in series.points)


def test_too_few_days_say_how_many_are_needed() -> None:
    run = World(WorldConfig(scenario="none", days=9, orders_per_day=1_000, seed=25)).run()
    with pytest.raises(DataError, match="at least 15"):
        detect(Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones))))
