"""Bayesian on-line change point of a rate: when did the present level begin, and how sure is that?

Every period either continues the current run or begins a new one. Within a run the bad events are beta-binomial, so
that the rate is integrated out and the recursion is exact. It is evidence for the onset; it raises no alarm.

References:
    R. Adams and D. MacKay (2007), Bayesian online changepoint detection.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HAZARD: Final = 1 / 150
"""Chance that any one period begins a new level."""
STRENGTH: Final = 20.0
"""Trials that the prior of a new run is worth."""


class RunLengths(NamedTuple):
    """Posterior of how many periods the present level has lasted."""

    p: Floats
    """Shape (series, periods + 1); entry r: the last r periods belong to the present level."""

    def changed_within(self, periods: int) -> Floats:
        """Probability, by series, that a change lies within the last `periods`."""
        return np.asarray(self.p[:, : periods + 1].sum(axis=1) - self.p[:, 0])

    def onset(self) -> Floats:
        """Probability, by series and period, that the present level began with that period."""
        return np.asarray(self.p[:, 1:][:, ::-1])


def run_lengths(
    harm: npt.ArrayLike,
    trials: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    hazard: float = HAZARD,
    strength: float = STRENGTH,
) -> RunLengths:
    """The posterior of the run length after the last period.

    Args:
        harm: bad events, shape (series, periods) or (periods,); need not be whole numbers.
        trials: what they are counted among, same shape; a period with none changes nothing.
        rate: expected by the baseline, one number a series.
        hazard: chance of a change in any period, in (0, 1).
        strength: trials that the prior of a new run is worth.

    Raises:
        ValueError: the shapes differ, or a bound is broken.

    Example:
        >>> harm = np.array([8, 7, 9, 8, 7, 8, 22, 21, 23])
        >>> found = run_lengths(harm, np.full(9, 100), 0.08)
        >>> int(found.onset()[0].argmax()), bool(found.changed_within(3)[0] > 0.9)
        (6, True)
    """
    bad, of = np.atleast_2d(np.asarray(harm, np.float64)), np.atleast_2d(np.asarray(trials, np.float64))
    prior = np.broadcast_to(np.asarray(rate, np.float64), bad.shape[:1])
    _check(bad, of, prior, hazard, strength)
    a0, b0 = prior * strength, (1 - prior) * strength
    series, periods = bad.shape
    log_p = np.full((series, periods + 1), -np.inf)
    log_p[:, 0] = 0.0
    a, b = np.tile(a0[:, None], periods + 1), np.tile(b0[:, None], periods + 1)
    for t in range(periods):
        log_p, a, b = _step(log_p, a, b, bad[:, t, None], of[:, t, None], t, hazard)
        a[:, 0], b[:, 0] = a0, b0
    return RunLengths(np.exp(log_p))


class _State(NamedTuple):
    log_p: Floats
    a: Floats
    b: Floats


def _step(log_p: Floats, a: Floats, b: Floats, harm: Floats, trials: Floats, t: int, hazard: float) -> _State:
    """One period: a run goes on, or a new one begins with this period."""
    from scipy.special import betaln, logsumexp

    live = slice(0, t + 1)
    predicted = betaln(a[:, live] + harm, b[:, live] + trials - harm) - betaln(a[:, live], b[:, live])
    fresh = predicted[:, :1]
    joint = log_p[:, live] + predicted + np.log1p(-hazard)
    begun = logsumexp(log_p[:, live], axis=1, keepdims=True) + fresh + np.log(hazard)
    grown = np.full_like(log_p, -np.inf)
    grown[:, 1 : t + 2] = joint
    grown[:, 1:2] = np.logaddexp(grown[:, 1:2], begun)
    grown -= logsumexp(grown, axis=1, keepdims=True)
    next_a, next_b = a.copy(), b.copy()
    next_a[:, 1 : t + 2] = a[:, live] + harm
    next_b[:, 1 : t + 2] = b[:, live] + trials - harm
    return _State(grown, next_a, next_b)


def _check(harm: Floats, trials: Floats, rate: Floats, hazard: float, strength: float) -> None:
    if harm.shape != trials.shape:
        raise ValueError(f"harm has shape {harm.shape}, trials {trials.shape}: they must agree")
    if (harm < 0).any() or (harm > trials).any():
        raise ValueError("harm must lie between 0 and trials")
    if not ((rate > 0) & (rate < 1)).all():
        raise ValueError(f"rate = {rate}: must lie inside (0, 1)")
    if not 0 < hazard < 1 or strength <= 0:
        raise ValueError(f"hazard = {hazard} must lie inside (0, 1), strength = {strength} be positive")
