"""One declarative comparison of a value, as policy rules and playbooks write it in YAML."""

import math
from typing import TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

Scalar: TypeAlias = StrictBool | StrictInt | StrictFloat | StrictStr
Number: TypeAlias = StrictInt | StrictFloat


class Comparison(BaseModel):
    """Exactly one of `is, is_not, in, above, at_least, below, at_most`, or two that make a range.

    Example:
        >>> Comparison.model_validate({"above": 2}).compare(3.5)
        True
        >>> Comparison.model_validate({"is": True}).compare(1) is None  # another kind of value
        True
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    equals: Scalar | None = Field(None, alias="is")
    differs: Scalar | None = Field(None, alias="is_not")
    one_of: tuple[Scalar, ...] | None = Field(None, alias="in", min_length=1)
    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None

    @model_validator(mode="after")
    def _compares(self) -> "Comparison":
        named = [name for name in Comparison.model_fields if getattr(self, name) is not None]
        lower = {"above", "at_least"} & set(named)
        upper = {"below", "at_most"} & set(named)
        if not named or (len(named) > 1 and not (len(lower) == len(upper) == 1 and len(named) == 2)):
            raise ValueError(f"write one comparison, or a lower and an upper bound, not {named}")
        return self

    def compare(self, value: object) -> bool | None:
        """True or False; None where the value is missing or of another kind than it is compared with."""
        if self.equals is not None:
            return _same(value, self.equals)
        if self.differs is not None:
            same = _same(value, self.differs)
            return None if same is None else not same
        if self.one_of is not None:
            answers = {_same(value, choice) for choice in self.one_of}
            return True if True in answers else False if False in answers else None
        return self._in_range(value)

    def _in_range(self, value: object) -> bool | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return None
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )


def _same(value: object, expected: Scalar) -> bool | None:
    kinds = (bool, int | float, str)
    kind = next(k for k in kinds if isinstance(expected, k))
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return value == expected if fits else None
