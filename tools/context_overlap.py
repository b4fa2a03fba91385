"""Recorded events (weather, holidays, strikes) over the incident: what they cost there, and what earlier ones cost."""

from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import pandas as pd

from data.dataset import ContextEvent
from tools.decomposition import Decomposition, composition, decomposition
from tools.errors import ToolFailure
from tools.incident_frame import MIN_ORDERS, Flags, IncidentArguments, IncidentFrame, slice_mask
from tools.registry import Result, ToolContext, tool
from tools.shift import measure, residualise


class ContextOverlapResult(Result):
    """The kind of event that could explain most, by what it cost where it was and what earlier ones cost."""

    kind: str | None
    """None where no event touches the incident."""
    covered_share: float
    """Share of the incident's orders that lie in such an event, or later on a day that had one."""
    usual_share: float
    """The same before the incident: how ordinary such events are."""
    contrast_share: float
    """1: such events covered the slice alone; 0: they covered the rest of the business as much."""
    past_effect_ratio: float | None
    """Cost of earlier events of the kind to an order, beyond like orders, over the incident's worsening; empty where
    there were too few."""
    past_orders: int
    """Orders of the slice within earlier events of the kind."""
    present_effect_ratio: float | None
    """Cost of these very events to an order, beyond like orders of the incident outside of them, over the incident's
    worsening; empty where they left too few outside."""
    z: float
    """Of the effect that the share rests on, in standard errors between days."""
    explained_share: float
    """Of the incident's worsening: at the cost of these very events where it can be told, else at that of earlier ones."""
    n_kinds: int
    """Kinds of events that touch the incident."""


@dataclass(frozen=True)
class _Cost:
    """To an order."""

    effect: float
    error: float

    @property
    def z(self) -> float:
        return self.effect / self.error if self.error else 0.0


_FREE: Final = _Cost(0.0, 0.0)


@dataclass(frozen=True)
class _Kind:
    name: str
    covered: float
    usual: float
    outside: float
    past: _Cost | None
    present: _Cost | None
    orders: int

    @property
    def cost(self) -> _Cost:
        return self.present or self.past or _FREE

    @property
    def harm(self) -> float:
        """What it adds to the mean of the incident's orders; nothing where such events were as common before."""
        return self.cost.effect * max(0.0, self.covered - self.usual)


@tool()
def context_overlap(context: ToolContext, arguments: IncidentArguments) -> ContextOverlapResult:
    """Which recorded outside events cover the incident, and what they cost: these very ones, and earlier ones."""
    context.dataset.require("context_events")
    parts = decomposition(context, arguments)
    if parts is None:
        raise ToolFailure(f"not testable: too few orders with {arguments.metric}")
    return weigh(parts, context.dataset.context_events())


def weigh(parts: Decomposition, events: tuple[ContextEvent, ...]) -> ContextOverlapResult:
    """`context_overlap` on a decomposition."""
    kinds = [_read(parts, [e for e in events if e.kind == kind]) for kind in sorted({e.kind for e in events})]
    touching = [kind for kind in kinds if kind.covered > 0]
    best = max(touching, key=lambda kind: (kind.harm, kind.covered, kind.name), default=None)
    if best is None:
        return ContextOverlapResult(
            kind=None, covered_share=0, usual_share=0, contrast_share=0, past_effect_ratio=None, past_orders=0,
            present_effect_ratio=None, z=0, explained_share=0, n_kinds=0,
        )  # fmt: skip
    change = parts.whole.change
    return ContextOverlapResult(
        kind=best.name,
        covered_share=best.covered,
        usual_share=best.usual,
        contrast_share=(best.covered - best.outside) / max(best.covered + best.outside, 1e-9),
        past_effect_ratio=_ratio(best.past, change),
        past_orders=best.orders,
        present_effect_ratio=_ratio(best.present, change),
        z=best.cost.z,
        explained_share=float(np.clip(best.harm / change, -1.0, 2.0)) if change else 0.0,
        n_kinds=len(touching),
    )


def _ratio(cost: _Cost | None, change: float) -> float | None:
    return float(np.clip(cost.effect / change, -9.0, 9.0)) if cost is not None and change else None


def _read(parts: Decomposition, events: list[ContextEvent]) -> _Kind:
    frame = parts.frame
    exposed = _exposed(frame, events)
    mine = frame.inside & frame.during
    before = frame.inside & ~frame.during
    return _Kind(
        name=events[0].kind,
        covered=_share(exposed, mine),
        usual=_share(exposed, before),
        outside=_share(exposed, ~frame.inside & frame.during),
        past=_cost(parts, ordinary=before & ~exposed, exposed=before & exposed),
        present=_present(parts, exposed),
        orders=int((before & exposed & ~np.isnan(parts.outcome)).sum()),
    )


def _present(parts: Decomposition, exposed: Flags) -> _Cost | None:
    """What these very events cost: the incident's orders in them against those outside, both less like ordinary orders.

    A worsening that the incident's other orders share is none of the event's.
    """
    frame = parts.frame
    ordinary, mine = frame.inside & ~frame.during & ~exposed, frame.inside & frame.during
    within = _cost(parts, ordinary=ordinary, exposed=mine & exposed)
    beside = _cost(parts, ordinary=ordinary, exposed=mine & ~exposed)
    if within is None or beside is None:
        return None
    return _Cost(within.effect - beside.effect, float(np.hypot(within.error, beside.error)))


def _cost(parts: Decomposition, *, ordinary: Flags, exposed: Flags) -> _Cost | None:
    """Mean harm of some orders beyond like ordinary ones; None with too few of either."""
    known = ~np.isnan(parts.outcome)
    if min(int((ordinary & known).sum()), int((exposed & known).sum())) < MIN_ORDERS:
        return None
    rows = (ordinary | exposed) & known
    values, now = parts.outcome[rows], exposed[rows]
    residuals = residualise(values, now, composition(parts.frame, rows))
    shift = measure(values, parts.frame.day[rows], now, residuals=residuals)
    return None if shift is None else _Cost(shift.change, shift.error)


def _exposed(frame: IncidentFrame, events: list[ContextEvent]) -> Flags:
    """Orders placed in an event, or after its start on the same local day: what is late once stays late for a while."""
    time, day = frame.rows["order_time"], frame.rows["day"].to_numpy()
    exposed = np.zeros(len(frame.rows), dtype=bool)
    for scope, theirs in groupby(sorted(events, key=_scope), key=lambda event: event.scope):
        try:
            mask = slice_mask(frame.rows, scope)
        except ToolFailure:
            continue
        for event in theirs:
            started = mask & (time >= pd.Timestamp(event.start)).to_numpy(dtype=bool)
            within = started & (time < pd.Timestamp(event.end)).to_numpy(dtype=bool)
            if within.any():
                exposed |= within | (started & (day == day[within][-1]))
    return exposed


def _scope(event: ContextEvent) -> str:
    return event.scope.model_dump_json()


def _share(flags: Flags, of: Flags) -> float:
    return float(flags[of].mean()) if of.any() else 0.0
