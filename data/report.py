"""The result of checking a dataset: the `--json` shape of `cx data check`."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from data.rules import RuleId


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TableReport(_Model):
    """One table of the contract, as it was found."""

    table: str
    level: Literal["required", "core", "optional"]
    present: bool
    origin: str | None
    """Files that it comes from."""
    rows: int
    """Rows read."""
    usable: int
    """Rows that break no rule."""
    left_out: int
    """Rows that the mapping says do not belong to the table."""
    missing_columns: tuple[str, ...]
    """Columns of the contract that are absent."""
    empty_columns: tuple[str, ...]
    """Columns without a single value; treated as absent."""


class BrokenRule(_Model):
    """A rule and the rows that break it; these rows are quarantined."""

    table: str
    column: str
    rule: RuleId
    meaning: str
    rows: int
    examples: tuple[str, ...]
    """At most three."""


class CheckReport(_Model):
    """What is there, what is missing, what that makes untestable, what is broken."""

    mapping: str
    """Name of the mapping used."""
    tables: tuple[TableReport, ...]
    broken: tuple[BrokenRule, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    """From the mapping."""
    untestable: dict[str, str] = {}
    """Hypothesis: what is absent. Filled in by the caller, who knows what each one needs."""

    @property
    def clean(self) -> bool:
        """Whether no row breaks a rule."""
        return not self.broken

    @property
    def quarantine(self) -> Mapping[str, int]:
        """Quarantined rows by `table.column: rule`."""
        return {f"{b.table}.{b.column}: {b.rule}": b.rows for b in self.broken}
