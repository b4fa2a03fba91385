"""What an incident has cost so far, and costs with every further day.

Late and cancelled orders beyond what was usual at the same hours, days and stores are counted at the unit costs of the
settings; refunds are counted as they were paid. It is a sum for people to weigh an action against: nothing is decided
by it.
"""

from math import sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tools.decomposition import shift_of
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments, IncidentFrame, incident_frame
from tools.metrics import METRICS
from tools.outcomes import harm
from tools.registry import Result, ToolContext, tool

Floats = npt.NDArray[np.float64]

Z95: Final = 1.959963984540054
CENTS: Final = 100.0
SECONDS_PER_DAY: Final = 86_400.0


class MoneyLostResult(Result):
    """Money beyond the usual; negative parts are money that the incident happened to save."""

    late_usd: float | None
    """Orders late beyond the usual x their unit cost; empty where lateness is not recorded."""
    canceled_usd: float | None
    refunded_usd: float | None
    """Refunds beyond the usual, as paid."""
    total_usd: float
    low_usd: float
    """Of the 95 % interval of the total; the unit costs are taken as given."""
    high_usd: float
    further_day_usd: float
    """Of a day like those of the window."""
    late_order_cost_usd: float
    """As set, or as assumed."""
    canceled_order_cost_usd: float
    window_orders: int
    window_days: float


class _Part(NamedTuple):
    money: float
    error: float


@tool()
def money_lost(context: ToolContext, arguments: IncidentArguments) -> MoneyLostResult:
    """What an incident has cost in money since it began, and what a further day costs.

    Use it to tell a manager whether an action is worth its price. The unit costs of a late and of a cancelled order
    are settings; they are printed with the result.
    """
    frame = incident_frame(context, arguments)
    found = {
        "late_usd": _counted(frame, "on_time", context.settings.late_order_cost),
        "canceled_usd": _counted(frame, "cancellation", context.settings.canceled_order_cost),
        "refunded_usd": _refunds(frame),
    }
    known = [part for part in found.values() if part is not None]
    if not known:
        raise ToolFailure(
            "not testable: neither lateness, cancellations nor refunds are recorded for enough orders"
        )
    total = sum(part.money for part in known)
    half = Z95 * sqrt(sum(part.error**2 for part in known))
    days = (arguments.end - arguments.start).total_seconds() / SECONDS_PER_DAY
    return MoneyLostResult(
        **{name: None if part is None else part.money for name, part in found.items()},
        total_usd=total,
        low_usd=total - half,
        high_usd=total + half,
        further_day_usd=total / days,
        late_order_cost_usd=context.settings.late_order_cost,
        canceled_order_cost_usd=context.settings.canceled_order_cost,
        window_orders=int((frame.inside & frame.during).sum()),
        window_days=days,
    )


def _counted(frame: IncidentFrame, metric: str, cost: float) -> _Part | None:
    """Failures beyond the usual at a cost each."""
    if not METRICS[metric].columns <= set(frame.rows):
        return None
    return _beyond_usual(frame, cost * harm(frame.rows, metric))


def _refunds(frame: IncidentFrame) -> _Part | None:
    if "refund_cents" not in frame.rows:
        return None
    return _beyond_usual(frame, frame.column("refund_cents") / CENTS)


def _beyond_usual(frame: IncidentFrame, money: Floats) -> _Part | None:
    """Money of the incident's orders, less what like orders came to before; orders not known yet are left out."""
    shift = shift_of(frame, money, frame.inside)
    return None if shift is None else _Part(shift.change * shift.orders, shift.error * shift.orders)
