"""Where the damage shows: linear SHAP of a logistic model of the failed orders, baseline against incident.

Not a cause: a pooled model credits the mediator (the wait), never the policy that made it. The value of driver j
for an order is `coefficient_j x (x_j - baseline mean of j)`, exact because the whole baseline is the background
(`Independent(X, max_samples=len(X))`; Lundberg and Lee 2017, linear case).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tools import logit
from tools.decomposition import regressor
from tools.errors import ToolFailure
from tools.incident_frame import MIN_ORDERS, IncidentArguments, IncidentFrame, incident_frame
from tools.memo import memo
from tools.metrics import METRICS
from tools.outcomes import harm
from tools.registry import Cost, Result, ToolContext, tool

Floats = npt.NDArray[np.float64]

CANDIDATES: Final = (
    "dasher_wait_s",
    "prep_s",
    "batched",
    "promise_s",
    "items_bad",
    "distance",
    "basket_value",
)
MAX_ORDERS: Final = 30_000


class DriverShare(Result):
    """One driver's part."""

    driver: str
    change_log_odds: float
    change_pp: float
    damage_share: float
    """Of the whole change of log-odds that the drivers show; parts of opposite sign may exceed 1."""


class DriversResult(Result):
    """Parts of the worsening by driver: where the damage shows, not what caused it."""

    outcome: str
    """The failure that was modelled: late or cancelled."""
    baseline_share: float
    """Failed orders before."""
    current_share: float
    """Failed orders during the incident."""
    change_pp: float
    parts: tuple[DriverShare, ...]
    """Largest first."""
    top_driver: str
    top_pp: float
    top_share: float
    orders: int
    """Orders the model was fitted on."""


@dataclass(frozen=True)
class LinearShap:
    """Exact linear SHAP values."""

    values: Floats
    """By order of the incident and driver, shape (n, k), in log-odds."""
    model: logit.Logit
    """On standardised drivers."""


@tool(cost=Cost.EXPENSIVE)
def drivers(context: ToolContext, arguments: IncidentArguments) -> DriversResult:
    """Which measured drivers the worsening shows in, by exact linear SHAP; not what caused it.

    Use it to describe the damage. Do not conclude a cause from it: see mechanism_shift.
    """
    frame = incident_frame(context, arguments)
    key = ("drivers", arguments.slice, arguments.start, arguments.end, arguments.metric == "cancellation")
    return memo(context.dataset, key, lambda: attribute(frame, arguments.metric))


def attribute(frame: IncidentFrame, metric: str) -> DriversResult:
    """`drivers` on an incident's frame.

    Raises:
        ToolFailure: no driver is recorded, nothing failed or everything did.
    """
    name, outcome = _failure(frame, metric)
    columns = _columns(frame, outcome, name)
    keep = frame.inside & ~np.isnan(outcome)
    for column in columns.values():
        keep = keep & ~np.isnan(column)
    keep = _thin(keep)
    during = frame.during[keep]
    failed = outcome[keep]
    if min(int(during.sum()), int((~during).sum())) < MIN_ORDERS or len(np.unique(failed)) < 2:
        raise ToolFailure(f"not testable: too few {name} orders with known drivers")
    design = np.column_stack([column[keep] for column in columns.values()])
    shap_values = explain(design, failed, during)
    change = shap_values.values.mean(axis=0)
    before, after = float(failed[~during].mean()), float(failed[during].mean())
    return _result(name, dict(zip(columns, change.tolist(), strict=True)), before, after, len(failed))


def explain(design: Floats, failed: Floats, during: npt.NDArray[np.bool_]) -> LinearShap:
    """Fit the logistic model and explain the incident's orders against the whole baseline.

    Args:
        design: drivers by order, shape (n, k), no NaN and none constant.
        failed: 0/1, shape (n,).
        during: the incident's orders, shape (n,).
    """
    import shap

    scaled = (design - design.mean(axis=0)) / design.std(axis=0)
    model = logit.fit(scaled, failed, ridge=1e-3)
    background = shap.maskers.Independent(scaled[~during], max_samples=int((~during).sum()))
    explainer = shap.LinearExplainer((model.coefficients, model.intercept), background)
    return LinearShap(np.asarray(explainer.shap_values(scaled[during]), dtype=np.float64), model)


def _failure(frame: IncidentFrame, metric: str) -> tuple[str, Floats]:
    if metric != "cancellation" and METRICS["on_time"].columns <= set(frame.rows):
        return "late", harm(frame.rows, "on_time")
    if METRICS["cancellation"].columns <= set(frame.rows):
        return "cancelled", harm(frame.rows, "cancellation")
    raise ToolFailure("not testable: neither lateness nor cancellation is in these data")


def _columns(frame: IncidentFrame, outcome: Floats, failure: str) -> dict[str, Floats]:
    """The drivers recorded; a cancelled order has no delivered lines, so they cannot explain cancelling."""
    known = frame.inside & ~np.isnan(outcome)
    found: dict[str, Floats] = {}
    for name in CANDIDATES:
        lines = name == "items_bad" and "items_ok" in frame.rows and failure != "cancelled"
        if name not in frame.rows and not lines:
            continue
        values = regressor(frame, name)
        present = values[known]
        if len(present) and np.isnan(present).mean() < 0.2 and np.nanstd(present) > 0:
            found[name] = values
    if not found:
        raise ToolFailure("not testable: no driver of lateness is recorded")
    return found


def _thin(keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Every k-th order, so that at most `MAX_ORDERS` remain; no random state."""
    chosen = np.flatnonzero(keep)
    step = -(-len(chosen) // MAX_ORDERS) if len(chosen) else 1
    thin = np.zeros(len(keep), dtype=bool)
    thin[chosen[::step]] = True
    return thin


def _result(name: str, change: dict[str, float], before: float, after: float, orders: int) -> DriversResult:
    total = sum(change.values())
    points = 100.0 * (after - before)
    parts = [
        DriverShare(
            driver=driver,
            change_log_odds=value,
            change_pp=points * value / total if abs(total) > 1e-9 else 0.0,
            damage_share=value / total if abs(total) > 1e-9 else 0.0,
        )
        for driver, value in change.items()
    ]
    parts.sort(key=lambda part: (-abs(part.change_log_odds), part.driver))
    return DriversResult(
        outcome=name,
        baseline_share=before,
        current_share=after,
        change_pp=points,
        parts=tuple(parts),
        top_driver=parts[0].driver,
        top_pp=parts[0].change_pp,
        top_share=parts[0].damage_share,
        orders=orders,
    )
