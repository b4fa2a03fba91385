"""The test that `mechanism_shift` makes of a driver, ready to be made again at other dates and in other places.

What the driver's parents explain is learned once; only the orders that are compared change.
"""

from dataclasses import dataclass, replace
from typing import Self

from tools.decomposition import Decomposition, Track, carried_alone, track_of
from tools.incident_frame import Flags, Floats, IncidentFrame
from tools.mechanism_shift import HARMFUL, own_rows, track_at_load, values_of
from tools.shift import Shift


@dataclass(frozen=True)
class Strength:
    """How strongly a driver moved; positive is harmful."""

    z: float
    """In standard errors between days."""
    change: float
    """In the driver's own unit."""

    def reaches(self, other: "Strength") -> bool:
        """Whether it is as strong as another: as far beyond chance, and as large."""
        return self.z >= other.z and self.change >= other.change


@dataclass(frozen=True)
class DriverTest:
    """A driver by order of a frame, and how it is read by itself."""

    frame: IncidentFrame
    driver: str
    values: Floats
    alone: Flags
    """Carried alone, shape (rows,)."""
    busy: Floats | None
    """Orders per courier, shape (rows,), where batching is read at like load; otherwise None."""

    @classmethod
    def of(cls, frame: IncidentFrame, parts: Decomposition, driver: str, busy: Floats | None = None) -> Self:
        """The test on a frame of the same data as the incident's decomposition.

        Args:
            frame: the incident's, or one with a longer past.
            parts: the incident's decomposition.
            driver: as `mechanism_shift` names it.
            busy: orders per courier by row of the frame, where the driver is read at like load; otherwise None.

        Raises:
            ToolFailure: the data do not have the driver.
        """
        return cls(frame, driver, values_of(frame, parts, driver), carried_alone(frame), busy)

    def track(self) -> Track | None:
        """The driver given its parents, over the frame's slice; None where too few orders have a known load."""
        if self.busy is not None:
            return track_at_load(self.frame, self.busy)
        rows = self.frame.inside & own_rows(self.frame, self.alone, self.driver)
        return track_of(self.frame, self.values, rows)

    def within(self, slice_rows: Flags) -> Self:
        """The same test in another slice of the frame."""
        return replace(self, frame=replace(self.frame, inside=slice_rows))

    def strength(self, shift: Shift) -> Strength:
        """A shift of this driver, signed by harm."""
        sign = HARMFUL.get(self.driver, 1.0)
        return Strength(sign * shift.z, sign * shift.change)
