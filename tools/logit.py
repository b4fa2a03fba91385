"""Logistic regression by iteratively reweighted least squares: small, exact, without a random state.

Reference: McCullagh and Nelder, Generalized Linear Models, 2nd ed., 1989, section 2.5.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ITERATIONS = 50
TOLERANCE = 1e-10
HALVINGS = 30


@dataclass(frozen=True)
class Logit:
    """A fitted model on the log-odds scale."""

    intercept: float
    coefficients: Floats

    def log_odds(self, features: Floats) -> Floats:
        """Log-odds by row, shape (n,)."""
        return np.asarray(self.intercept + features @ self.coefficients)

    def probability(self, features: Floats) -> Floats:
        """Probability by row, shape (n,)."""
        return sigmoid(self.log_odds(features))


def sigmoid(log_odds: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)))


def fit(features: Floats, outcome: Floats, *, ridge: float = 1e-6) -> Logit:
    """Fit by Newton's method with a ridge penalty on the coefficients, not on the intercept.

    Args:
        features: shape (n, k); scale them yourself where the ridge should mean the same for all.
        outcome: shape (n,), 0 to 1.
        ridge: penalty `ridge / 2 * |coefficients|^2`; a small one keeps separable data finite.

    Example:
        >>> x = np.array([[0.0]] * 10 + [[1.0]] * 10)
        >>> y = np.array([1.0] * 2 + [0.0] * 8 + [1.0] * 5 + [0.0] * 5)
        >>> model = fit(x, y)
        >>> round(model.intercept, 4), round(float(model.coefficients[0]), 4)
        (-1.3863, 1.3863)
    """
    design = np.column_stack([np.ones(len(features)), features])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 1e-12
    weights = np.zeros(design.shape[1])
    weights[0] = _log_odds(float(outcome.mean()))
    loss = _loss(weights, design, outcome, penalty)
    for _ in range(ITERATIONS):
        p = sigmoid(design @ weights)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.lstsq(curvature, design.T @ (outcome - p) - penalty * weights, rcond=None)[0]
        if float(np.abs(step).max()) < TOLERANCE:
            break
        weights, loss = _descend(weights, step, loss, lambda w: _loss(w, design, outcome, penalty))
    return Logit(float(weights[0]), weights[1:])


def _loss(weights: Floats, design: Floats, outcome: Floats, penalty: Floats) -> float:
    """Penalised negative log-likelihood."""
    log_odds = design @ weights
    return float(np.sum(np.logaddexp(0.0, log_odds) - outcome * log_odds) + 0.5 * penalty @ weights**2)


def _descend(
    weights: Floats, step: Floats, loss: float, at: Callable[[Floats], float]
) -> tuple[Floats, float]:
    """Halve the step until the loss falls: a whole Newton step may jump over the minimum."""
    for _ in range(HALVINGS):
        moved = weights + step
        now = at(moved)
        if now <= loss:
            return moved, now
        step = step / 2
    return weights, loss


def _log_odds(share: float) -> float:
    share = min(max(share, 1e-6), 1 - 1e-6)
    return float(np.log(share / (1 - share)))
