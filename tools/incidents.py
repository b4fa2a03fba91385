"""Incidents and the report of a detection run: the `--json` shape of `cx detect`."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from data.slices import Slice

Share = Annotated[float, Field(ge=0, le=1)]


class Severity(StrEnum):
    """How bad: impact on the CX index x orders x persistence."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Kind(StrEnum):
    """A regression customers feel, or a fault in the data themselves."""

    CX = "cx"
    DATA_QUALITY = "data_quality"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Window(_Model):
    """A half-open span of UTC time."""

    start: datetime
    end: datetime


class SliceDelta(_Model):
    """One regressing slice, as the table of top slices shows it."""

    slice: Slice
    delta: float
    """Current minus baseline, in the metric's unit (shares for rates)."""
    low: float
    high: float
    q_value: Share
    share: float
    """Share of the whole change that this slice explains."""
    orders: int


class Incident(_Model):
    """A metric that left its expected range in a slice for a time."""

    id: str
    """Stable: derived from the fingerprint, metric, slice and onset."""
    kind: Kind
    metric: str
    slice: Slice
    window: Window
    """From the onset to the end of the last period in which it was seen."""
    onset: datetime
    baseline: float
    current: float
    delta: float
    z: float
    """Standard score of the whole window, over-dispersion included; negative is worse for customers."""
    q_value: Share
    """After false-discovery control over everything that was tested."""
    severity: Severity
    affected_orders: int
    """Orders of the slice within the window."""
    top_slices: tuple[SliceDelta, ...]
    planned: str | None = None
    """Name of the planned event that it happened in; its severity is then low."""


class Point(_Model):
    """One period of a series."""

    t: datetime
    value: float | None
    expected: float | None
    low: float | None
    high: float | None
    orders: int


class Series(_Model):
    """A metric over time, all orders, with its expected range."""

    metric: str
    points: tuple[Point, ...]


class Improvement(_Model):
    """A slice that is clearly better than expected in the newest days; it is no incident."""

    metric: str
    slice: Slice
    days: int
    baseline: float
    current: float
    delta: float
    """Current minus baseline, in the metric's unit."""
    z: float
    """Positive: better for customers."""
    orders: int


class DetectionReport(_Model):
    """Everything that one detection run found."""

    incidents: tuple[Incident, ...]
    """Worst first."""
    series: tuple[Series, ...]
    fingerprint: str
    as_of: datetime
    improvements: tuple[Improvement, ...] = ()
    """What got better in the newest days, clearest first; labelled as such, never an incident."""


Grain = Literal["hour", "day"]
