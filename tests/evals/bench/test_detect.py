import numpy as np
import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldConfig
from evals.bench import planted
from evals.bench.detect import DetectReport, measure
from evals.bench.size import sizes
from server.detect_bench import misses
from tools.cohorts import in_slice


@pytest.fixture(scope="module")
def null() -> Dataset:
    run = World(WorldConfig(scenario="none", days=24, orders_per_day=9_000, seed=9)).run()
    return Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))


def test_mid_p_keeps_its_size_in_every_kind_of_slice() -> None:
    rows = sizes()
    assert len(rows) == 24
    assert all(0.003 <= row.rejected <= 0.010 for row in rows)
    assert max(row.naive for row in rows) > 0.03


def test_a_plant_turns_on_time_orders_of_its_slice_late(null: Dataset) -> None:
    plant = planted.draw(null, np.random.default_rng(1), drop=0.14)
    before, after = null.cells(), planted.PlantedData(null, plant, 3).cells()
    inside = in_slice(before, plant.slice)
    late = (before["on_time"] - after["on_time"]).to_numpy()
    assert late[~inside].sum() == 0
    hit = inside & (before["day"] >= plant.day).to_numpy()
    assert late[inside & ~hit].sum() == 0
    assert late[hit].sum() / before.loc[hit, "delivered"].sum() == pytest.approx(0.14, abs=0.05)


def test_an_earlier_view_shows_the_same_past(null: Dataset) -> None:
    plant = planted.draw(null, np.random.default_rng(2), drop=0.3)
    late, early = (planted.PlantedData(one, plant, 5).cells() for one in (null, null.at(plant.onset)))
    keys = [*null.dimensions, "day", "hour"]
    both = early.merge(late, on=keys, suffixes=("", "_late"))
    settled = both["delivered"] == both["delivered_late"]
    assert settled.mean() > 0.9
    assert (both["on_time"] == both["on_time_late"])[settled].all()


@pytest.mark.slow
def test_the_report_counts_what_was_run() -> None:
    report = measure("test", weeks=1, plants=1, workers=1)
    assert report.null_weeks.total == 3
    assert sum(row.plants for row in report.bins) + report.demo_size.plants == 4
    assert DetectReport.model_validate_json(report.model_dump_json()) == report
    worse = report.model_copy(update={"null_slices_per_day": 1.0})
    assert any("slices a null day" in text for text in misses(worse))
