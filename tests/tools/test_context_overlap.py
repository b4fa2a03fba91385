"""Recorded events: what these very ones cost, and what earlier ones cost."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from tools.context_overlap import ContextOverlapResult, context_overlap
from tools.incident_frame import IncidentArguments
from tools.registry import ToolContext

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS, HOURS, AN_HOUR = 28, range(8, 22), 12
ONSET = 25
NORTH = '{"region": "north"}'


def storm(day: int, hour: int, hours: int = 2) -> dict[str, object]:
    start = START + timedelta(days=day, hours=hour)
    return {"kind": "storm", "scope": NORTH, "start": start, "end": start + timedelta(hours=hours)}


EARLIER = [storm(3, 14), storm(9, 14), storm(15, 14)]
NOW = [storm(25, 14), storm(26, 14), storm(27, 14)]


def world(*, harm_s: float, where: str, events: list[dict[str, object]]) -> Dataset:
    """Orders that are late by `harm_s` more: `storm` on storm days from the storm on, `all` in the whole incident."""
    rng = np.random.default_rng(11)
    stormy = {(e["start"] - START).days: e["start"].hour for e in events if isinstance(e["start"], datetime)}
    rows: list[tuple[str, datetime, float]] = []
    for day in range(DAYS):
        for hour in HOURS:
            for n in range(AN_HOUR):
                placed = START + timedelta(days=day, hours=hour, minutes=n * 60 // AN_HOUR)
                hit = hour >= stormy.get(day, 24) if where == "storm" else day >= ONSET
                took = 1_800.0 + float(rng.normal(0, 200)) + harm_s * hit
                rows.append((f"o{len(rows)}", placed, took))
    frame = pd.DataFrame(rows, columns=["order_id", "order_time", "took"])
    orders = frame[["order_id", "order_time"]].assign(
        region="north", store_id="s1", promised_eta=frame["order_time"] + pd.Timedelta(seconds=1_800)
    )
    deliveries = pd.DataFrame(
        {
            "order_id": frame["order_id"],
            "actual_eta": frame["order_time"] + pd.to_timedelta(frame["took"].round(), unit="s"),
            "canceled_flag": False,
        }
    )
    tables = {"orders": orders, "deliveries": deliveries, "context_events": pd.DataFrame(events)}
    return Dataset.from_frames(tables, mapping=Mapping(zones={"north": "UTC"}))


def asked(dataset: Dataset) -> ContextOverlapResult:
    arguments = IncidentArguments(
        metric="on_time",
        slice=Slice(values=(("region", "north"),)),
        start=START + timedelta(days=ONSET),
        end=START + timedelta(days=DAYS),
    )
    return context_overlap(ToolContext(dataset), arguments)


def test_a_storm_explains_what_is_late_from_it_on() -> None:
    found = asked(world(harm_s=600.0, where="storm", events=NOW))
    assert found.explained_share == pytest.approx(1.0, abs=0.15)
    assert found.z > 4
    assert found.past_effect_ratio is None
    assert found.covered_share == pytest.approx(8 / 14, abs=0.01)


def test_a_worsening_outside_of_the_storm_as_well_is_not_its_doing() -> None:
    """That earlier storms cost nothing speaks against it, too, but what is seen at the time decides."""
    found = asked(world(harm_s=600.0, where="all", events=[*EARLIER, *NOW]))
    assert abs(found.explained_share) < 0.15
    assert found.present_effect_ratio == pytest.approx(0.0, abs=0.3)
    assert found.past_effect_ratio == pytest.approx(0.0, abs=0.3)


def test_where_a_storm_covers_everything_earlier_ones_tell() -> None:
    whole = [storm(day, 0, 24) for day in (25, 26, 27)]
    found = asked(world(harm_s=600.0, where="storm", events=[storm(3, 0, 24), storm(9, 0, 24), *whole]))
    assert found.present_effect_ratio is None
    assert found.explained_share == pytest.approx(1.0, abs=0.25)


def test_events_that_were_as_common_before_explain_nothing() -> None:
    daily = [storm(day, 14) for day in range(DAYS)]
    assert asked(world(harm_s=600.0, where="all", events=daily)).explained_share == 0.0


def test_no_event_at_the_time() -> None:
    found = asked(world(harm_s=600.0, where="all", events=EARLIER))
    assert (found.kind, found.explained_share, found.n_kinds) == (None, 0.0, 0)
