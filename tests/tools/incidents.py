"""Incidents and detections to try rules on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from data.slices import Slice
from tools.incidents import DetectionReport, Incident, Kind, Point, Series, Severity, Window
from tools.metrics import CX_INDEX

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
"""The first day of the series that detections made here have."""
DEMO = {"category": "grocery", "region": "SF", "hour": {"from": 18, "to": 20}}


def make(
    id: str = "a",
    *,
    slice: dict[str, Any] | None = None,
    first: int = 10,
    last: int = 13,
    **fields: object,
) -> Incident:
    """An incident from the local hours of its slice on day `first` to those on the day before `last`."""
    where = Slice.parse(DEMO if slice is None else slice)
    hour = where.hour
    start = BEGIN + timedelta(days=first, hours=hour.start if hour else 0)
    end = BEGIN + timedelta(days=last - 1, hours=hour.end if hour else 24)
    usual: dict[str, Any] = {
        "kind": Kind.CX,
        "metric": "on_time",
        "baseline": 0.92,
        "current": 0.78,
        "delta": -0.14,
        "z": -9.0,
        "q_value": 0.0,
        "severity": Severity.MEDIUM,
        "affected_orders": 100 * (last - first),
        "top_slices": (),
    }
    return Incident(id=id, slice=where, window=Window(start=start, end=end), onset=start, **(usual | fields))


def detection(*incidents: Incident, days: int = 13) -> DetectionReport:
    """A detection over `days` closed days."""
    points = tuple(
        Point(t=BEGIN + timedelta(days=day), value=90.0, expected=90.0, low=89.0, high=91.0, orders=100)
        for day in range(days)
    )
    return DetectionReport(
        incidents=incidents,
        series=(Series(metric=CX_INDEX, points=points),),
        fingerprint="f" * 32,
        as_of=BEGIN + timedelta(days=days, hours=3),
    )
