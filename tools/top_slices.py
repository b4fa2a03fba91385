"""Which parts of a slice carry an incident's change: every value of one dimension, worst first."""

from collections.abc import Iterator
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from data.slices import Slice
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments, IncidentFrame, incident_frame
from tools.outcomes import harm
from tools.registry import Result, ToolContext, tool

LISTED: Final = 10
LEAST_ORDERS: Final = 5


class TopSlicesArguments(IncidentArguments):
    """Which incident, cut by what."""

    dimensions: Annotated[tuple[str, ...], Field(min_length=1, max_length=3)]
    """Dimensions to cut by, one after the other, such as ["store_id"]."""


class SlicePart(Result):
    """One value of a dimension."""

    slice: Slice
    harm_change_pp: float
    """Change of the share of orders that went wrong (of seconds, for durations): positive is worse."""
    damage_share: float
    """Share of the slice's whole worsening that this part carries."""
    window_orders: int


class TopSlicesResult(Result):
    """Parts by what they carry, most first, over all dimensions asked for."""

    parts: tuple[SlicePart, ...]
    n_parts: int
    """Parts with enough orders in both periods."""
    top_damage_share: float
    """What the first part carries."""
    carrying_half: int
    """How many parts of the first dimension carry half of the worsening together: few are a local problem."""


@tool()
def top_slices(context: ToolContext, arguments: TopSlicesArguments) -> TopSlicesResult:
    """Which stores, categories or regions inside a slice carry its worsening.

    Use it to tell a problem of a few stores from one that all share. Do not read single small parts as findings:
    among many, some look bad by chance.
    """
    unknown = [name for name in arguments.dimensions if name not in context.dataset.dimensions]
    if unknown:
        known = ", ".join(context.dataset.dimensions)
        raise ToolFailure(f"dimensions = {unknown[0]!r}: these data have {known}")
    frame = incident_frame(context, arguments)
    values = harm(frame.rows, arguments.metric)
    by_dimension = [
        sorted(_parts(frame, values, name, arguments.slice), key=_worst_first)
        for name in arguments.dimensions
    ]
    parts = sorted((part for found in by_dimension for part in found), key=_worst_first)
    if not parts:
        raise ToolFailure("not testable: no part of the slice has enough orders in both periods")
    return TopSlicesResult(
        parts=tuple(parts[:LISTED]),
        n_parts=len(parts),
        top_damage_share=parts[0].damage_share,
        carrying_half=_carrying_half(by_dimension[0]),
    )


def _parts(
    frame: IncidentFrame, values: "np.ndarray[tuple[int], np.dtype[np.float64]]", dimension: str, where: Slice
) -> Iterator[SlicePart]:
    rows = frame.rows[[dimension]].assign(harm=values, during=frame.during)
    rows = rows[frame.inside & ~np.isnan(values)]
    table = (
        rows.groupby([dimension, "during"], observed=True)["harm"].agg(["sum", "count"]).unstack(fill_value=0)
    )
    sums, counts = table["sum"], table["count"]
    if not {True, False} <= set(counts):
        return
    enough = (counts[False] >= LEAST_ORDERS) & (counts[True] >= LEAST_ORDERS)
    change = (sums[True] / counts[True] - sums[False] / counts[False])[enough]
    damage = change * counts[True][enough]
    whole = float(damage.sum())
    for name in change.index:
        yield SlicePart(
            slice=Slice.parse({**where.model_dump(), dimension: str(name)}),
            harm_change_pp=100.0 * float(change[name]),
            damage_share=float(damage[name]) / whole if whole else 0.0,
            window_orders=int(counts[True][name]),
        )


def _worst_first(part: SlicePart) -> tuple[float, str]:
    return (-part.damage_share, str(part.slice))


def _carrying_half(parts: list[SlicePart]) -> int:
    carried = np.cumsum([part.damage_share for part in parts])
    return int(np.searchsorted(carried, 0.5) + 1) if len(carried) else 0
