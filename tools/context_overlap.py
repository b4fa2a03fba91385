"""Recorded events (weather, holidays, strikes) over the incident, and what earlier ones of the kind cost."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import ContextEvent
from tools.decomposition import Decomposition, composition, decomposition
from tools.errors import ToolFailure
from tools.incident_frame import Flags, IncidentArguments, IncidentFrame, slice_mask
from tools.registry import Result, ToolContext, tool
from tools.shift import measure, residualise

Floats = npt.NDArray[np.float64]


class ContextOverlapResult(Result):
    """The kind of event that could explain most, by what its earlier events cost."""

    kind: str | None
    """None where no event touches the incident."""
    covered_share: float
    """Share of the incident's orders that lie in such an event."""
    usual_share: float
    """The same before the incident: how ordinary such events are."""
    contrast_share: float
    """1: such events covered the slice alone; 0: they covered the rest of the business as much."""
    past_effect_ratio: float
    """Cost of earlier events of the kind to an order, beyond like orders, over the incident's worsening."""
    z: float
    """Of that effect, in standard errors between days."""
    past_orders: int
    """Orders of the slice within earlier events of the kind."""
    explained_share: float
    """Of the incident's worsening, at the earlier cost."""
    n_kinds: int
    """Kinds of events that touch the incident."""


@dataclass(frozen=True)
class _Kind:
    name: str
    covered: float
    usual: float
    outside: float
    effect: float
    z: float
    orders: int


@tool()
def context_overlap(context: ToolContext, arguments: IncidentArguments) -> ContextOverlapResult:
    """Which recorded outside events cover the incident, and what earlier events of the kind cost."""
    context.dataset.require("context_events")
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    return weigh(parts, context.dataset.context_events())


def weigh(parts: Decomposition, events: tuple[ContextEvent, ...]) -> ContextOverlapResult:
    """`context_overlap` on a decomposition."""
    kinds = [_read(parts, [e for e in events if e.kind == kind]) for kind in sorted({e.kind for e in events})]
    touching = [kind for kind in kinds if kind.covered > 0]
    change = parts.whole.change
    best = max(touching, key=lambda k: (k.effect * (k.covered - k.usual), k.covered, k.name), default=None)
    if best is None:
        return ContextOverlapResult(
            kind=None, covered_share=0, usual_share=0, contrast_share=0, past_effect_ratio=0, z=0, past_orders=0,
            explained_share=0, n_kinds=0,
        )  # fmt: skip
    excess = best.covered - best.usual
    explained = best.effect * excess / change if change else 0.0
    return ContextOverlapResult(
        kind=best.name,
        covered_share=best.covered,
        usual_share=best.usual,
        contrast_share=(best.covered - best.outside) / max(best.covered + best.outside, 1e-9),
        past_effect_ratio=float(np.clip(best.effect / change, -9.0, 9.0)) if change else 0.0,
        z=best.z,
        past_orders=best.orders,
        explained_share=float(np.clip(explained, -1.0, 2.0)),
        n_kinds=len(touching),
    )


def _read(parts: Decomposition, events: list[ContextEvent]) -> _Kind:
    frame = parts.frame
    within = _within(frame, events)
    mine = frame.inside & frame.during
    before = frame.inside & ~frame.during & ~np.isnan(parts.outcome)
    effect, z = 0.0, 0.0
    past = before & within
    if past.sum() >= 30 and (before & ~within).sum() >= 30:
        values, exposed = parts.outcome[before], within[before]
        residuals = residualise(values, exposed, composition(frame, before))
        shift = measure(values, frame.day[before], exposed, residuals=residuals)
        effect, z = (shift.change, shift.z) if shift else (0.0, 0.0)
    rest = ~frame.inside & frame.during
    return _Kind(
        name=events[0].kind,
        covered=_share(within, mine),
        usual=_share(within, frame.inside & ~frame.during),
        outside=_share(within, rest),
        effect=effect,
        z=z,
        orders=int(past.sum()),
    )


def _within(frame: IncidentFrame, events: list[ContextEvent]) -> Flags:
    time = frame.rows["order_time"]
    within = np.zeros(len(frame.rows), dtype=bool)
    for event in events:
        try:
            scope = slice_mask(frame.rows, event.scope)
        except ToolFailure:
            continue
        start, end = pd.Timestamp(event.start), pd.Timestamp(event.end)
        within |= scope & ((time >= start) & (time < end)).to_numpy(dtype=bool)
    return within


def _share(flags: Flags, of: Flags) -> float:
    return float(flags[of].mean()) if of.any() else 0.0
