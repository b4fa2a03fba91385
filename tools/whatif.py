"""What-if: what an intervention would have done to the orders of an incident, by g-computation.

The outcome model is fitted on the slice's baseline and incident; a question that these orders never saw an
answer to is refused. The interval holds what other defensible adjustments say as well as sampling. Effects are deltas
against doing nothing, over the incident's orders. What a change does to demand is not in the data and is listed as not
testable, never as free.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from threadpoolctl import threadpool_limits

from data.dataset import Dataset
from data.slices import Slice
from tools.efficiency import Posed, efficiency_of
from tools.gcomputation import DEFAULT, Adjustment, Limits, Standardisation, UnsupportedError
from tools.incidents import Window
from tools.interventions import Intervention, Question, history, orders_between, pose, rows_in
from tools.metrics import METRICS, Metric, available
from tools.promise import punctuality
from tools.recommendations import Effect, Guardrail
from tools.registry import Arguments, Cost, Result, ToolContext, tool
from tools.score import cx
from tools.settings import AnalysisSettings

Floats = npt.NDArray[np.float64]

_LEAST_KNOWN: Final = 0.5
"""Share of a metric's orders whose driver must be known for an effect on it."""
_ENOUGH: Final = 0.95
"""Coverage below which a coarser adjustment is tried."""
_POINT: Final = 2
"""Bootstrap draws where only the estimate is read."""
_AFTER_ARRIVAL: Final = {"refund", "support", "rating"}
"""Outcomes that can answer to lateness; the promise's own two are recomputed."""


class WhatIfArguments(Arguments):
    """Which orders, and what would have been different."""

    slice: Slice
    """Orders that the intervention reaches."""
    window: Window
    """Days of the incident; the baseline is what lies before."""
    intervention: Intervention


class WhatIfResult(Result):
    """Effects against doing nothing, over the slice's orders in the window."""

    effects: dict[str, Effect]
    """By metric, CX Score (`cx_score`) and CX index (`cx_index`) included."""
    efficiency: dict[str, Effect]
    not_testable: tuple[Guardrail, ...]
    """Side effects that these data cannot speak to."""
    observed: dict[str, float]
    """The metrics as they were."""
    coverage_share: Annotated[float, Field(ge=0, le=1)]
    """Share of the orders for which the answer was seen; the rest is taken as unchanged."""
    affected_orders: int
    baseline_orders: int
    adjusted_for: tuple[str, ...]
    blocks: tuple[str, ...]
    """What the interval takes as independent."""
    intervention: str


@tool(cost=Cost.MODERATE)
def what_if(context: ToolContext, arguments: WhatIfArguments) -> WhatIfResult:
    """Estimate what an intervention would have changed for the orders of an incident.

    Use it to weigh a fix. It refuses levels that were never seen under comparable load, and it does not
    foresee what customers do about longer promises or a narrower selection.
    """
    with threadpool_limits(1):
        return estimate(
            context.dataset,
            where=arguments.slice,
            window=arguments.window,
            intervention=arguments.intervention,
            settings=context.settings,
        )


class _Change(NamedTuple):
    """A metric's delta with its bootstrap draws."""

    estimate: float
    draws: Floats
    readings: tuple[float, ...] = ()
    """The delta by every reading of the question and every adjustment, where there is more than one."""

    @property
    def gap(self) -> float:
        """Half of what the readings differ by."""
        return (max(self.readings) - min(self.readings)) / 2 if self.readings else 0.0


def estimate(
    dataset: Dataset,
    *,
    where: Slice,
    window: Window,
    intervention: Intervention,
    settings: AnalysisSettings,
    doubted: bool = True,
) -> WhatIfResult:
    """As the tool `what_if`.

    Args:
        dataset: everything that was recorded.
        where: orders that the intervention reaches.
        window: days of the incident.
        intervention: what is changed.
        settings: of the analysis.
        doubted: whether the interval holds what other defensible adjustments say as well; leave it out to compare
            settings of one action, or where another model is asked.

    Raises:
        ToolFailure: the question cannot be answered from these data; says why.
    """
    question = pose(dataset, where=where, window=window, intervention=intervention, settings=settings)
    question, standard = _supported(question, settings)
    changes = _read(question, standard, intervention, settings)
    if doubted:
        others = [_read(q, s, intervention, settings) for q, s in _other_adjustments(question, settings)]
        changes = _doubted(changes, others)
    if intervention.driver == "promise_s":
        changes |= _punctual(dataset, question, standard, float(intervention.amount or 0.0))
    facts = dataset.facts()
    chosen = rows_in(facts, where)
    now = facts[chosen & orders_between(facts, window)]
    observed = rates(now)
    efficiency = efficiency_of(dataset, Posed(where, window, intervention, question, standard), settings)
    return WhatIfResult(
        effects=_effects(changes, observed, standard.quantile),
        efficiency=efficiency.effects,
        not_testable=(*_silent(intervention, changes, observed), *efficiency.not_testable),
        observed=observed,
        coverage_share=standard.coverage * question.known_share,
        affected_orders=len(now),
        baseline_orders=int((chosen & history(facts, window, settings.baseline_days)).sum()),
        adjusted_for=(*question.covariates, *question.adjust),
        blocks=question.block,
        intervention=str(intervention),
    )


def _supported(question: Question, settings: AnalysisSettings) -> tuple[Question, Standardisation]:
    """The finest adjustment that nearly all orders have support for; coarser ones give up covariates."""
    while len(question.covariates) > 1:
        try:
            standard = standardise(question, settings)
        except UnsupportedError:
            question = question.narrowed()
            continue
        if standard.coverage >= _ENOUGH:
            return question, standard
        question = question.narrowed()
    return question, standardise(question, settings)


def _other_adjustments(
    question: Question, settings: AnalysisSettings
) -> Iterator[tuple[Question, Standardisation]]:
    """The same question held otherwise: with a covariate less, and with one effect at all loads."""
    others = [question.narrowed()] if len(question.covariates) > 1 else []
    if question.modifier is not None:
        others.append(replace(question, modifier=None))
    for other in others:
        try:
            yield other, standardise(other, settings, draws=_POINT)
        except UnsupportedError:
            continue


def standardise(
    question: Question, settings: AnalysisSettings, *, draws: int = DEFAULT.draws
) -> Standardisation:
    """The question made ready for any outcome; raises `UnsupportedError` outside the observed support."""
    return Standardisation(
        question.rows,
        treatment="treatment",
        level=question.asked,
        adjustment=Adjustment(question.covariates, question.modifier, question.adjust),
        block=question.block,
        cohort=question.cohort,
        limits=Limits(seed=settings.seed, min_rows=settings.min_slice_orders, draws=draws),
    )


def _counted(rows: pd.DataFrame, metric: Metric) -> tuple[Floats, Floats]:
    """Numerator and denominator of a metric by row; 0 where the order is too young to count."""
    old = rows[f"mature_{metric.maturity}"].to_numpy(np.float64)
    numerator = rows[metric.numerator].to_numpy(np.float64) * old
    return numerator, rows[metric.denominator].to_numpy(np.float64) * metric.scale * old


def rates(rows: pd.DataFrame) -> dict[str, float]:
    """Every metric that these orders allow, orders too young to count left out."""
    found: dict[str, float] = {}
    for metric in available(map(str, rows)):
        numerator, denominator = _counted(rows, metric)
        if denominator.sum() > 0:
            found[metric.id] = float(numerator.sum() / denominator.sum())
    return found


def _read(
    question: Question, standard: Standardisation, intervention: Intervention, settings: AnalysisSettings
) -> dict[str, _Change]:
    """Changes by metric, midway between the two readings of the question where it has two."""
    changes = _changes(question, standard, intervention)
    if question.otherwise is None:
        return changes
    other = replace(question, asked=question.otherwise)
    held = standardise(other, settings, draws=len(next(iter(changes.values())).draws) if changes else _POINT)
    return _between(changes, _changes(other, held, intervention))


def _doubted(changes: Mapping[str, _Change], others: Sequence[Mapping[str, _Change]]) -> dict[str, _Change]:
    """The same estimates, with what the other adjustments say among their readings."""
    return {
        name: change._replace(
            readings=(
                *(change.readings or (change.estimate,)),
                *(other[name].estimate if name in other else change.estimate for other in others),
            )
        )
        for name, change in changes.items()
    }


def _changes(question: Question, standard: Standardisation, intervention: Intervention) -> dict[str, _Change]:
    changes: dict[str, _Change] = {}
    for metric in available(map(str, question.rows)):
        if intervention.driver == "promise_s" and metric.maturity not in _AFTER_ARRIVAL:
            continue
        numerator, denominator = _counted(question.rows, metric)
        known = _known_share(question, metric)
        if known == 0 or denominator[question.cohort].sum() <= 0:
            continue
        effect = standard.estimate(numerator, denominator, share=metric.kind == "rate")
        changes[metric.id] = _Change(effect.estimate * known, effect.draws * known)
    return changes


def _between(one: Mapping[str, _Change], other: Mapping[str, _Change]) -> dict[str, _Change]:
    """Midway between two readings, with both of them."""
    return {
        name: _Change(
            (one[name].estimate + other[name].estimate) / 2,
            (one[name].draws + other[name].draws) / 2,
            (one[name].estimate, other[name].estimate),
        )
        for name in one.keys() & other.keys()
    }


def _known_share(question: Question, metric: Metric) -> float:
    """Share of the metric's incident orders whose driver is known; 0 where the bad ones mostly have none.

    Cancelled orders often have no driver: then nothing can be said about cancellation.
    """
    inside, outside = question.rows[question.cohort], question.left_out
    bad = float(metric.harm(inside).sum()), float(metric.harm(outside).sum())
    if bad[1] > bad[0] * (1 - _LEAST_KNOWN) / _LEAST_KNOWN:
        return 0.0
    trials = float(metric.trials(inside).sum()), float(metric.trials(outside).sum())
    return trials[0] / max(sum(trials), 1.0)


def _punctual(
    dataset: Dataset, question: Question, standard: Standardisation, add_s: float
) -> dict[str, _Change]:
    """On-time and ETA error under a longer promise, recomputed order by order."""
    rows = question.rows
    moved = punctuality(rows, add_s=add_s, rule=dataset.mapping.on_time)
    changes: dict[str, _Change] = {}
    for metric in available(map(str, rows)):
        if metric.id in moved:
            before, denominator = _counted(rows, metric)
            delta = np.where(denominator > 0, moved[metric.id] - before, 0.0)
            ratio = standard.resampled_ratio(delta, denominator)
            changes[metric.id] = _Change(ratio.estimate, ratio.draws)
    return changes


def _effects(
    changes: Mapping[str, _Change], observed: Mapping[str, float], quantile: float
) -> dict[str, Effect]:
    effects = {
        name: _effect(change, quantile, METRICS[name].unit) for name, change in sorted(changes.items())
    }
    return effects | _composites(changes, observed, quantile)


def _effect(change: _Change, quantile: float, unit: str) -> Effect:
    half = quantile * float(np.std(change.draws)) + change.gap
    return Effect(
        estimate=change.estimate, low=change.estimate - half, high=change.estimate + half, unit=unit
    )


def _composites(
    changes: Mapping[str, _Change], observed: Mapping[str, float], quantile: float
) -> dict[str, Effect]:
    """CX Score and CX index; what cannot be told stays as it was."""
    before = cx(observed)
    moved = {name: change for name, change in changes.items() if name in observed}
    if before is None or not moved:
        return {}
    point = cx(_moved(observed, {name: change.estimate for name, change in moved.items()}))
    count = len(next(iter(moved.values())).draws)
    drawn = [
        cx(_moved(observed, {name: float(change.draws[n]) for name, change in moved.items()}))
        for n in range(count)
    ]
    if point is None:
        return {}
    scores = np.array([d.score for d in drawn if d is not None])
    indices = np.array([d.index for d in drawn if d is not None])
    read = [cx(_moved(observed, deltas)) for deltas in _readings(moved)]
    return {
        "cx_score": _effect(
            _Change(point.score - before.score, scores, tuple(r.score for r in read if r)), quantile, "score"
        ),
        "cx_index": _effect(
            _Change(point.index - before.index, indices, tuple(r.index for r in read if r)), quantile, "score"
        ),
    }


def _readings(changes: Mapping[str, _Change]) -> Iterator[Mapping[str, float]]:
    """The deltas of all metrics by every reading."""
    count = max((len(change.readings) for change in changes.values()), default=0)
    for number in range(count):
        yield {n: c.readings[number] if c.readings else c.estimate for n, c in changes.items()}


def _moved(observed: Mapping[str, float], deltas: Mapping[str, float]) -> dict[str, float | None]:
    return {name: rate + deltas.get(name, 0.0) for name, rate in observed.items()}


def _silent(
    intervention: Intervention, changes: Mapping[str, _Change], observed: Mapping[str, float]
) -> tuple[Guardrail, ...]:
    """What these data cannot tell about the intervention."""
    missing = [
        Guardrail(metric=name, reason=f"{intervention.driver} is not known for most of these orders")
        for name in sorted(observed.keys() - changes.keys())
    ]
    unseen = _UNSEEN.get(intervention.driver, _UNSEEN["policy"])
    return (*missing, *(Guardrail(metric=name, reason=reason) for name, reason in unseen))


_NO_VISITS: Final = "visits that did not become orders are not in these data"
_UNSEEN: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "promise_s": (("conversion", f"a longer promise may put customers off: {_NO_VISITS}"),),
    "unavailable_items": (("conversion", f"a narrower selection may put customers off: {_NO_VISITS}"),),
    "store_intake": (("conversion", f"customers sent away may not come back: {_NO_VISITS}"),),
    "couriers": (
        (
            "courier_moves",
            "couriers that come may be missed elsewhere, which a region's own count cannot show",
        ),
    ),
    "policy": (("conversion", f"promises may change with the policy: {_NO_VISITS}"),),
}
