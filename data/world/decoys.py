"""Policy changes that change nothing: every world has them, and some fall close to where faults begin.

Their draws know nothing of the scenario, so they tell nothing about it.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from data.slices import HourRange, Slice
from data.world.catalog import CATEGORY_NAMES
from data.world.regions import REGION_SHARES, REGIONS
from data.world.streams import Stream, stream

_KINDS: Final = (
    ("ui_copy", "checkout-v11", "checkout-v12"),
    ("eta_display", "minutes", "range"),
    ("promo_banner", "off", "weekend"),
    ("store_hours_config", "2025-12", "2026-01"),
    ("menu_layout", "list", "grid"),
    ("search_ranking", "r41", "r42"),
    ("courier_app_version", "8.3", "8.4"),
    ("batching_threshold", "2", "2"),
    ("batching_radius_cap_miles", "9", "8"),
    ("dispatch_service_build", "5120", "5127"),
)
_SOURCES: Final = ("config-service", "deploy-log", "release-notes")
_CLOSE_HOURS: Final = 40.0
_HOURS: Final = (HourRange(start=11, end=15), HourRange(start=16, end=22), HourRange(start=17, end=21))


class PolicyChange(NamedTuple):
    """One row of the change log."""

    changed_at: datetime
    policy: str
    scope: str
    """JSON."""
    old_value: str
    new_value: str
    source: str


def scope_text(scope: Slice) -> str:
    """A scope as the change log writes it."""
    return json.dumps(scope.model_dump(), sort_keys=True)


def draw(*, seed: int, begin: datetime, end: datetime, onset: datetime) -> tuple[PolicyChange, ...]:
    """The decoys of a world.

    Args:
        seed: the world's seed.
        begin: start of the world.
        end: its end.
        onset: where a fault would begin; one or two decoys fall close to it.
    """
    rng = stream(seed, Stream.DECOYS)
    span = (end - begin).total_seconds()
    anywhere = [begin + timedelta(seconds=float(s)) for s in rng.uniform(0, span, int(rng.integers(5, 10)))]
    offsets = rng.uniform(-_CLOSE_HOURS, _CLOSE_HOURS, int(rng.integers(1, 3)))
    close = [onset + timedelta(hours=float(h)) for h in offsets]
    times = [min(max(t, begin), end - timedelta(minutes=1)) for t in anywhere + close]
    return tuple(_change(rng, at) for at in times)


def _change(rng: np.random.Generator, at: datetime) -> PolicyChange:
    policy, old, new = _KINDS[int(rng.integers(len(_KINDS)))]
    source = _SOURCES[int(rng.integers(len(_SOURCES)))]
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    return PolicyChange(at, policy, scope_text(_scope(rng)), old, new, source)


def _scope(rng: np.random.Generator) -> Slice:
    region = str(REGIONS[int(rng.choice(len(REGIONS), p=REGION_SHARES))])
    category = CATEGORY_NAMES[int(rng.integers(len(CATEGORY_NAMES)))]
    values = {"region": region, "category": category}
    kept = {name: value for name, value in values.items() if rng.random() < 0.6}
    hour = _HOURS[int(rng.integers(len(_HOURS)))] if rng.random() < 0.3 else None
    return Slice(values=tuple(kept.items()), hour=hour)
