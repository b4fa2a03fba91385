"""The metrics of a run, for the truth: rates, the CX Score and money.

The shape of the score is that of the product (`tools.metrics`), which this room may not import; a test
holds the two together.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from data.world.arrays import Bools, Ints
from data.world.journey import Journey

ON_TIME_S: Final = 300
HOUR_S: Final = 3600
DELIVERY_H: Final = 3
REFUND_H: Final = 24
SUPPORT_H: Final = 24
RATING_H: Final = 48


class Component(NamedTuple):
    """One part of the CX Score."""

    weight: float
    floor: float
    """The rate that scores 0."""
    target: float
    """The rate that scores 100."""


COMPONENTS: Final[Mapping[str, Component]] = MappingProxyType(
    {
        "on_time": Component(0.30, 0.60, 0.98),
        "item_accuracy": Component(0.25, 0.80, 0.99),
        "cancellation": Component(0.15, 0.15, 0.01),
        "refund": Component(0.15, 0.20, 0.01),
        "support_contact": Component(0.10, 0.20, 0.01),
        "rating": Component(0.05, 0.50, 0.95),
    }
)


def cx_score(rates: Mapping[str, float]) -> float:
    """The CX Score of rates, 0 to 100; absent components are left out.

    Example:
        >>> cx_score({"on_time": 0.79})
        50.0
    """
    known = {name: part for name, part in COMPONENTS.items() if not np.isnan(rates.get(name, np.nan))}
    points = {
        name: 100 * min(max((rates[name] - part.floor) / (part.target - part.floor), 0.0), 1.0)
        for name, part in known.items()
    }
    weight = sum(part.weight for part in known.values())
    if not weight:
        return float("nan")
    return round(sum(known[name].weight * points[name] for name in known) / weight, 6)


def rates(journey: Journey, chosen: Bools) -> dict[str, float]:
    """The rates of some orders; NaN where there is nothing to count.

    An outcome counts if it happened within the age at which its metric is mature.

    Args:
        journey: what happened.
        chosen: which orders.
    """
    orders, reactions = journey.orders, journey.reactions
    late, delivered = orders.lateness_s, chosen & ~orders.canceled
    in_time = (orders.settled - orders.time) <= DELIVERY_H * HOUR_S
    lines = delivered[journey.lines.order]
    good = ~(journey.lines.substituted | journey.lines.missing)
    contacted = reactions.contacted & _within(reactions.contact_time, orders.time, SUPPORT_H)
    rated = delivered & reactions.rated & _within(reactions.rating_time, orders.time, RATING_H)
    found = {
        "orders": float(chosen.sum()),
        "on_time": _share(np.abs(late) <= ON_TIME_S, delivered & in_time),
        "eta_error": _mean(np.abs(late), delivered),
        "item_accuracy": _share(good, lines),
        "cancellation": _share(orders.canceled, chosen),
        "refund": _share(_refunded(journey), chosen),
        "support_contact": _share(contacted, chosen),
        "rating": _mean(reactions.stars - 1, rated) / 4,
        "fulfilment": _mean(late + orders.promise_s, delivered),
        "batched_share": _share(orders.batch_size > 1, chosen),
        "dasher_wait": _mean(orders.wait_s, chosen),
        "merchant_prep_time": _mean(orders.prep_s, chosen),
        "promise": _mean(orders.promise_s, chosen),
        "basket_value": float(orders.basket_cents[chosen].sum() / 100),
        "refunded_value": float(journey.lines.refund_cents[chosen[journey.lines.order]].sum() / 100),
    }
    return {**found, "cx_score": cx_score(found)}


def _refunded(journey: Journey) -> Bools:
    orders, lines = journey.orders, journey.lines
    counted = (lines.refund_cents > 0) & _within(lines.refunded, orders.time[lines.order], REFUND_H)
    return np.bincount(lines.order[counted], minlength=orders.time.size) > 0


def _within(event: Ints, since: Ints, hours: int) -> Bools:
    return np.asarray(event - since <= hours * HOUR_S)


def _share(flags: Bools, chosen: Bools) -> float:
    total = int(chosen.sum())
    return float(flags[chosen].sum() / total) if total else float("nan")


def _mean(values: Ints, chosen: Bools) -> float:
    total = int(chosen.sum())
    return float(values[chosen].sum() / total) if total else float("nan")
