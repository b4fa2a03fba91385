"""Checks that accompany an estimate: an estimate without them is not a result."""

from pydantic import BaseModel, ConfigDict


class CheckResult(BaseModel):
    """One check of an estimate."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str
    passed: bool | None
    """None: could not be checked; the text says why."""
    text: str
