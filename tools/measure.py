"""Tools that measure: a metric, the CX Score, the worst slices, rate against mix, of a slice and a window."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from data.errors import DataError
from data.slices import ALL_ORDERS, Slice
from tools import signals
from tools.baseline import Span
from tools.cohorts import Bools, cell_starts, in_slice, in_window
from tools.cube import Floats, Ints, encode_labels
from tools.detection import Frame, prepare
from tools.errors import ToolFailure
from tools.incident_building import turned
from tools.incidents import SliceDelta
from tools.localise import describe, greedy, wilson
from tools.metrics import METRICS, Metric
from tools.rate_mix import rate_mix as split
from tools.registry import Arguments, Cost, Result, ToolContext, tool
from tools.scan import Counts, Grid
from tools.score import Score, contributions, cx
from tools.signals import Signal
from tools.significance import log_likelihood_ratio

_SURE = 0.01


class WindowArguments(Arguments):
    """A slice and a window of time."""

    slice: Slice = ALL_ORDERS
    """Which orders; all of them where left out."""
    start: datetime
    """From this moment on (with time zone)."""
    end: datetime
    """Before this moment (with time zone)."""

    @model_validator(mode="after")
    def _in_order(self) -> "WindowArguments":
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("start and end need a time zone")
        if self.end <= self.start:
            raise ValueError(f"end {self.end} must lie after start {self.start}")
        return self


class MetricArguments(WindowArguments):
    """A metric of a slice and a window."""

    metric: str
    """Id of the metric, such as `on_time`."""


class MetricValues(Result):
    """A metric in a window and what its baseline expected; shares for rates, seconds for means."""

    metric: str
    current_share: float | None = None
    baseline_share: float | None = None
    delta_pp: float | None = None
    low_pp: float | None = None
    """Lower end of the 95 % interval of the change."""
    high_pp: float | None = None
    current_s: float | None = None
    baseline_s: float | None = None
    delta_s: float | None = None
    z: float | None = None
    """By chance alone, rates only; negative is worse for customers."""
    affected_orders: int


class ComponentChange(Result):
    """One part of the CX Score."""

    metric: str
    weight_share: float
    baseline_share: float
    current_share: float
    baseline_score: float
    current_score: float
    change_score: float
    """Points of the CX Score that it adds to the change."""
    change_index_score: float
    """Points of the CX index that it adds to the change; they sum to it exactly."""


class CxChange(Result):
    """CX Score and CX index of a window against the baseline."""

    baseline_score: float
    current_score: float
    delta_score: float
    baseline_index_score: float
    current_index_score: float
    delta_index_score: float
    components: tuple[ComponentChange, ...]
    left_out: tuple[str, ...]
    """Weighted metrics that the data or the window do not allow."""
    window_orders: int


class TopSlices(Result):
    """The few slices that explain where a metric got worse."""

    metric: str
    slices: tuple[SliceDelta, ...]
    tests: int
    """Slices that were compared."""


class RateMixArguments(MetricArguments):
    """A metric, and a dimension whose mix may have changed."""

    dimension: str
    """Dimension whose values are the parts."""


class RateMixResult(Result):
    """How much of a change the parts made themselves, and how much the shift between them."""

    metric: str
    total_pp: float
    rate_pp: float
    mix_pp: float
    simpson: bool
    """The overall rate moved against its parts."""


class TopArguments(MetricArguments):
    """A metric, and how many slices to name."""

    most: Annotated[int, Field(ge=1, le=20)] = 5
    """Most slices."""


@dataclass(frozen=True)
class _Measured:
    frame: Frame
    heard: tuple[Signal, ...]
    rows: Bools
    """Of the slice, within the window."""
    window: Bools
    """Of all orders, within the window."""
    before: Bools
    """Of all orders, on the days that the window is compared with."""

    def signal(self, name: str) -> Signal:
        for signal in self.heard:
            if signal.metric.id == name:
                return signal
        known = METRICS.get(name)
        if known is None:
            raise ToolFailure(f"metric = {name!r}: known are {', '.join(METRICS)}")
        raise ToolFailure(f"not testable: no column {known.needs[-1]}")


@tool(cost=Cost.MODERATE)
def metric_values(context: ToolContext, arguments: MetricArguments) -> MetricValues:
    """One metric in a slice and window, next to what the trailing weeks let expect at the same hours of the week.

    Use it to check how far a metric moved. Not for causes: it compares, it does not explain.
    """
    measured = _measure(context, arguments)
    signal = measured.signal(arguments.metric)
    metric = signal.metric
    trials, harm, expected = _sums(signal, measured.rows)
    if trials <= 0:
        raise ToolFailure(f"{metric.id}: no order of {arguments.slice} in the window has a known outcome")
    orders = round(float(measured.frame.cube.orders[measured.rows].sum()))
    current, baseline = metric.value(harm / trials), metric.value(expected / trials)
    if metric.kind == "mean":
        delta = current - baseline
        return MetricValues(
            metric=metric.id, current_s=current, baseline_s=baseline, delta_s=delta, affected_orders=orders
        )
    ends = sorted(metric.value(bound) - baseline for bound in wilson(harm, trials))
    return MetricValues(
        metric=metric.id,
        current_share=current,
        baseline_share=baseline,
        delta_pp=100 * (current - baseline),
        low_pp=100 * ends[0],
        high_pp=100 * ends[1],
        z=_z(trials, harm, expected),
        affected_orders=orders,
    )


@tool(cost=Cost.MODERATE)
def cx_score(context: ToolContext, arguments: WindowArguments) -> CxChange:
    """CX Score and CX index of a slice and window against the baseline, component by component.

    Use it to say how much customers lost and through which metric.
    """
    measured = _measure(context, arguments)
    sums = {s.metric: _sums(s, measured.rows) for s in measured.heard if s.metric.weight}
    live = {metric: part for metric, part in sums.items() if part[0] > 0}
    current = cx({m.id: m.value(harm / trials) for m, (trials, harm, _) in live.items()})
    baseline = cx({m.id: m.value(expected / trials) for m, (trials, _, expected) in live.items()})
    if current is None or baseline is None:
        raise ToolFailure("CX not testable: no weighted metric is known in this window")
    return _change(baseline, current, round(float(measured.frame.cube.orders[measured.rows].sum())))


def _change(baseline: Score, current: Score, orders: int) -> CxChange:
    added = contributions(baseline, current)
    parts = tuple(
        ComponentChange(
            metric=after.metric,
            weight_share=after.weight,
            baseline_share=before.rate,
            current_share=after.rate,
            baseline_score=before.score,
            current_score=after.score,
            change_score=after.score_points - before.score_points,
            change_index_score=added[after.metric],
        )
        for before, after in zip(baseline.components, current.components, strict=True)
    )
    return CxChange(
        baseline_score=baseline.score,
        current_score=current.score,
        delta_score=current.score - baseline.score,
        baseline_index_score=baseline.index,
        current_index_score=current.index,
        delta_index_score=current.index - baseline.index,
        components=parts,
        left_out=current.left_out,
        window_orders=orders,
    )


@tool(cost=Cost.MODERATE)
def top_slices(context: ToolContext, arguments: TopArguments) -> TopSlices:
    """The few slices, hour ranges included, that together explain where a metric got worse within a slice and window.

    Each is listed for what it adds beyond those before it. An empty list means that no slice stands out.
    """
    measured = _measure(context, arguments)
    signal, cube = measured.signal(arguments.metric), measured.frame.cube
    if signal.metric.kind != "rate":
        raise ToolFailure(f"{signal.metric.id} is a mean: slices are ranked by rates only")
    inside = measured.rows & (signal.trials > 0)
    codes = {name: encode_labels(cube.columns[name][inside]) for name in cube.dims}
    grid = Grid.of(codes, cube.hour[inside], int(inside.sum()), max_dims=2)
    counts = Counts(signal.trials[inside], signal.harm[inside], signal.expected[inside])
    found = tuple(greedy(grid, counts, max_slices=arguments.most, alpha=_SURE))
    deltas = describe(grid, counts, found, cube.orders[inside])
    if signal.metric.better == "higher":
        deltas = (turned(delta) for delta in deltas)
    return TopSlices(
        metric=signal.metric.id, slices=tuple(deltas), tests=max((one.tests for one in found), default=0)
    )


@tool(cost=Cost.MODERATE)
def rate_mix(context: ToolContext, arguments: RateMixArguments) -> RateMixResult:
    """Whether a metric moved because its parts moved or because the mix of orders shifted between them.

    The parts are the values of one dimension; before is the baseline's span of days at the same hours.
    """
    measured = _measure(context, arguments)
    signal, cube = measured.signal(arguments.metric), measured.frame.cube
    if arguments.dimension not in cube.columns:
        known = ", ".join(cube.columns)
        raise ToolFailure(f"dimension = {arguments.dimension!r}: this dataset has {known}")
    values = encode_labels(cube.columns[arguments.dimension])
    before = measured.before & cube.rows(arguments.slice)
    parts = [_by_value(signal, values.of_row, rows, len(values.labels)) for rows in (before, measured.rows)]
    if not all(trials.sum() for trials, _ in parts):
        raise ToolFailure(f"{signal.metric.id}: no known outcome before or within the window")
    rates = [_rate(signal.metric, harm, trials) for trials, harm in parts]
    before_rate = np.where(parts[0][0] > 0, rates[0], rates[1])
    after_rate = np.where(parts[1][0] > 0, rates[1], rates[0])
    result = split(
        rate0=before_rate,
        rate1=after_rate,
        share0=parts[0][0] / parts[0][0].sum(),
        share1=parts[1][0] / parts[1][0].sum(),
    )
    return RateMixResult(
        metric=signal.metric.id,
        total_pp=100 * result.total,
        rate_pp=100 * result.rate,
        mix_pp=100 * result.mix,
        simpson=result.simpson,
    )


def _measure(context: ToolContext, arguments: WindowArguments) -> _Measured:
    settings = context.settings
    try:
        frame = prepare(context.dataset, grain="hour", settings=settings)
        inside = in_slice(frame.cells, arguments.slice)
    except (DataError, ValueError) as error:
        raise ToolFailure(str(error)) from error
    starts = cell_starts(frame.cells, context.dataset.mapping)
    window = in_window(starts, arguments.start, arguments.end)
    if not (window & inside).any():
        raise ToolFailure(f"no orders of {arguments.slice} between {arguments.start} and {arguments.end}")
    first = int(frame.cube.day[window].min())
    span = Span(settings.baseline_days, min(settings.warmup_days, max(first, 1)))
    history = frame.cube.day < first
    if not history.any():
        raise ToolFailure(f"no days before {arguments.start} to compare with")
    heard = signals.build(
        frame.cells,
        frame.cube,
        frame.metrics,
        ripe=[frame.ripe[metric.maturity] for metric in frame.metrics],
        history=history,
        span=span,
    )
    before = history & (frame.cube.day >= first - settings.baseline_days)
    return _Measured(frame, heard, window & inside, window, before)


def _sums(signal: Signal, rows: Bools) -> tuple[float, float, float]:
    """Trials, harm and expected harm."""
    return (
        float(signal.trials[rows].sum()),
        float(signal.harm[rows].sum()),
        float(signal.expected[rows].sum()),
    )


def _z(trials: float, harm: float, expected: float) -> float:
    """Signed root of the deviance, negative where it is worse than expected."""
    if not 0 < expected < trials:
        return 0.0
    worse, better = (
        float(log_likelihood_ratio(*(np.asarray([part]) for part in parts))[0])
        for parts in ((harm, expected, trials), (trials - harm, trials - expected, trials))
    )
    return float(np.sqrt(2 * better) - np.sqrt(2 * worse))


def _by_value(signal: Signal, of_row: Ints, rows: Bools, size: int) -> tuple[Floats, Floats]:
    trials, harm = (
        np.bincount(of_row[rows], weights=part[rows], minlength=size).astype(np.float64)
        for part in (signal.trials, signal.harm)
    )
    return trials, harm


def _rate(metric: Metric, harm: Floats, trials: Floats) -> Floats:
    share = np.divide(harm, trials, out=np.zeros_like(harm), where=trials > 0)
    return np.asarray(1 - share) if metric.better == "higher" else share
