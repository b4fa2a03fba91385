import numpy as np
import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.world import World, WorldConfig
from tools import relative
from tools.detection import Frame, prepare
from tools.settings import AnalysisSettings
from tools.signals import Signal, build


@pytest.fixture(scope="module")
def frame() -> Frame:
    run = World(WorldConfig(scenario="none", days=20, orders_per_day=8_000, seed=5)).run()
    dataset = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    return prepare(dataset, grain="day", settings=AnalysisSettings())


@pytest.fixture(scope="module")
def signal(frame: Frame) -> Signal:
    everything = np.ones(len(frame.cube.day), dtype=bool)
    ripe = [frame.ripe[metric.maturity] for metric in frame.metrics]
    heard = build(frame.cells, frame.cube, frame.metrics, ripe=ripe, history=everything, span=frame.span)
    return next(one for one in heard if one.metric.id == "on_time")


def test_relative_takes_out_what_a_whole_place_shares(frame: Frame, signal: Signal) -> None:
    hit = (frame.cube.columns["region"] == "SF") & (frame.cube.day == 18)
    shocked = Signal(
        signal.metric,
        np.where(hit, 3 * signal.expected, signal.harm),
        signal.trials,
        signal.expected,
        signal.support,
    )
    (adjusted,) = relative.relative(frame.cube, [shocked])
    plain = shocked.harm[hit].sum() / signal.expected[hit].sum()
    left = shocked.harm[hit].sum() / adjusted.expected[hit].sum()
    assert plain == pytest.approx(3.0)
    assert 0.9 < left < 1.5


def test_relative_leaves_the_excess_of_one_slice(frame: Frame, signal: Signal) -> None:
    mine = (frame.cube.columns["region"] == "SF") & (frame.cube.columns["category"] == "grocery")
    hit = mine & (frame.cube.day == 18)
    broken = Signal(
        signal.metric,
        np.where(hit, 3 * signal.expected, signal.expected),
        signal.trials,
        signal.expected,
        signal.support,
    )
    (adjusted,) = relative.relative(frame.cube, [broken])
    assert broken.harm[hit].sum() / adjusted.expected[hit].sum() == pytest.approx(3.0, rel=1e-6)


def test_rest_shares_no_value_of_another_dimension(frame: Frame) -> None:
    """Counted by hand on one row: all rows of its place, day and near hours with another category."""
    ones = np.ones(len(frame.cube.day))
    rest = relative._rest(frame.cube, ones)  # the sum that everything rests on
    row = int(np.flatnonzero(frame.cube.hour == 12)[7])
    cube = frame.cube
    near = (cube.day == cube.day[row]) & (abs(cube.hour - cube.hour[row]) <= 1)
    others = [name for name in cube.leaf.dims if name != relative.PLACE]
    apart = np.all([cube.columns[name] != cube.columns[name][row] for name in others], axis=0)
    same_place = cube.columns["region"] == cube.columns["region"][row]
    assert rest[row] == pytest.approx(float((near & same_place & apart).sum()))


def test_within_place_keeps_no_whole_place(frame: Frame) -> None:
    kept = relative.within_place(frame.cube).families
    assert all(set(one.dims) - {"region"} for one in kept)
    assert relative.comparable(frame.cube)
