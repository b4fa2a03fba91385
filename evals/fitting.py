"""Fits the confidence model: a penalised conditional logit, a binary logit, a temperature out of fold.

`fit` starts from nothing; `refit` from a model that is known, whose weights are the centre of a Gaussian prior.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from evals.samples import SPACE, Sample
from tools import logit
from tools.confidence.model import Bin, ConfidenceModel, Training, evened, softmax, standardise
from tools.features import CAUSES, CONTEXT, FEATURES, context

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RIDGE: Final = 1.0
FOLDS: Final = 5
BINS: Final = 10
CONFIDENT: Final = 0.7
TEMPERATURE_NEEDS: Final = 50
"""With fewer incidents a model that is refitted keeps its prior's temperature."""
ERRORS_NEEDED: Final = 5
"""So it does with fewer wrong answers out of fold: how sure to be is learned from errors alone."""
_EXPLAINED: Final = ("moved", "share")
"""Of the incident's features those that speak for a tested cause, and so against `other`."""
IMPOSSIBLE: Final = -1e9
"""Utility of a cause that was not tested."""


@dataclass(frozen=True)
class _Table:
    """Samples as arrays, standardised."""

    features: Floats
    """Shape (samples, causes, features)."""
    tested: npt.NDArray[np.bool_]
    """Shape (samples, causes)."""
    context: Floats
    """With a leading one, shape (samples, 1 + context)."""
    truth: Ints
    """Index of the right answer: causes, then none, then other."""
    second: Ints
    """Index of the other true cause; -1 where there is none."""
    world: Ints


@dataclass(frozen=True)
class _Scaling:
    means: tuple[float, ...]
    scales: tuple[float, ...]
    context_means: tuple[float, ...]
    context_scales: tuple[float, ...]


def fit(samples: Sequence[Sample]) -> ConfidenceModel:
    """The model of these samples, with its record of training.

    Raises:
        ValueError: fewer than two worlds a fold.
    """
    worlds = sorted({sample.world for sample in samples})
    if len(worlds) < 2 * FOLDS:
        raise ValueError(f"samples come from {len(worlds)} worlds, at least {2 * FOLDS} are needed")
    scaling = _scaling(samples)
    table = _table(samples, scaling)
    weights = _weights(table)
    held_out = _out_of_fold(table)
    temperature = _temperature(held_out, table.truth)
    odds = _unseen_odds(table.truth)
    n_features, n_context = len(FEATURES), len(CONTEXT) + 1
    return ConfidenceModel(
        means=scaling.means,
        scales=scaling.scales,
        context_means=scaling.context_means,
        context_scales=scaling.context_scales,
        weights=_plain(weights[:n_features]),
        none_weights=_plain(weights[n_features : n_features + n_context]),
        other_weights=_plain(weights[n_features + n_context :]),
        temperature=temperature,
        contributes_weights=_contributes(table),
        unseen_odds=odds,
        training=_record(samples, evened(softmax(held_out / temperature), odds), table.truth),
    )


def _unseen_odds(truth: Ints) -> float:
    """How many times commoner `none` is than `other`; 1 where either is missing."""
    none, other = (int(np.count_nonzero(truth == len(CAUSES) + at)) for at in (0, 1))
    return none / other if none and other else 1.0


@dataclass(frozen=True)
class Refit:
    """A model learned on top of another, and how both judge what the new one did not see."""

    model: ConfidenceModel
    temperature_refitted: bool
    before: Training
    after: Training
    """Weights and temperature out of fold."""
    gain: float
    """Mean log loss before less that after, nats an incident; positive is better."""
    gain_se: float
    """Its standard error, clustered by world."""


def refit(samples: Sequence[Sample], prior: ConfidenceModel, *, seeds: str) -> Refit:
    """The maximum a posteriori under a Gaussian prior of precision `RIDGE` around a known model's weights.

    Features are standardised as the prior has them, and the likelihood is that of its probabilities, temperature
    included; so without samples the prior itself would be the answer.

    Args:
        samples: incidents with their true cause; those of one world stay in one fold.
        prior: the model that is known; it must not have learned from these samples.
        seeds: says in the record where the samples are from.

    Raises:
        ValueError: fewer than two worlds a fold.
    """
    worlds = len({sample.world for sample in samples})
    if worlds < 2 * FOLDS:
        raise ValueError(f"samples come from {worlds} worlds, at least {2 * FOLDS} are needed")
    table = _table(samples, _Scaling(prior.means, prior.scales, prior.context_means, prior.context_scales))
    cooled = replace(
        table, features=table.features / prior.temperature, context=table.context / prior.temperature
    )
    centre = _Prior(np.array([*prior.weights, *prior.none_weights, *prior.other_weights]), prior.unseen_odds)
    enough = len(samples) >= TEMPERATURE_NEEDS and _errors(cooled, centre) >= ERRORS_NEEDED
    before = evened(softmax(_utilities(centre.weights, cooled)), centre.odds)
    after = _unseen(cooled, centre, temper=enough)
    learned = _learned(cooled, centre, temper=enough)
    gain = _gain(before, after, table)
    n_features, n_context = len(FEATURES), len(CONTEXT) + 1
    record = _record(samples, after, table.truth, seeds=seeds)
    model = prior.model_copy(
        update={
            "weights": _plain(learned.weights[:n_features]),
            "none_weights": _plain(learned.weights[n_features : n_features + n_context]),
            "other_weights": _plain(learned.weights[n_features + n_context :]),
            "temperature": prior.temperature * learned.temperature,
            "contributes_weights": _contributes(table, np.array(prior.contributes_weights)),
            "training": record,
        }
    )
    known = _record(samples, before, table.truth, seeds=seeds)
    return Refit(model, enough, known, record, gain.mean, gain.se)


class _Prior(NamedTuple):
    """What a model is refitted from."""

    weights: Floats
    odds: float
    """`ConfidenceModel.unseen_odds`."""


class _Learned(NamedTuple):
    weights: Floats
    temperature: float
    """Of the utilities that the prior's temperature has already divided."""


class _Gain(NamedTuple):
    mean: float
    se: float


def _learned(table: _Table, prior: _Prior, *, temper: bool) -> _Learned:
    temperature = 1.0
    if temper:
        held_out = _out_of_fold(table, prior)
        temperature = _temperature(held_out, table.truth, odds=prior.odds, precision=RIDGE)
    return _Learned(_weights(table, prior), temperature)


def _errors(table: _Table, prior: _Prior) -> int:
    """Wrong answers out of fold."""
    p = evened(softmax(_out_of_fold(table, prior)), prior.odds)
    return int(np.count_nonzero(p.argmax(axis=1) != table.truth))


def _unseen(table: _Table, prior: _Prior, *, temper: bool) -> Floats:
    """Probabilities of every sample by what was learned without its fold, temperature included."""
    p = np.zeros((len(table.truth), len(CAUSES) + 2))
    fold = _folds(table)
    for number in range(FOLDS):
        learned = _learned(_take(table, fold != number), prior, temper=temper)
        utilities = _utilities(learned.weights, _take(table, fold == number))
        p[fold == number] = evened(softmax(utilities / learned.temperature), prior.odds)
    return p


def _gain(before: Floats, after: Floats, table: _Table) -> _Gain:
    rows = np.arange(len(table.truth))
    each = np.log(np.maximum(after[rows, table.truth], 1e-300)) - np.log(
        np.maximum(before[rows, table.truth], 1e-300)
    )
    _, group = np.unique(table.world, return_inverse=True)
    sums = np.bincount(group, weights=each - each.mean())
    se = np.sqrt(len(sums) / (len(sums) - 1) * float(sums @ sums)) / len(each)
    return _Gain(float(each.mean()), float(se))


def _scaling(samples: Sequence[Sample]) -> _Scaling:
    vectors = np.array([r.vector() for s in samples for id_, r in s.readings.items() if id_ in CAUSES])
    incidents = np.array([context(sample.readings, sample.z) for sample in samples])
    return _Scaling(
        _plain(np.nanmean(vectors, axis=0)),
        _plain(np.maximum(np.nanstd(vectors, axis=0), 1e-6)),
        _plain(incidents.mean(axis=0)),
        _plain(np.maximum(incidents.std(axis=0), 1e-6)),
    )


def _table(samples: Sequence[Sample], scaling: _Scaling) -> _Table:
    features = np.zeros((len(samples), len(CAUSES), len(FEATURES)))
    tested = np.zeros((len(samples), len(CAUSES)), dtype=bool)
    answers = [*(id_.value for id_ in CAUSES), "none", "other"]
    for row, sample in enumerate(samples):
        for at, id_ in enumerate(CAUSES):
            if id_ in sample.readings:
                vector = np.array([sample.readings[id_].vector()])
                features[row, at] = standardise(vector, scaling.means, scaling.scales)[0]
                tested[row, at] = True
    incidents = np.array([context(sample.readings, sample.z) for sample in samples])
    scaled = standardise(incidents, scaling.context_means, scaling.context_scales)
    return _Table(
        features,
        tested,
        np.column_stack([np.ones(len(samples)), scaled]),
        np.array([answers.index(sample.label) for sample in samples]),
        np.array([-1 if sample.second is None else answers.index(sample.second) for sample in samples]),
        np.array([sample.world for sample in samples]),
    )


def _utilities(weights: Floats, table: _Table) -> Floats:
    n_features, n_context = len(FEATURES), len(CONTEXT) + 1
    causes = np.where(table.tested, table.features @ weights[:n_features], IMPOSSIBLE)
    none = table.context @ weights[n_features : n_features + n_context]
    other = table.context @ weights[n_features + n_context :]
    return np.column_stack([causes, none, other])


def _bounds() -> list[tuple[float | None, float | None]]:
    """Evidence for a cause never lowers it, and whatever speaks for a change never raises `none`.

    A few hundred incidents would otherwise leave signs to chance where features move together.
    """
    free, up, down = (None, None), (0.0, None), (None, 0.0)
    found = [down if name in _EXPLAINED else free for name in CONTEXT]
    return [*[up] * len(FEATURES), free, *[down] * len(CONTEXT), free, *found]


def _weights(table: _Table, prior: _Prior | None = None) -> Floats:
    """Minimise the penalised negative log-likelihood within `_bounds`.

    Without a prior the weights are drawn to zero and intercepts go free; with one, all are drawn to it: the maximum a
    posteriori under a Gaussian of precision `RIDGE`. There, free intercepts would run off after any answer that a short
    history happens not to have.
    """
    from scipy.optimize import minimize

    n_features, n_context = len(FEATURES), len(CONTEXT) + 1
    penalty = np.full(n_features + 2 * n_context, RIDGE)
    if prior is None:
        penalty[[n_features, n_features + n_context]] = 1e-6
    centre, odds = (np.zeros(len(penalty)), 1.0) if prior is None else prior
    rows = np.arange(len(table.truth))
    unexplained = table.truth >= len(CAUSES)

    def loss(weights: Floats) -> tuple[float, Floats]:
        p = softmax(_utilities(weights, table))
        said = evened(p, odds)
        value = -float(np.log(np.maximum(said[rows, table.truth], 1e-300)).sum())
        # How `none` and `other` share what they have depends on their own utilities alone.
        pair = (said - p)[unexplained, -2:] / np.maximum(p[unexplained, -2:].sum(axis=1), 1e-300)[:, None]
        p[unexplained, -2:] += pair
        p[rows, table.truth] -= 1.0
        gradient = np.concatenate(
            [
                np.einsum("sc,scf->f", np.where(table.tested, p[:, :-2], 0.0), table.features),
                table.context.T @ p[:, -2],
                table.context.T @ p[:, -1],
            ]
        )
        away = weights - centre
        return value + 0.5 * float(penalty @ away**2), gradient + penalty * away

    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=_bounds(), options={"maxiter": 2000})
    return np.asarray(found.x)


def _out_of_fold(table: _Table, prior: _Prior | None = None) -> Floats:
    utilities = np.zeros((len(table.truth), len(CAUSES) + 2))
    fold = _folds(table)
    for number in range(FOLDS):
        weights = _weights(_take(table, fold != number), prior)
        utilities[fold == number] = _utilities(weights, _take(table, fold == number))
    return utilities


def _folds(table: _Table) -> Ints:
    """The fold of every sample; a world is never divided."""
    order = {world: n for n, world in enumerate(np.unique(table.world))}
    return np.array([order[world] % FOLDS for world in table.world])


def _take(table: _Table, rows: npt.NDArray[np.bool_]) -> _Table:
    return _Table(
        *(
            getattr(table, name)[rows]
            for name in ("features", "tested", "context", "truth", "second", "world")
        )
    )


def _temperature(utilities: Floats, truth: Ints, *, odds: float = 1.0, precision: float = 0.0) -> float:
    """Guo et al. 2017; `precision` is that of a Gaussian prior on its logarithm, centred on the utilities as they are."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        p = evened(softmax(utilities / np.exp(log_temperature)), odds)[rows, truth]
        nats = -float(np.log(np.maximum(p, 1e-300)).mean())
        return nats + 0.5 * precision * log_temperature**2 / len(truth)

    found = minimize_scalar(loss, bounds=(-1.5, 2.5), method="bounded")
    return float(np.exp(found.x))


def _contributes(table: _Table, prior: Floats | None = None) -> tuple[float, ...]:
    """Binary logit over all tested (incident, cause) pairs: is it a true cause? Evidence never lowers it."""
    from scipy.optimize import minimize

    cause = np.arange(len(CAUSES))[None, :]
    either = (cause == table.truth[:, None]) | (cause == table.second[:, None])
    true = either[table.tested].astype(np.float64)
    design = np.column_stack([np.ones(len(true)), table.features[table.tested]])
    penalty = np.array([1e-6 if prior is None else RIDGE] + [RIDGE] * len(FEATURES))
    centre = np.zeros(len(penalty)) if prior is None else prior

    def loss(weights: Floats) -> tuple[float, Floats]:
        log_odds = design @ weights
        value = float(np.sum(np.logaddexp(0.0, log_odds) - true * log_odds))
        away = weights - centre
        gradient = design.T @ (logit.sigmoid(log_odds) - true) + penalty * away
        return value + 0.5 * float(penalty @ away**2), gradient

    bounds = [(None, None), *[(0.0, None)] * len(FEATURES)]
    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds)
    return _plain(np.asarray(found.x))


def _record(samples: Sequence[Sample], p: Floats, truth: Ints, *, seeds: str = SPACE) -> Training:
    rows = np.arange(len(truth))
    top, sure = p.argmax(axis=1), p.max(axis=1)
    right = top == truth
    fault, none = truth < len(CAUSES), truth == len(CAUSES)
    table = _reliability(sure, right)
    return Training(
        seeds=seeds,
        worlds=len({sample.world for sample in samples}),
        incidents=len(samples),
        labels=dict(sorted(Counter(sample.label for sample in samples).items())),
        folds=FOLDS,
        accuracy=float(right.mean()),
        fault_accuracy=float(right[fault].mean()) if fault.any() else 0.0,
        none_accuracy=float(right[none].mean()) if none.any() else 0.0,
        log_loss=-float(np.log(np.maximum(p[rows, truth], 1e-300)).mean()),
        expected_calibration_error=sum(b.answers * abs(b.confidence - b.accuracy) for b in table)
        / len(samples),
        confidently_wrong=float(((sure >= CONFIDENT) & ~right & (top < len(CAUSES))).mean()),
        reliability=table,
    )


def _reliability(sure: Floats, right: npt.NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Ten bins of equal size."""
    order = np.argsort(sure, kind="stable")
    return tuple(
        Bin(
            low=float(sure[part].min()),
            high=float(sure[part].max()),
            answers=len(part),
            confidence=float(sure[part].mean()),
            accuracy=float(right[part].mean()),
        )
        for part in np.array_split(order, BINS)
        if len(part)
    )


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
