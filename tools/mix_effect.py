"""How much of an incident is other kinds of orders, not worse service."""

import numpy as np
import numpy.typing as npt

from tools.decomposition import composition, decomposition
from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentArguments, IncidentFrame
from tools.rate_mix import RateMix, kitagawa
from tools.registry import Result, ToolContext, tool
from tools.shift import codes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class MixEffectResult(Result):
    """Kitagawa's two parts of the change of harm; positive is worse."""

    rate_share: float
    """Part of the change from the same kinds of orders becoming worse; 0 where nothing changed."""
    mix_share: float
    """Part of the change from more orders of kinds that are always worse."""
    z: float
    """Of the mix part, against what the mix of single days does in the baseline."""
    n_kinds: int
    """Kinds of orders compared: store (or category and region) by daypart and weekend."""


@tool()
def mix_effect(context: ToolContext, arguments: IncidentArguments) -> MixEffectResult:
    """Whether the change comes from other kinds of orders instead of worse service."""
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    frame = parts.frame
    keep = frame.inside & ~np.isnan(parts.outcome)
    cell = codes(*(group for group in _kinds(frame, keep)))
    split = _split(parts.outcome[keep], cell, frame.during[keep])
    spread = _day_spread(parts.outcome[keep], cell, frame.during[keep], frame.day[keep])
    days = len(np.unique(frame.day[keep & frame.during]))
    error = spread / np.sqrt(max(days, 1))
    return MixEffectResult(
        rate_share=float(np.clip(split.rate / split.total, -1.0, 2.0)) if split.total else 0.0,
        mix_share=float(np.clip(split.mix / split.total, -1.0, 2.0)) if split.total else 0.0,
        z=split.mix / error if error > 0 else 0.0,
        n_kinds=int(cell.max()) + 1,
    )


def _kinds(frame: IncidentFrame, keep: Flags) -> tuple[Ints, ...]:
    """Hour blocks instead of hours, so that cells hold enough orders."""
    groups = list(composition(frame, keep))
    hour = frame.rows["hour"].to_numpy(dtype=np.int64)[keep] // 4
    weekend = (frame.rows["weekday"].to_numpy() >= 5)[keep]
    return (codes(hour, weekend), *groups[1:])


def _split(values: Floats, cell: Ints, during: Flags) -> RateMix:
    before, after = _table(values[~during], cell[~during], cell), _table(values[during], cell[during], cell)
    rate_before = np.where(before[1] > 0, before[0], after[0])
    rate_after = np.where(after[1] > 0, after[0], before[0])
    return kitagawa(rate_before, rate_after, before[1], after[1])


def _table(values: Floats, own: Ints, cell: Ints) -> tuple[Floats, Floats]:
    size = int(cell.max()) + 1
    count = np.bincount(own, minlength=size).astype(np.float64)
    return np.bincount(own, weights=values, minlength=size) / np.maximum(count, 1.0), count


def _day_spread(values: Floats, cell: Ints, during: Flags, day: Ints) -> float:
    """Standard deviation, between baseline days, of the harm that a day's mix alone predicts."""
    before = ~during
    rate, _ = _table(values[before], cell[before], cell)
    _, inverse = np.unique(day[before], return_inverse=True)
    predicted = np.bincount(inverse, weights=rate[cell[before]]) / np.bincount(inverse)
    return float(predicted.std(ddof=1)) if len(predicted) > 2 else 0.0
