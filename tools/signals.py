"""What detection listens to: harm, trials and expectation of every metric, row by row of the cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.baseline import Span, baseline
from tools.cube import Cube, Floats
from tools.metrics import Metric

Kind = Literal["rate", "mean"]
_MOST_HARM: Final = 0.995
"""No rate is expected to be worse than this: a test needs something left to go wrong."""


@dataclass(frozen=True)
class Signal:
    """One metric over the rows of a cube; rows that have not ripened are zero."""

    metric: Metric
    harm: Floats
    trials: Floats
    expected: Floats
    """Harm that the baseline expects in each row."""
    support: Floats
    """Trials at the same hour of the week in the baseline of the row's leaf, spread over the leaf's rows."""


def build(
    cells: pd.DataFrame,
    cube: Cube,
    metrics: Sequence[Metric],
    *,
    ripe: Sequence[npt.NDArray[np.bool_]],
    history: npt.NDArray[np.bool_],
    span: Span,
) -> tuple[Signal, ...]:
    """The signals of these metrics.

    Args:
        cells: `Dataset.cells()`.
        cube: made of the same cells.
        metrics: available ones.
        ripe: for each metric, which rows have closed.
        history: which rows the baseline may learn from.
        span: which days a day is compared with.
    """
    return tuple(
        _signal(metric, cells, cube, closed, history, span)
        for metric, closed in zip(metrics, ripe, strict=True)
    )


def _signal(
    metric: Metric,
    cells: pd.DataFrame,
    cube: Cube,
    closed: npt.NDArray[np.bool_],
    history: npt.NDArray[np.bool_],
    span: Span,
) -> Signal:
    harm = np.where(closed, metric.harm(cells), 0).astype(np.float64)
    trials = np.where(closed, metric.trials(cells), 0).astype(np.float64)
    known = baseline(
        cube.dense(cube.leaf, np.where(history, harm, 0.0)),
        cube.dense(cube.leaf, np.where(history, trials, 0.0)),
        span,
    )
    at = (cube.leaf.of_row, cube.day, cube.hour)
    rate = known.rate[at]
    if metric.kind == "rate":
        rate = np.minimum(rate, _MOST_HARM)
    leaf_trials = cube.dense(cube.leaf, trials)[at]
    part = np.divide(trials, leaf_trials, out=np.zeros_like(trials), where=leaf_trials > 0)
    return Signal(metric, harm, trials, rate * trials, known.support[at] * part)
