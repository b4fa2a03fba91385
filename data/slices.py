"""A slice: a conjunction of `dimension = value` and a contiguous range of local hours.

Everything that names a part of the business uses it: incidents, cohorts, policy scopes, interventions.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class HourRange(BaseModel):
    """Local hours from `from` (included) to `to` (excluded); 22 to 5 wraps over midnight."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: Annotated[int, Field(alias="from", ge=0, le=23)]
    end: Annotated[int, Field(alias="to", ge=1, le=24)]

    @model_validator(mode="after")
    def _not_empty(self) -> "HourRange":
        if self.start == self.end:
            raise ValueError(
                f"hour range {self.start} to {self.end} is empty; leave it out for the whole day"
            )
        return self

    @property
    def hours(self) -> tuple[int, ...]:
        """The hours in the range, in order of time.

        Example:
            >>> HourRange(start=22, end=1).hours
            (22, 23, 0)
        """
        length = (self.end - self.start) % 24 or 24
        return tuple((self.start + step) % 24 for step in range(length))

    @model_serializer
    def _as_json(self) -> dict[str, int]:
        return {"from": self.start, "to": self.end}

    def __str__(self) -> str:
        return f"{self.start:02d}-{self.end:02d}h"


class Slice(BaseModel):
    """A part of the business; the empty slice is all of it.

    Example:
        >>> slice_ = Slice.parse({"category": "grocery", "hour": {"from": 18, "to": 20}})
        >>> str(slice_)
        'category=grocery, 18-20h'
        >>> slice_.model_dump()
        {'category': 'grocery', 'hour': {'from': 18, 'to': 20}}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: tuple[tuple[str, str], ...] = ()
    """`(dimension, value)` pairs, sorted by dimension."""
    hour: HourRange | None = None

    @field_validator("values")
    @classmethod
    def _sorted_and_unique(cls, values: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        names = [name for name, _ in values]
        if len(set(names)) < len(names):
            raise ValueError(f"slice names a dimension twice: {names}")
        return tuple(sorted(values))

    @model_validator(mode="before")
    @classmethod
    def _from_json(cls, value: object) -> object:
        if isinstance(value, Mapping) and not {"values"} & set(value):
            plain = {str(name): text for name, text in value.items() if name != "hour"}
            bad = [name for name, text in plain.items() if not isinstance(text, str | int)]
            if bad:
                raise ValueError(f"slice dimension {bad[0]!r} must be one value, not {plain[bad[0]]!r}")
            return {"values": tuple((n, str(t)) for n, t in plain.items()), "hour": value.get("hour")}
        return value

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> "Slice":
        """The slice of a JSON object such as a policy's scope."""
        return cls.model_validate(value)

    @model_serializer
    def _as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = dict(self.values)
        return plain if self.hour is None else {**plain, "hour": self.hour.model_dump()}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        hours = {"type": "integer", "minimum": 0, "maximum": 24}
        hour = {
            "type": "object",
            "properties": {"from": hours, "to": hours},
            "required": ["from", "to"],
            "additionalProperties": False,
            "description": "Local hours, from included, to excluded.",
        }
        return {
            "type": "object",
            "title": "Slice",
            "description": 'dimension = value, and an hour range: {"region": "SF", "hour": {"from": 18, "to": 20}}',
            "properties": {"hour": hour},
            "additionalProperties": {"type": "string"},
        }

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions it fixes, `hour` last."""
        names = tuple(name for name, _ in self.values)
        return names if self.hour is None else (*names, "hour")

    def get(self, dimension: str) -> str | None:
        """The value it fixes for a dimension, or None."""
        return dict(self.values).get(dimension)

    def contains(self, other: "Slice") -> bool:
        """Whether every order of `other` is an order of this slice."""
        wider = set(self.values) <= set(other.values)
        if self.hour is None:
            return wider
        return wider and other.hour is not None and set(other.hour.hours) <= set(self.hour.hours)

    def overlaps(self, other: "Slice") -> bool:
        """Whether one order could belong to both."""
        mine, theirs = dict(self.values), dict(other.values)
        if any(mine[name] != theirs[name] for name in mine.keys() & theirs.keys()):
            return False
        if self.hour is None or other.hour is None:
            return True
        return bool(set(self.hour.hours) & set(other.hour.hours))

    def __str__(self) -> str:
        parts = [f"{name}={value}" for name, value in self.values]
        parts += [str(self.hour)] if self.hour else []
        return ", ".join(parts) or "all orders"


ALL_ORDERS = Slice()
