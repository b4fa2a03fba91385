"""The calendar of planned events: holidays, promotions and whatever else people know beforehand.

A file names them once; detection then neither learns from those days nor is surprised by them.
`docs/calendar.md` shows how to write one.
"""

import re
from collections.abc import Mapping as Dict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from data.errors import DataError
from data.slices import ALL_ORDERS, Slice

_EPOCH: Final = date(1970, 1, 1)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PlannedEvent(_Model):
    """Something that is known to make some days unlike others.

    Example:
        >>> event = PlannedEvent(kind="promotion", name="Black Friday", start="2026-11-27", end="2026-11-28")
        >>> event.days("America/New_York")
        (20784, 20786)
    """

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """`holiday`, `promotion`, or another word in lower case."""
    name: Annotated[str, Field(min_length=1, max_length=80)]
    """What people call it."""
    scope: Slice = ALL_ORDERS
    """Where it is felt, like a slice; everywhere if left out."""
    start: datetime | date
    """Its first local day, or a time with a zone."""
    end: datetime | date
    """Its last local day, or the time with a zone at which it is over."""
    note: str = ""

    @field_validator("start", "end", mode="before")
    @classmethod
    def _plain_date(cls, value: object) -> object:
        return date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else value

    @field_validator("start", "end")
    @classmethod
    def _with_zone(cls, value: datetime | date) -> datetime | date:
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(
                f"{value.isoformat()} has no zone; write {value.isoformat()}Z, an offset, or a plain date"
            )
        return value

    @model_validator(mode="after")
    def _in_order(self) -> "PlannedEvent":
        timed = isinstance(self.start, datetime)
        if timed != isinstance(self.end, datetime):
            raise ValueError("start and end must both be dates, or both be times")
        if self.end < self.start or (timed and self.end == self.start):
            raise ValueError(f"end {self.end.isoformat()} does not lie after start {self.start.isoformat()}")
        return self

    def days(self, zone: str) -> tuple[int, int]:
        """Its first local day and the day after its last, in days since 1970-01-01."""
        first, last = _day(self.start, zone), _day(self.end, zone, before=True)
        return first, max(last, first) + 1


class Calendar(_Model):
    """What a calendar file holds."""

    events: tuple[PlannedEvent, ...] = ()

    @field_validator("events")
    @classmethod
    def _names_differ(cls, value: tuple[PlannedEvent, ...]) -> tuple[PlannedEvent, ...]:
        names = [event.name for event in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two events are called {twice[0]!r}; incidents are labelled with the name")
        return value


def load(path: Path) -> tuple[PlannedEvent, ...]:
    """The events of a calendar file.

    Raises:
        DataError: the file is absent, unreadable or malformed; says where and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such calendar file; docs/calendar.md shows how to write one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text: {error}") from error
    return parse(text, origin=str(path))


def parse(text: str, *, origin: str = "calendar") -> tuple[PlannedEvent, ...]:
    """The events of a YAML text.

    Raises:
        DataError: it is not YAML, or not a calendar.

    Example:
        >>> parse("events: [{kind: holiday, name: New Year, start: 2027-01-01, end: 2027-01-01}]")[0].name
        'New Year'
    """
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise DataError(f"{origin}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(value, Dict):
        raise DataError(f"{origin}: a calendar holds `events:` and a list of them; see docs/calendar.md")
    try:
        return Calendar.model_validate(dict(value)).events
    except ValidationError as error:
        raise DataError(f"{origin}: {_explain(error)}") from error


def _explain(error: ValidationError) -> str:
    said = []
    for problem in error.errors(include_input=False):
        where = ".".join(str(part) for part in problem["loc"] if part not in ("datetime", "date"))
        text = f"{where or 'calendar'}: {problem['msg'].removeprefix('Value error, ')}"
        said.append(text)
    return "; ".join(dict.fromkeys(said))


def _day(moment: datetime | date, zone: str, *, before: bool = False) -> int:
    if isinstance(moment, datetime):
        local = moment.astimezone(ZoneInfo(zone))
        # An end at midnight belongs to the day that it ends.
        moment = (local - timedelta(microseconds=1) if before else local).date()
    return (moment - _EPOCH).days
