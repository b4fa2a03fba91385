"""A metric in any slice, before an incident and during it: plain values, no test."""

from typing import Final

import numpy as np
import pandas as pd

from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentArguments, incident_frame
from tools.metrics import CX_INDEX, CX_SCORE, METRICS, Metric, available
from tools.registry import Result, ToolContext, tool
from tools.score import cx

_COUNTED: Final = frozenset[str]().union(*(metric.columns for metric in METRICS.values()))


class MetricValuesResult(Result):
    """The metric before and during; only the fields of its unit are filled."""

    metric: str
    baseline_share: float | None
    """For rates."""
    current_share: float | None
    change_pp: float | None
    baseline_s: float | None
    """For durations."""
    current_s: float | None
    change_s: float | None
    baseline_score: float | None
    """For the CX Score and the CX index, 0-100."""
    current_score: float | None
    change_score: float | None
    baseline_orders: int
    window_orders: int


@tool()
def metric_values(context: ToolContext, arguments: IncidentArguments) -> MetricValuesResult:
    """A metric's value in a slice during the window, and at the same hours in the weeks before.

    `metric` may also be cx_score or cx_index. Use it to see whether orders outside the incident suffered as well.
    It compares plain values and tests nothing: a small difference may be chance.
    """
    frame = incident_frame(context, arguments)
    before, during = frame.inside & ~frame.during, frame.inside & frame.during
    return MetricValuesResult(
        metric=arguments.metric,
        **levels(
            arguments.metric, _value(frame.rows, before, arguments), _value(frame.rows, during, arguments)
        ),
        baseline_orders=int(before.sum()),
        window_orders=int(during.sum()),
    )


def levels(metric: str, before: float, after: float) -> dict[str, float | None]:
    """The fields of two values of a metric, by its unit.

    Example:
        >>> {k: v for k, v in levels("on_time", 0.75, 0.5).items() if v is not None}
        {'baseline_share': 0.75, 'current_share': 0.5, 'change_pp': -25.0}
    """
    unit = METRICS[metric].unit if metric in METRICS else "score"
    change = (after - before) * (100.0 if unit == "share" else 1.0)
    filled: dict[str, float | None] = {}
    for name, change_name in (("share", "pp"), ("s", "s"), ("score", "score")):
        filled[f"baseline_{name}"] = before if name == unit else None
        filled[f"current_{name}"] = after if name == unit else None
        filled[f"change_{change_name}"] = change if name == unit else None
    return filled


def rate(rows: pd.DataFrame, metric: Metric) -> float | None:
    """A metric's value over some orders, those too young for it left out; None where it has no orders."""
    mature = f"mature_{metric.maturity}"
    known = rows[rows[mature].to_numpy(bool)] if mature in rows else rows
    trials = int(metric.trials(known).sum())
    return metric.value(float(np.sum(metric.harm(known)) / trials)) if trials else None


def _value(rows: pd.DataFrame, chosen: Flags, arguments: IncidentArguments) -> float:
    name = arguments.metric
    counted = [column for column in _names(rows) if column in _COUNTED or column.startswith("mature_")]
    mine = rows[counted][chosen]
    if name in (CX_SCORE, CX_INDEX):
        score = cx({metric.id: rate(mine, metric) for metric in available(_names(rows))})
        value = None if score is None else score.score if name == CX_SCORE else score.index
    elif name in METRICS and METRICS[name].columns <= _names(rows):
        value = rate(mine, METRICS[name])
    else:
        known = [*(metric.id for metric in available(_names(rows))), CX_SCORE, CX_INDEX]
        raise ToolFailure(f"metric = {name!r}: these data have {', '.join(known)}")
    if value is None:
        raise ToolFailure(f"not testable: no order of the slice has {name} yet")
    return value


def _names(rows: pd.DataFrame) -> frozenset[str]:
    return frozenset(str(name) for name in rows.columns)
