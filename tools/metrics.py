"""The metrics, declared once: what is counted, which way is good, how much each weighs in the CX Score.

Everything that mentions a metric (detection, score, documentation) reads `METRICS`. A metric is a quotient of
two additive integer columns of `Dataset.cells()` and `Dataset.facts()`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.errors import NotTestableError
from data.mapping import Family, Maturity


class Metric(NamedTuple):
    """One metric; `numerator / (denominator * scale)` is its value."""

    id: str
    title: str
    description: str
    numerator: str
    denominator: str
    needs: tuple[str, ...]
    """`table.column` that must be present."""
    cancelled: str
    """What becomes of cancelled orders."""
    kind: Literal["rate", "mean"] = "rate"
    better: Literal["higher", "lower"] = "lower"
    maturity: Family = "delivery"
    unit: Literal["share", "s"] = "share"
    scale: int = 1
    """Trials of one unit of the denominator: a rating is four steps above one star."""
    weight: float = 0.0
    """In the CX Score and the CX index; without weight it is shown and never raises an incident."""
    floor: float | None = None
    """Rate at which its component of the CX Score is 0."""
    target: float | None = None
    """Rate from which on its component is 100."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the cells that it reads."""
        return frozenset((self.numerator, self.denominator))

    def trials(self, cells: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Denominator by row: what could have gone wrong."""
        return cells[self.denominator].to_numpy(np.int64) * self.scale

    def harm(self, cells: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Numerator by row turned so that more is worse for customers."""
        counted = cells[self.numerator].to_numpy(np.int64)
        return self.trials(cells) - counted if self.better == "higher" else counted

    @property
    def points(self) -> float:
        """CX Score points of a whole change of the rate, negative where less is better; 0 without weight.

        Example:
            >>> METRICS["on_time"].points > 0 > METRICS["cancellation"].points
            True
        """
        if self.floor is None or self.target is None:
            return 0.0
        return 100.0 * self.weight / (self.target - self.floor)

    def value(self, harm: float) -> float:
        """The metric's value of a share (or mean) of harm.

        Example:
            >>> round(METRICS["on_time"].value(0.08), 2)
            0.92
        """
        return 1.0 - harm if self.better == "higher" else harm


_TABLE: Final = (
    Metric(
        id="on_time",
        title="on-time delivery",
        description="orders that arrived within the promised time and its tolerance",
        numerator="on_time",
        denominator="delivered",
        needs=("orders.promised_eta", "deliveries.actual_eta"),
        cancelled="left out: they count in cancellation",
        better="higher",
        weight=0.30,
        floor=0.60,
        target=0.98,
    ),
    Metric(
        id="item_accuracy",
        title="item accuracy",
        description="order lines neither substituted nor missing",
        numerator="items_ok",
        denominator="items",
        needs=("items.substituted_flag", "items.missing_flag"),
        cancelled="left out: nothing was delivered",
        better="higher",
        weight=0.25,
        floor=0.80,
        target=0.99,
    ),
    Metric(
        id="cancellation",
        title="cancellation",
        description="orders cancelled before delivery",
        numerator="canceled",
        denominator="outcome_known",
        needs=("deliveries.canceled_flag",),
        cancelled="they are what is counted",
        weight=0.15,
        floor=0.15,
        target=0.01,
    ),
    Metric(
        id="refund",
        title="refund",
        description="orders with at least one refunded line",
        numerator="refunded",
        denominator="refundable",
        needs=("items.refund_amount",),
        cancelled="counted where they have order lines",
        maturity="refund",
        weight=0.15,
        floor=0.20,
        target=0.01,
    ),
    Metric(
        id="support_contact",
        title="support contact",
        description="orders with at least one support ticket",
        numerator="contacted",
        denominator="contactable",
        needs=("support_events.order_id",),
        cancelled="counted",
        maturity="support",
        weight=0.10,
        floor=0.20,
        target=0.01,
    ),
    Metric(
        id="rating",
        title="rating",
        description="stars above one, as a share of the four possible",
        numerator="stars_points",
        denominator="ratable",
        needs=("ratings.stars",),
        cancelled="counted where they were rated",
        better="higher",
        maturity="rating",
        scale=4,
        weight=0.05,
        floor=0.50,
        target=0.95,
    ),
    Metric(
        id="eta_error",
        title="ETA error",
        description="mean absolute difference between promised and actual arrival",
        numerator="eta_error_s",
        denominator="delivered",
        needs=("orders.promised_eta", "deliveries.actual_eta"),
        cancelled="left out: they never arrived",
        kind="mean",
        unit="s",
    ),
    Metric(
        id="fulfilment",
        title="fulfilment time",
        description="mean time from order to arrival",
        numerator="fulfilment_s",
        denominator="fulfilled",
        needs=("deliveries.actual_eta",),
        cancelled="left out: they never arrived",
        kind="mean",
        unit="s",
    ),
)

METRICS: Final[Mapping[str, Metric]] = {metric.id: metric for metric in _TABLE}
WEIGHTED: Final[tuple[Metric, ...]] = tuple(metric for metric in _TABLE if metric.weight)

CX_INDEX: Final = "cx_index"
CX_SCORE: Final = "cx_score"

WAITED: Final = "late_or_cancelled"
"""What a customer's wait ends in, tested together: trouble that keeps orders waiting moves both."""
WAITED_PARTS: Final = ("on_time", "cancellation")


def available(columns: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics whose two columns are there, in the table's order.

    Example:
        >>> [metric.id for metric in available({"on_time", "delivered", "orders"})]
        ['on_time']
    """
    present = frozenset(columns)
    return tuple(metric for metric in _TABLE if metric.columns <= present)


def require(name: str, columns: Collection[str]) -> Metric:
    """The metric called `name`, if these columns allow it.

    Raises:
        ValueError: there is no such metric.
        NotTestableError: its columns are absent.
    """
    if name not in METRICS:
        raise ValueError(f"metric = {name!r}: known are {', '.join(METRICS)}")
    metric = METRICS[name]
    if not metric.columns <= frozenset(columns):
        raise NotTestableError(metric.needs[-1])
    return metric


def documentation() -> str:
    """The table as Markdown, for `docs/metrics.md`."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Metrics"
    yield ""
    yield "Generated from `tools/metrics.py`; a test keeps it current."
    yield ""
    yield "| metric | what it is | numerator / denominator | better | cancelled orders | counts after |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for m in _TABLE:
        divisor = m.denominator if m.scale == 1 else f"({m.scale} {m.denominator})"
        quotient = f"`{m.numerator} / {divisor}`"
        age = f"{Maturity().microseconds(m.maturity) / 3.6e9:g} h"
        yield f"| `{m.id}` | {m.description} ({m.unit}) | {quotient} | {m.better} | {m.cancelled} | {age} |"
    yield ""
    yield "## CX Score and CX index"
    yield ""
    yield "A component of the CX Score is `100 * clip((rate - floor) / (target - floor), 0, 1)`; the score is their"
    yield "weighted mean. The CX index is the weighted mean of the plain rates (bad rates as one minus the rate), on the"
    yield "same 0-100 scale, so that its changes add up over components exactly. An absent component is left out and"
    yield "the other weights grow in proportion; the report says which were left out."
    yield ""
    yield "| component | weight | 0 points at | 100 points at |"
    yield "| --- | --- | --- | --- |"
    for m in WEIGHTED:
        yield f"| `{m.id}` | {m.weight:.2f} | {m.floor:.2f} | {m.target:.2f} |"
