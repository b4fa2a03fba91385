"""What went wrong with each order, on one scale per metric: higher is worse for the customer.

Rates become the failed share of the order (0 or 1, or the share of its lines), durations stay seconds, and the
composites the weighted sum of the failed shares. `NaN` where the metric does not apply or is not yet known.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.errors import ToolFailure
from tools.metrics import CX_INDEX, CX_SCORE, METRICS, WEIGHTED, Metric

Floats = npt.NDArray[np.float64]

COMPOSITES: Final = (CX_INDEX, CX_SCORE)


def harm(facts: pd.DataFrame, metric: str) -> Floats:
    """How bad each order was, shape (orders,).

    Raises:
        ToolFailure: the metric is unknown, or its columns are absent.

    Example:
        >>> facts = pd.DataFrame({"on_time": [1, 0, 0], "delivered": [1, 1, 0]})
        >>> harm(facts, "on_time")
        array([ 0.,  1., nan])
    """
    if metric in COMPOSITES:
        return _composite(facts)
    if metric not in METRICS:
        raise ToolFailure(f"metric = {metric!r}: known are {', '.join([*METRICS, *COMPOSITES])}")
    missing = sorted(METRICS[metric].columns - set(facts))
    if missing:
        raise ToolFailure(f"not testable: {metric} needs {', '.join(missing)}")
    return _single(facts, METRICS[metric])


def value(metric: str, mean_harm: float) -> float:
    """The metric's value of a mean harm: shares of 0-1, seconds, or CX points.

    Example:
        >>> round(value("on_time", 0.08), 2), round(value("cx_index", 0.12), 1)
        (0.92, 88.0)
    """
    if metric in COMPOSITES:
        return 100.0 * (1.0 - mean_harm)
    return METRICS[metric].value(mean_harm)


def _single(facts: pd.DataFrame, metric: Metric) -> Floats:
    trials = metric.trials(facts)
    known = trials > 0
    mature = f"mature_{metric.maturity}"
    if mature in facts:
        known &= facts[mature].to_numpy(dtype=bool)
    result = np.full(len(facts), np.nan)
    np.divide(metric.harm(facts), trials, out=result, where=known)
    return result


def _composite(facts: pd.DataFrame) -> Floats:
    present = [metric for metric in WEIGHTED if metric.columns <= set(facts)]
    if not present:
        raise ToolFailure("not testable: no component of the CX score is in these data")
    weight = sum(metric.weight for metric in present)
    total = np.zeros(len(facts))
    any_known = np.zeros(len(facts), dtype=bool)
    for metric in present:
        single = _single(facts, metric)
        known = ~np.isnan(single)
        any_known |= known
        typical = float(single[known].mean()) if known.any() else 0.0
        total += metric.weight / weight * np.where(known, single, typical)
    return np.where(any_known, total, np.nan)
