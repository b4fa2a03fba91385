"""What a fault is, and those that any data can have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from data.slices import Slice
from evals.semi.history import Flags, History, Place

SCOPES: Final = (("region",), ("category",), ("category", "region"))
Inject = Callable[[np.random.Generator, History, Place], History]


@dataclass(frozen=True)
class Fault:
    """One way in which things go wrong.

    Example:
        >>> Fault("nothing", "other", {"on_time": 1.0}, lambda _rng, history, _place: history).cause
        'other'
    """

    name: str
    cause: str
    """The true hypothesis where its tables are there; `other` where no table shows it."""
    metrics: Mapping[str, float]
    """Metrics in which it may be noticed, by how often."""
    inject: Inject
    scopes: tuple[tuple[str, ...], ...] = SCOPES
    """Dimensions that its scope may fix; one of them is drawn."""
    some_hours: bool = True
    """Whether its scope may be some hours only."""


POLICIES: Final = ("hand_over_check", "id_check", "cut_off_time", "seal_required", "route_plan", "staff_plan")
"""Names of made-up changes; none of batching, which these data cannot show."""


def some(rng: np.random.Generator, rows: Flags, low: float, high: float) -> Flags:
    """A random part of some rows; its share is drawn between two bounds."""
    share = rng.uniform(low, high)
    return np.asarray(rows & (rng.random(len(rows)) < share))


def recorded(inject: Inject) -> Inject:
    """The same injection, with a recorded change of its scope and onset."""

    def both(rng: np.random.Generator, history: History, place: Place) -> History:
        return with_changes(inject(rng, history, place), [change(rng, place.scope, place.onset)])

    return both


def change(rng: np.random.Generator, scope: Slice, moment: datetime) -> dict[str, object]:
    """A row of `policy_changes`."""
    old = int(rng.integers(1, 5))
    return {
        "change_id": f"change-{int(rng.integers(10**9)):09d}",
        "policy": str(rng.choice(POLICIES)),
        "scope": scope.model_dump_json(),
        "changed_at": pd.Timestamp(moment),
        "old_value": str(old),
        "new_value": str(old + int(rng.integers(1, 4))),
    }


def with_changes(history: History, rows: list[dict[str, object]]) -> History:
    """A history with further recorded changes."""
    if not rows:
        return history
    found = pd.DataFrame(rows)
    known = history.changes
    both = found if known is None else pd.concat([known, found], ignore_index=True)
    return replace(history, changes=both.sort_values("changed_at", ignore_index=True))
