"""Since when a slice has been quiet: the rule that calls an incident recovered.

An incident is quiet once `QUIET_DAYS` complete days have closed, one after the other, after the last local day on
which it was seen. One good day does not end it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from tools.incidents import DetectionReport, Incident, Point
from tools.metrics import CX_INDEX

QUIET_DAYS: Final = 2
_DAY: Final = timedelta(days=1)
_HALF: Final = timedelta(hours=12)


def is_quiet(incident: Incident, report: DetectionReport) -> bool:
    """Whether enough days have closed since the incident was last seen."""
    after = _midnight(_end_of_day(incident))
    points = _points(incident, report)
    if not points:
        return report.as_of - _end_of_day(incident) >= QUIET_DAYS * _DAY
    return sum(day >= after for day in _closed_days(points)) >= QUIET_DAYS


def _end_of_day(incident: Incident) -> datetime:
    """End of the local day on which it was last seen."""
    hour = incident.slice.hour
    rest = 0 if hour is None or hour.end < hour.start else 24 - hour.end
    return incident.window.end + timedelta(hours=rest)


def _points(incident: Incident, report: DetectionReport) -> Sequence[Point]:
    by_metric = {series.metric: series.points for series in report.series}
    return by_metric.get(incident.metric) or by_metric.get(CX_INDEX) or ()


def _closed_days(points: Sequence[Point]) -> list[datetime]:
    """Dates, as UTC midnights, of which every period has a value."""
    step = min((b.t - a.t for a, b in pairwise(points)), default=_DAY)
    size = max(round(_DAY / step), 1)
    blocks = [points[start : start + size] for start in range(0, len(points), size)]
    return [
        _midnight(block[0].t)
        for block in blocks
        if len(block) == size and all(point.value is not None for point in block)
    ]


def _midnight(moment: datetime) -> datetime:
    """The UTC midnight nearest to a local one: the date, whatever the zone."""
    near = moment.astimezone(UTC) + _HALF
    return near.replace(hour=0, minute=0, second=0, microsecond=0)
