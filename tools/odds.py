"""Rates that differ from cell to cell and move together: by one factor on the odds.

A drop does not add the same to every cell: where 2 % were late it may be 4 %, where 30 % were late not 60 %. One
factor on the odds keeps every rate between 0 and 1, and its likelihood is exact where the cells' rates differ.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_STEPS: Final = 60
_CLOSE: Final = 1e-12
_LARGEST: Final = 60.0
"""Largest logarithm of a factor."""


class Raised(NamedTuple):
    """Expectations after one factor on the odds."""

    expected: Floats
    factor: float
    score: float
    """Log-likelihood ratio of the factor against none; 0 where it is not above 1."""


def raise_odds(expected: Floats, trials: Floats, total: float) -> Raised:
    """Multiply the odds of all cells by the one factor that makes the expectations sum to `total`.

    Args:
        expected: harm expected in each cell, shape (cells,).
        trials: what it is counted among.
        total: harm seen in all cells together.

    Example:
        >>> raised = raise_odds(np.array([2.0, 30.0]), np.array([100.0, 100.0]), 50.0)
        >>> raised.expected.round(1).tolist(), round(raised.factor, 2), round(raised.score, 2)
        ([3.9, 46.1], 1.99, 6.44)

    References:
        Z. Zhang, D. Neill (2016), Identifying significant predictive bias in classifiers.
    """
    limit = float(trials.sum())
    share = np.clip(np.divide(expected, trials, out=np.zeros_like(expected), where=trials > 0), 0.0, 1.0)
    open_ = (share > 0) & (share < 1)
    fixed = float(trials[share >= 1].sum())
    if not open_.any() or total <= fixed or total >= limit:
        return _proportional(expected, trials, total)
    odds = np.where(open_, share / np.where(open_, 1 - share, 1.0), 0.0)
    log_factor = _solve(odds[open_], trials[open_], total - fixed)
    new = _share(odds, log_factor)
    raised = np.where(open_, trials * new, trials * share)
    likelihood = (total - fixed) * log_factor - float(
        np.sum(trials[open_] * (np.log1p(-share[open_]) - np.log1p(-new[open_])))
    )
    return Raised(raised, float(np.exp(log_factor)), max(likelihood, 0.0) if log_factor > 0 else 0.0)


def _share(odds: Floats, log_factor: float) -> Floats:
    up = odds * np.exp(log_factor)
    return np.asarray(np.minimum(up / (1 + up), 1 - 1e-15))


def _solve(odds: Floats, trials: Floats, total: float) -> float:
    """Newton's steps on the logarithm of the factor, halved into the bracket where they leave it."""
    low, high, at = -_LARGEST, _LARGEST, 0.0
    for _ in range(_STEPS):
        share = _share(odds, at)
        gap = float(np.sum(trials * share)) - total
        if abs(gap) <= _CLOSE * max(total, 1.0):
            break
        low, high = (low, at) if gap > 0 else (at, high)
        slope = float(np.sum(trials * share * (1 - share)))
        step = at - gap / slope if slope > 0 else np.inf
        at = step if low < step < high else (low + high) / 2
    return at


def _proportional(expected: Floats, trials: Floats, total: float) -> Raised:
    """Where no factor on the odds reaches the total: all or nothing, or in proportion to the trials."""
    limit, awaited = float(trials.sum()), float(expected.sum())
    if total >= limit or awaited <= 0:
        new = trials * (total / limit) if limit > 0 else expected
    else:
        new = expected * (total / awaited)
    with np.errstate(divide="ignore"):
        score = total * np.log(total / awaited) if awaited > 0 and total > awaited else 0.0
    return Raised(np.asarray(new), np.inf, float(score))
