"""A dataset: the tables of a source, clean, as known at a time."""

from collections.abc import Mapping as Frames
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from data.mapping import Mapping
from data.slices import Slice


@dataclass(frozen=True)
class PolicyChange:
    """One row of `policy_changes`, its scope parsed."""

    change_id: str
    policy: str
    scope: Slice
    changed_at: datetime
    old_value: str | None
    new_value: str | None


@dataclass(frozen=True)
class ContextEvent:
    """One row of `context_events`, its scope parsed."""

    kind: str
    scope: Slice
    start: datetime
    end: datetime
    value: float | None


class Dataset:
    """INTERFACE, filled in by data/."""

    fingerprint: str
    as_of: datetime
    mapping: Mapping
    dimensions: tuple[str, ...]

    @classmethod
    def open(
        cls, folder: Path, *, mapping: Mapping | None = None, as_of: datetime | None = None
    ) -> "Dataset": ...

    @classmethod
    def from_frames(
        cls,
        frames: Frames[str, pd.DataFrame],
        *,
        mapping: Mapping | None = None,
        as_of: datetime | None = None,
    ) -> "Dataset": ...

    def at(self, as_of: datetime) -> "Dataset": ...

    def has(self, name: str) -> bool: ...

    def require(self, *names: str) -> None: ...

    def facts(self) -> pd.DataFrame: ...

    def cells(self) -> pd.DataFrame: ...

    def policy_changes(self) -> tuple[PolicyChange, ...]: ...

    def context_events(self) -> tuple[ContextEvent, ...]: ...

    def supply(self) -> pd.DataFrame: ...

    def inventory(self) -> pd.DataFrame: ...
