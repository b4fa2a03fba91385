"""Published data read through the shipped mappings; skipped where they are not on this machine."""

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from data.dataset import Dataset
from data.errors import DataError
from data.mapping import shipped

SHARED = Path(os.environ.get("CX_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published data at {SHARED}; set CX_SHARED_DATA"),
]


@cache
def flights() -> Dataset:
    return Dataset.open(SHARED / "flights_2013", mapping=shipped()["flights_2013"])


def test_flights_become_orders_with_promise_and_outcome() -> None:
    dataset = flights()
    assert dataset.report.clean
    assert {t.table: t.usable for t in dataset.report.tables if t.present} == {
        "orders": 336_776,
        "deliveries": 336_776,
        "context_events": 880,
    }
    assert dataset.dimensions == ("region", "category", "dest")
    cells = dataset.cells()
    assert cells["canceled"].sum() == 8_255
    # The recorded delays, to the minute; one flight came more than a day after its schedule.
    assert cells["delivered"].sum() == 327_346 - 1
    assert not dataset.has("ratings")


def test_flights_have_local_hours_and_days() -> None:
    facts = flights().facts()
    first = facts.iloc[0]
    assert first["order_id"] == "UA-1545-EWR-IAH-20130101T10Z-15"
    assert (first["hour"], first["lateness_s"]) == (5, 660)
    assert facts["day"].nunique() == 365


def test_flights_show_the_february_snowstorm() -> None:
    days = flights().cells().groupby("day")[["canceled", "outcome_known"]].sum()
    share = days["canceled"] / days["outcome_known"]
    storm = {
        (datetime(2013, 2, d, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(days=1)
        for d in (8, 9)
    }
    assert set(share.nlargest(2).index) == storm


def test_food_sample_measures_fulfilment_only() -> None:
    dataset = Dataset.open(SHARED / "doordash_sample", mapping=shipped()["doordash_sample"])
    facts = dataset.facts()
    assert "on_time" not in facts
    assert "canceled" not in facts
    assert 2400 < facts["fulfilment_s"].sum() / facts["fulfilled"].sum() < 3600
    assert dataset.has("supply_snapshots")
    assert sum(dataset.quarantine.values()) == 9


@pytest.mark.parametrize("mapped", [True, False])
def test_parcels_without_times_are_refused(mapped: bool) -> None:
    mapping = shipped()["ecommerce_shipping"] if mapped else None
    with pytest.raises(DataError, match=r"no times at all|none of their columns holds times"):
        Dataset.open(SHARED / "ecommerce_shipping", mapping=mapping)
