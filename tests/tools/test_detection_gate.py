"""Detection on records that are wrong, and on days that were planned to be odd."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from data.calendar import PlannedEvent
from data.dataset import Dataset
from data.errors import DataError
from data.mapping import Mapping
from data.slices import Slice
from data.world.config import WorldConfig
from data.world.world import World
from tests.tools.records import Bools, Frames, dataset, healthy, local, on, repeated, silenced, without
from tools.detection import detect
from tools.incidents import Incident, Kind, Severity
from tools.settings import AnalysisSettings

pytestmark = pytest.mark.slow
SF = Slice.parse({"region": "SF"})


@pytest.fixture(scope="module")
def frames() -> Frames:
    return healthy()


def event(first: int, last: int, scope: Slice, config: WorldConfig | None = None) -> AnalysisSettings:
    start = (config or WorldConfig()).start
    days = (start + timedelta(days=first), start + timedelta(days=last))
    return AnalysisSettings(
        calendar=(PlannedEvent(kind="promotion", name="Sale", scope=scope, start=days[0], end=days[1]),)
    )


def only(found: tuple[Incident, ...]) -> Incident:
    (incident,) = found
    return incident


@pytest.mark.parametrize("table", ["support_events", "deliveries"])
def test_a_silent_table_is_a_data_incident_alone(frames: Frames, table: str) -> None:
    incident = only(detect(dataset(silenced(frames, table, lambda o: on(o, 20, 21)))).incidents)
    assert (incident.kind, incident.metric) == (Kind.DATA_QUALITY, f"{table}_feed")
    assert incident.severity is Severity.HIGH
    assert incident.window.end - incident.window.start == timedelta(days=2, hours=3)


def test_a_gap_is_a_data_incident_of_its_hours(frames: Frames) -> None:
    def lost(orders: pd.DataFrame) -> Bools:
        time = local(orders).dt.strftime("%H:%M")
        return np.asarray(on(orders, 20) & np.asarray((time >= "18:00") & (time < "19:30")), dtype=bool)

    incident = only(detect(dataset(without(frames, lost))).incidents)
    assert (incident.kind, str(incident.slice)) == (Kind.DATA_QUALITY, "18-20h")


def test_a_feed_recorded_twice_is_a_data_incident_alone(frames: Frames) -> None:
    incident = only(detect(dataset(repeated(frames, lambda o: on(o, 20)))).incidents)
    assert (incident.kind, incident.metric) == (Kind.DATA_QUALITY, "order_copies")
    assert incident.affected_orders > 10_000


def test_a_store_that_opened_yesterday_raises_nothing(frames: Frames) -> None:
    store = str(frames["orders"]["store_id"].iloc[0])
    young = without(frames, lambda o: (o["store_id"].astype(str) == store).to_numpy(dtype=bool) & ~on(o, 27))
    assert detect(dataset(young)).incidents == ()


def test_a_change_of_the_clocks_raises_nothing() -> None:
    assert detect(dataset(healthy(start="2026-02-16"))).incidents == ()


def test_a_planned_surge_is_labelled_and_low(frames: Frames) -> None:
    many = dataset(repeated(frames, lambda o: on(o, 20), times=5, jitter=True))
    assert only(detect(many).incidents).severity is Severity.HIGH
    found = detect(many, settings=event(20, 20, Slice())).incidents
    assert "order_volume" in {incident.metric for incident in found}
    assert {(incident.planned, incident.severity) for incident in found} == {("Sale", Severity.LOW)}


def test_trouble_in_a_planned_event_is_labelled_and_low() -> None:
    config = WorldConfig(scenario="batching", seed=7, orders_per_day=6000)
    run = World(config).run()
    data = Dataset.from_frames(run.tables, mapping=Mapping(zones=dict(run.zones)))
    bare = only(detect(data).incidents)
    assert bare.planned is None
    assert bare.severity is not Severity.LOW
    within = only(detect(data, settings=event(config.onset_day, config.days - 1, SF, config)).incidents)
    assert (within.planned, within.severity) == ("Sale", Severity.LOW)
    assert (within.metric, within.slice.values) == (bare.metric, bare.slice.values)
    short = only(detect(data, settings=event(config.onset_day, config.onset_day + 1, SF, config)).incidents)
    assert (short.planned, short.severity) == (None, bare.severity)


def test_a_scope_that_the_data_do_not_know_is_refused(frames: Frames) -> None:
    with pytest.raises(DataError, match="names 'city'"):
        detect(dataset(frames), settings=event(20, 20, Slice.parse({"city": "SF"})))
