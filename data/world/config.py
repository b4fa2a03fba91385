"""What a world is made from: nothing else decides its bytes."""

from datetime import date, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from data.world.faults import SCENARIOS
from data.world.structure import Structure

WATCH_DAYS: Final = 7
"""The watch window: the last days of a world."""

ONSET_DAY_OF_WATCH: Final = 3
"""Faults start at local midnight of this day of the watch window, counted from one."""

MAX_SEED: Final = 2**63 - 1


class WorldConfig(BaseModel):
    """The settings of a world; the same settings give the same bytes.

    Example:
        >>> WorldConfig(scenario="batching").onset_day
        30
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    scenario: str = "none"
    """Which fault is in it; see `data.world.faults.SCENARIOS`."""
    days: Annotated[int, Field(ge=1, le=730)] = 35
    """Local days of orders."""
    orders_per_day: Annotated[int, Field(ge=1, le=5_000_000)] = 12_000
    """Expected orders a day, over all regions."""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 7
    """Decides every draw."""
    start: date = date(2026, 1, 5)
    """The first local day."""
    size: Annotated[float | None, Field(gt=0)] = None
    """Size of the fault in its own unit; None draws it from the committed distribution."""

    ramp_days: Annotated[int, Field(ge=0, le=30)] = 0
    """Days over which the fault grows to its size; 0 is at once."""
    fault_days: Annotated[int | None, Field(ge=1)] = None
    """After so many days the fault is over; None is never."""
    after_days: Annotated[int, Field(ge=0, le=365)] = 0
    """How many of the days lie after the watch window: the world goes on, under the fault or what is done about it."""
    noise: Annotated[float, Field(gt=0, le=5)] = 1.0
    """Multiple of the slow noise of demand, supply, traffic and mood."""
    structure: Structure = Structure.DECLARED
    """Form of the mechanisms."""

    @field_validator("scenario")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in SCENARIOS:
            raise ValueError(f"unknown scenario {name!r}; known: {', '.join(SCENARIOS)}")
        return name

    @property
    def onset_day(self) -> int:
        """Index of the first day under the fault; 0 in a world too short for a baseline."""
        return max(self.days - self.after_days - WATCH_DAYS + ONSET_DAY_OF_WATCH - 1, 0)

    @property
    def last_day(self) -> int:
        """Index of the day after the last one under the fault."""
        return self.days if self.fault_days is None else min(self.onset_day + self.fault_days, self.days)

    @property
    def onset_date(self) -> date:
        """Local date of the first day under the fault."""
        return self.start + timedelta(days=self.onset_day)
