"""How much of an incident is other kinds of orders, not worse service."""

import numpy as np
import numpy.typing as npt

from tools.decomposition import composition, decomposition
from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentArguments, IncidentFrame
from tools.rate_mix import RateMix, rate_mix
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
    """Kinds of orders compared: stores, or parts of region and category."""


@tool()
def mix_effect(context: ToolContext, arguments: IncidentArguments) -> MixEffectResult:
    """Whether the change comes from other kinds of orders instead of worse service."""
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    frame = parts.frame
    keep = frame.inside & ~np.isnan(parts.outcome)
    during, day = frame.during[keep], frame.day[keep]
    values, store = parts.outcome[keep], _stores(frame, keep)
    weight = _like_hours(composition(frame, keep)[0], during)
    split = _split(values, store, during, weight)
    spread = _day_spread(values, store, day, weight, ~during)
    days = len(np.unique(frame.day[keep & frame.during]))
    error = spread / np.sqrt(max(days, 1))
    return MixEffectResult(
        rate_share=float(np.clip(split.rate / split.total, -1.0, 2.0)) if split.total else 0.0,
        mix_share=float(np.clip(split.mix / split.total, -1.0, 2.0)) if split.total else 0.0,
        z=split.mix / error if error > 0 else 0.0,
        n_kinds=len(np.unique(store)),
    )


def _stores(frame: IncidentFrame, keep: Flags) -> Ints:
    names = (
        ["store_id"] if "store_id" in frame.rows else [n for n in ("region", "category") if n in frame.rows]
    )
    columns = [frame.rows[name].cat.codes.to_numpy()[keep] for name in names]
    return codes(*columns) if columns else np.zeros(int(keep.sum()), dtype=np.int64)


def _like_hours(hours: Ints, during: Flags) -> Floats:
    """Weights that give the baseline the incident's hours: which hours ran is not a mix of orders."""
    size = int(hours.max()) + 1
    before = np.bincount(hours[~during], minlength=size)
    after = np.bincount(hours[during], minlength=size)
    return np.where(during, 1.0, (after / np.maximum(before, 1))[hours])


def _split(values: Floats, cell: Ints, during: Flags, weight: Floats) -> RateMix:
    size = int(cell.max()) + 1
    rate0, orders0 = _rates(values[~during], cell[~during], weight[~during], size)
    rate1, orders1 = _rates(values[during], cell[during], weight[during], size)
    return rate_mix(
        rate0=np.where(orders0 > 0, rate0, rate1),
        rate1=np.where(orders1 > 0, rate1, rate0),
        share0=orders0 / orders0.sum(),
        share1=orders1 / orders1.sum(),
    )


def _rates(values: Floats, cell: Ints, weight: Floats, size: int) -> tuple[Floats, Floats]:
    orders: Floats = np.asarray(np.bincount(cell, weights=weight, minlength=size), dtype=np.float64)
    total: Floats = np.asarray(np.bincount(cell, weights=weight * values, minlength=size), dtype=np.float64)
    return np.divide(total, orders, out=np.zeros(size), where=orders > 0), orders


def _day_spread(values: Floats, cell: Ints, day: Ints, weight: Floats, before: Flags) -> float:
    """Standard deviation, between baseline days, of the harm that a day's mix alone predicts."""
    rate, _ = _rates(values[before], cell[before], weight[before], int(cell.max()) + 1)
    _, inverse = np.unique(day[before], return_inverse=True)
    orders = np.bincount(inverse, weights=weight[before])
    predicted = np.bincount(inverse, weights=weight[before] * rate[cell[before]])
    known = orders > 0
    return float((predicted[known] / orders[known]).std(ddof=1)) if known.sum() > 2 else 0.0
