"""The orders of an incident's window as cells with expectations: what localising and splitting a drop work on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.cube import encode
from tools.errors import ToolFailure
from tools.expectation import expected_rates, over_dispersion
from tools.incident_frame import Flags, IncidentArguments, IncidentFrame, incident_frame
from tools.metrics import CX_SCORE, METRICS
from tools.outcomes import harm
from tools.registry import ToolContext
from tools.scan import Kind
from tools.shift import codes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_TRIALS: Final = 20.0
"""A group's day with fewer does not tell how far days differ."""


@dataclass(frozen=True)
class FrameCells:
    """Cells of the window, by the dimensions and the hour."""

    cells: pd.DataFrame
    """The dimensions, `hour`, `n`, `y`, `expected` and `orders`."""
    dims: tuple[str, ...]
    kind: Kind
    phi: float
    baseline: float
    """Harm per trial before, at the mix of then."""
    current: float


def chosen_dimensions(context: ToolContext, wanted: Sequence[str]) -> tuple[str, ...]:
    """The dimensions asked for, or all; raises `ToolFailure` for one that the data do not have."""
    known = context.dataset.dimensions
    for name in wanted:
        if name not in known:
            raise ToolFailure(f"dimensions = {name!r}: these data have {', '.join(known)}")
    return tuple(wanted) or tuple(known)


def frame_cells(context: ToolContext, arguments: IncidentArguments, wanted: Sequence[str]) -> FrameCells:
    """The cells of an incident's slice and window.

    Raises:
        ToolFailure: the metric is not additive or not known, or too little lies in either period.
    """
    dims = chosen_dimensions(context, wanted)
    frame = incident_frame(context, arguments)
    if arguments.metric == CX_SCORE:
        raise ToolFailure("metric = 'cx_score': it does not add up over orders; ask for cx_index")
    trials, bad = counted(frame, arguments.metric)
    keep = frame.inside & (trials > 0)
    if not (keep & frame.during).any() or not (keep & ~frame.during).any():
        raise ToolFailure(f"not testable: no order of the slice has {arguments.metric} in both periods")
    return _cells(frame, keep, trials, bad, dims, _kind(arguments.metric))


def counted(frame: IncidentFrame, metric: str) -> tuple[Floats, Floats]:
    """Trials and harm of each order, 0 where the metric is not known for it."""
    values = harm(frame.rows, metric)
    known = ~np.isnan(values)
    trials = known.astype(np.float64)
    if metric in METRICS:
        trials = np.where(known, METRICS[metric].trials(frame.rows), 0).astype(np.float64)
    return trials, np.where(known, values, 0.0) * trials


def _kind(metric: str) -> Kind:
    return "rate" if metric in METRICS and METRICS[metric].kind == "rate" else "sum"


@dataclass(frozen=True)
class _Orders:
    """Orders with the metric, of both periods, each with its place and its expectation."""

    effects: tuple[Ints, ...]
    """Number of the value of each dimension."""
    hour_kind: Ints
    day: Ints
    during: Flags
    n: Floats
    y: Floats
    kind: Kind

    @cached_property
    def unit(self) -> float:
        """Size of one event: a sum of single orders varies like a count of events of this size."""
        mean = float(self.y.sum() / self.n.sum())
        return float(np.var(self.y)) / mean if self.kind == "sum" and mean > 0 else 1.0

    @cached_property
    def expected(self) -> Floats:
        """Harm by order, as the baseline's orders of the same cell had it."""
        effects = (*self.effects, self.hour_kind)
        cell = codes(*effects)
        _, first = np.unique(cell, return_index=True)
        before = ~self.during
        trials, harm = (
            np.bincount(cell[before], weights=part[before], minlength=len(first)).astype(np.float64)
            for part in (self.n, self.y)
        )
        rate = expected_rates(trials, harm, [code[first] for code in effects], unit=self.unit)
        return np.asarray(self.n * (np.minimum(rate, 1.0) if self.kind == "rate" else rate)[cell])

    def phi(self) -> float:
        """How far days of single values stray in the baseline, and the baseline's own error on top."""
        before = ~self.during
        parts = []
        for code in self.effects or (np.zeros_like(self.day),):
            group = codes(self.day[before], code[before])
            sums = (np.bincount(group, weights=part[before]) for part in (self.y, self.expected, self.n))
            parts.append(np.stack(list(sums)))
        seen, awaited, trials = np.concatenate(parts, axis=1)
        enough = trials >= LEAST_TRIALS
        room = 1.0 - awaited / np.maximum(trials, 1.0) if self.kind == "rate" else np.ones_like(awaited)
        stray = over_dispersion(seen[enough], awaited[enough], (awaited * self.unit * room)[enough])
        return stray * self.unit * (1 + float(self.n[self.during].sum() / self.n[before].sum()))

    def rate(self, rows: Flags) -> float:
        """Harm per trial of some orders."""
        return float(self.y[rows].sum() / self.n[rows].sum())


def _cells(
    frame: IncidentFrame, keep: Flags, trials: Floats, bad: Floats, dims: tuple[str, ...], kind: Kind
) -> FrameCells:
    rows = frame.rows[keep]
    orders = _Orders(
        effects=tuple(encode(rows[name]).of_row for name in dims),
        hour_kind=frame.hour_kind[keep],
        day=frame.day[keep],
        during=frame.during[keep],
        n=trials[keep],
        y=bad[keep],
        kind=kind,
    )
    during = orders.during
    table = rows.loc[during, [*dims, "hour"]].assign(
        n=orders.n[during], y=orders.y[during], expected=orders.expected[during], orders=1
    )
    cells = table.groupby([*dims, "hour"], as_index=False, sort=True, observed=True, dropna=False).sum()
    return FrameCells(cells, dims, kind, orders.phi(), orders.rate(~during), orders.rate(during))
