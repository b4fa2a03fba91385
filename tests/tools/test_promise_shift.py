"""Promises against reality: what the old promise would have made of the orders that were late."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from data.dataset import Dataset
from data.mapping import Mapping
from data.slices import Slice
from tools.incident_frame import IncidentArguments
from tools.promise_shift import PromiseShiftResult, promise_shift
from tools.registry import ToolContext

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS, A_DAY = 28, 60
ONSET = START + timedelta(days=25)


def world(*, shorter_s: float = 0.0, slower_s: float = 0.0) -> Dataset:
    """Orders whose promise follows the distance, as delivery does; from the onset on something is different."""
    rng = np.random.default_rng(5)
    minute = np.tile(np.arange(A_DAY) * 24 * 60 // A_DAY, DAYS)
    placed = [
        START + timedelta(days=int(d), minutes=int(m))
        for d, m in zip(np.repeat(np.arange(DAYS), A_DAY), minute, strict=True)
    ]
    after = np.array([moment >= ONSET for moment in placed])
    distance = rng.uniform(1_000, 9_000, len(placed))
    promised = 1_200.0 + 0.3 * distance - shorter_s * after
    took = 1_200.0 + 0.3 * distance + rng.normal(0, 150, len(placed)) + slower_s * after
    ids = [f"o{n}" for n in range(len(placed))]
    orders = pd.DataFrame(
        {
            "order_id": ids,
            "order_time": placed,
            "region": "north",
            "store_id": "s1",
            "promised_eta": [t + timedelta(seconds=float(s)) for t, s in zip(placed, promised, strict=True)],
        }
    )
    deliveries = pd.DataFrame(
        {
            "order_id": ids,
            "actual_eta": [t + timedelta(seconds=float(s)) for t, s in zip(placed, took, strict=True)],
            "distance": distance,
            "canceled_flag": False,
        }
    )
    return Dataset.from_frames(
        {"orders": orders, "deliveries": deliveries}, mapping=Mapping(zones={"north": "UTC"})
    )


def asked(dataset: Dataset, metric: str = "on_time") -> PromiseShiftResult:
    arguments = IncidentArguments(
        metric=metric, slice=Slice(values=(("region", "north"),)), start=ONSET, end=START + timedelta(days=28)
    )
    return promise_shift(ToolContext(dataset), arguments)


@pytest.mark.parametrize("metric", ["on_time", "eta_error", "cx_index"])
def test_with_the_old_promise_the_whole_worsening_is_gone(metric: str) -> None:
    found = asked(world(shorter_s=400.0), metric)
    assert found.promise_change_s == pytest.approx(-400.0, abs=150.0)
    assert found.explained_share == pytest.approx(1.0, abs=0.25)


def test_slower_delivery_is_not_explained_by_promises() -> None:
    found = asked(world(slower_s=400.0))
    assert found.fulfilment_change_s == pytest.approx(400.0, abs=150.0)
    assert abs(found.explained_share) < 0.25
    assert found.promise_part_share < 0.5


def test_a_metric_that_is_not_made_of_punctuality_is_not_explained_order_by_order() -> None:
    assert asked(world(slower_s=400.0), "fulfilment").explained_share == 0.0
