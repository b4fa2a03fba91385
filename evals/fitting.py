"""Fits the confidence model: a penalised conditional logit, a binary logit, a temperature out of fold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from evals.samples import SPACE, Sample
from tools import logit
from tools.confidence.model import Bin, ConfidenceModel, Training, softmax, standardise
from tools.features import CAUSES, CONTEXT, FEATURES, context

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RIDGE: Final = 1.0
FOLDS: Final = 5
BINS: Final = 10
CONFIDENT: Final = 0.7
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
        training=_record(samples, softmax(held_out / temperature), table.truth),
    )


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
    return [*[up] * len(FEATURES), free, *[down] * len(CONTEXT), free, free, *[down] * (len(CONTEXT) - 1)]


def _weights(table: _Table) -> Floats:
    """Minimise the penalised negative log-likelihood within `_bounds`; intercepts go free."""
    from scipy.optimize import minimize

    n_features, n_context = len(FEATURES), len(CONTEXT) + 1
    penalty = np.full(n_features + 2 * n_context, RIDGE)
    penalty[[n_features, n_features + n_context]] = 1e-6
    rows = np.arange(len(table.truth))

    def loss(weights: Floats) -> tuple[float, Floats]:
        p = softmax(_utilities(weights, table))
        value = -float(np.log(np.maximum(p[rows, table.truth], 1e-300)).sum())
        p[rows, table.truth] -= 1.0
        gradient = np.concatenate(
            [
                np.einsum("sc,scf->f", np.where(table.tested, p[:, :-2], 0.0), table.features),
                table.context.T @ p[:, -2],
                table.context.T @ p[:, -1],
            ]
        )
        return value + 0.5 * float(penalty @ weights**2), gradient + penalty * weights

    start = np.zeros(len(penalty))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=_bounds(), options={"maxiter": 2000})
    return np.asarray(found.x)


def _out_of_fold(table: _Table) -> Floats:
    utilities = np.zeros((len(table.truth), len(CAUSES) + 2))
    order = {world: n for n, world in enumerate(np.unique(table.world))}
    fold = np.array([order[world] % FOLDS for world in table.world])
    for number in range(FOLDS):
        weights = _weights(_take(table, fold != number))
        utilities[fold == number] = _utilities(weights, _take(table, fold == number))
    return utilities


def _take(table: _Table, rows: npt.NDArray[np.bool_]) -> _Table:
    return _Table(
        *(
            getattr(table, name)[rows]
            for name in ("features", "tested", "context", "truth", "second", "world")
        )
    )


def _temperature(utilities: Floats, truth: Ints) -> float:
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        p = softmax(utilities / np.exp(log_temperature))[rows, truth]
        return -float(np.log(np.maximum(p, 1e-300)).mean())

    found = minimize_scalar(loss, bounds=(-1.5, 2.5), method="bounded")
    return float(np.exp(found.x))


def _contributes(table: _Table) -> tuple[float, ...]:
    """Binary logit over all tested (incident, cause) pairs: is it a true cause? Evidence never lowers it."""
    from scipy.optimize import minimize

    cause = np.arange(len(CAUSES))[None, :]
    either = (cause == table.truth[:, None]) | (cause == table.second[:, None])
    true = either[table.tested].astype(np.float64)
    design = np.column_stack([np.ones(len(true)), table.features[table.tested]])
    penalty = np.array([1e-6] + [RIDGE] * len(FEATURES))

    def loss(weights: Floats) -> tuple[float, Floats]:
        log_odds = design @ weights
        value = float(np.sum(np.logaddexp(0.0, log_odds) - true * log_odds))
        gradient = design.T @ (logit.sigmoid(log_odds) - true) + penalty * weights
        return value + 0.5 * float(penalty @ weights**2), gradient

    bounds = [(None, None), *[(0.0, None)] * len(FEATURES)]
    found = minimize(loss, np.zeros(len(penalty)), jac=True, method="L-BFGS-B", bounds=bounds)
    return _plain(np.asarray(found.x))


def _record(samples: Sequence[Sample], p: Floats, truth: Ints) -> Training:
    rows = np.arange(len(truth))
    top, sure = p.argmax(axis=1), p.max(axis=1)
    right = top == truth
    fault, none = truth < len(CAUSES), truth == len(CAUSES)
    table = _reliability(sure, right)
    return Training(
        seeds=SPACE,
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
