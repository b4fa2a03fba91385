"""Where an incident's drop sits, and the drop as a waterfall of parts."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from data.slices import ALL_ORDERS, Slice
from tools.frame_cells import FrameCells, frame_cells
from tools.incident_frame import IncidentArguments
from tools.incidents import SliceDelta
from tools.localise import Localisation, Where, localise
from tools.memo import memo
from tools.metrics import METRICS
from tools.outcomes import COMPOSITES
from tools.registry import Cost, Result, ToolContext, tool
from tools.top_table import stars
from tools.waterfall import PartKind, rows_of, waterfall


class LocaliseArguments(IncidentArguments):
    """Where to look, and by what to cut."""

    dimensions: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    """Dimensions that slices may name, such as ["region", "category"]; all of the data's by default."""


class LocalisedSlice(Result):
    """One of the few slices that explain the drop; only the fields of the metric's unit are filled."""

    slice: Slice
    change_pp: float | None
    """Current minus expected."""
    change_s: float | None
    change_score: float | None
    damage_share: float
    """Share of the whole worsening that it carries."""
    p_chance: float
    """Probability of such a slice by chance, the search among all slices included."""
    stars: str
    window_orders: int


class LocaliseDropResult(Result):
    """The answer and its slices, strongest first."""

    where: Where
    """`slices`; `outside_dimensions` where the drop is real but no slice concentrates it; or `nothing`."""
    parts: tuple[LocalisedSlice, ...]
    whole: LocalisedSlice
    """All orders of the slice asked about."""


class DropPart(Result):
    """One step of the waterfall; only the field of the metric's unit is filled."""

    kind: PartKind | Literal["whole"]
    """`mix`: other kinds of orders than before; `slice`: orders that no earlier part has; `rest`: everything else."""
    slice: Slice | None
    change_pp: float | None
    change_s: float | None
    change_score: float | None
    window_orders: int


class DropWaterfallResult(Result):
    """At most eight parts that add up to the whole change exactly."""

    parts: tuple[DropPart, ...]
    whole: DropPart
    where: Where


@tool(cost=Cost.MODERATE)
def localise_drop(context: ToolContext, arguments: LocaliseArguments) -> LocaliseDropResult:
    """The few slices, ranges of hours included, that together explain where a metric got worse.

    Give the empty slice to search everywhere. Usually one slice is the answer; several mean that each adds to the
    others. `outside_dimensions` means that the drop is real and spread over all orders: what tells good orders from
    bad is not recorded. Do not use it for a metric that got better.
    """
    found = _located(context, arguments)
    return LocaliseDropResult(
        where=found.answer.where,
        parts=tuple(_localised(one, found, arguments) for one in found.answer),
        whole=_localised(found.answer.whole, found, arguments),
    )


@tool(cost=Cost.MODERATE)
def drop_waterfall(context: ToolContext, arguments: LocaliseArguments) -> DropWaterfallResult:
    """A metric's whole change as at most eight parts that do not overlap and add up to it exactly.

    The parts are the slices of `localise_drop`, what other kinds of orders than before explain, and everything else.
    Use it to say how much of a change each part carries, not to test whether it is chance.
    """
    found = _located(context, arguments)
    cells = found.cells
    named = [one.slice for one in found.answer if one.slice != ALL_ORDERS]
    steps = waterfall(cells.cells, named, orders="orders", baseline=cells.baseline)
    parts = tuple(
        DropPart(
            kind=part.kind,
            slice=None if part.slice is None else _within(arguments.slice, part.slice),
            window_orders=round(part.orders),
            **changes(arguments.metric, part.change),
        )
        for part in steps.parts
    )
    whole = DropPart(
        kind="whole",
        slice=arguments.slice,
        window_orders=int(cells.cells["orders"].sum()),
        **changes(arguments.metric, steps.whole),
    )
    return DropWaterfallResult(parts=parts, whole=whole, where=found.answer.where)


class _Located(NamedTuple):
    cells: FrameCells
    answer: Localisation


def _located(context: ToolContext, arguments: LocaliseArguments) -> _Located:
    def work() -> _Located:
        found = frame_cells(context, arguments, arguments.dimensions)
        answer = localise(
            found.cells,
            dims=found.dims,
            hour="hour",
            orders="orders",
            kind=found.kind,
            phi=found.phi,
            max_slices=6,
            wrap=True,
        )
        return _Located(found, answer)

    key = ("localised", context.settings.baseline_days, arguments.model_dump_json())
    return memo(context.dataset, key, work)


def changes(metric: str, harm: float) -> dict[str, float | None]:
    """A change of harm as the change of the metric, in the field of its unit.

    Example:
        >>> {name: value for name, value in changes("on_time", 0.25).items() if value is not None}
        {'change_pp': -25.0}
    """
    unit = "score" if metric in COMPOSITES else METRICS[metric].unit
    sign = -1.0 if metric in COMPOSITES or METRICS[metric].better == "higher" else 1.0
    value = sign * harm * (1.0 if unit == "s" else 100.0)
    return {f"change_{name}": value if known == unit else None for name, known in _UNITS}


_UNITS = (("pp", "share"), ("s", "s"), ("score", "score"))


def _localised(one: SliceDelta, found: _Located, arguments: LocaliseArguments) -> LocalisedSlice:
    rows = rows_of(found.cells.cells, one.slice)
    table = found.cells.cells[rows]
    trials = float(table["n"].sum())
    excess = float(table["y"].sum() - table["expected"].sum())
    return LocalisedSlice(
        slice=_within(arguments.slice, one.slice),
        damage_share=one.share,
        p_chance=one.q_value,
        stars=stars(one.q_value),
        window_orders=one.orders,
        **changes(arguments.metric, excess / trials if trials else 0.0),
    )


def _within(outer: Slice, inner: Slice) -> Slice:
    """The conjunction of the slice asked about and a slice found in it."""
    values = {**dict(outer.values), **dict(inner.values)}
    return Slice(values=tuple(values.items()), hour=inner.hour or outer.hour)
