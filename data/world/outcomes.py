"""What the customer does: cancel, get money back, complain, rate."""

from collections.abc import Callable
from typing import Final

import numpy as np

from data.world.arrays import Bools, Floats, Ints

LATE_S: Final = 300.0
"""Later than this after the promise is late."""
VERY_LATE_S: Final = 900.0

CANCEL_BASE: Final = -3.90
CANCEL_PER_WAIT: Final = 0.63
"""Log-odds of cancelling with every ten minutes of waiting for couriers and batches."""
CANCEL_PER_LATE: Final = 0.60
"""Log-odds of cancelling with every ten minutes behind the promise."""
TEN_MINUTES: Final = 600.0


Link = Callable[[Floats], Floats]


def logistic(log_odds: Floats) -> Floats:
    """The probability of log-odds."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def cloglog(eta: Floats) -> Floats:
    """The complementary log-log: like the logistic where rare, steeper where not."""
    return np.asarray(1 - np.exp(-np.exp(eta)))


def cancels(wait_s: Ints, lateness_s: Ints, mood: Floats, uniform: Floats, link: Link = logistic) -> Bools:
    """Which orders are cancelled.

    Args:
        wait_s: wait for couriers and batch.
        lateness_s: how far behind the promise it would arrive.
        mood: added to the log-odds.
        uniform: uniform draws.
        link: from log-odds to a probability.
    """
    behind = np.clip(lateness_s, 0, 3 * TEN_MINUTES) / TEN_MINUTES
    waiting = np.clip(wait_s, 0, 4 * TEN_MINUTES) / TEN_MINUTES
    log_odds = CANCEL_BASE + mood + CANCEL_PER_WAIT * waiting + CANCEL_PER_LATE * behind
    return np.asarray(uniform < link(log_odds))


def late_refund(lateness_s: Ints, uniform: Floats) -> Bools:
    """Which delivered orders get money back for being late."""
    probability = np.where(lateness_s > VERY_LATE_S, 0.20, np.where(lateness_s > LATE_S, 0.03, 0.002))
    return np.asarray(uniform < probability)


LINE_REFUND_MISSING: Final = 0.50
LINE_REFUND_SUBSTITUTED: Final = 0.06


def contacts(
    lateness_s: Ints,
    missing: Bools,
    replaced: Bools,
    canceled: Bools,
    *,
    mood: Floats,
    uniform: Floats,
    link: Link = logistic,
) -> Bools:
    """Which orders end with a support ticket."""
    log_odds = -4.1 + 1.0 * (lateness_s > LATE_S) + 0.9 * (lateness_s > VERY_LATE_S)
    log_odds = np.where(canceled, -2.2, log_odds + 1.8 * missing + 0.5 * replaced)
    return np.asarray(uniform < link(log_odds + mood))


def stars(lateness_s: Ints, missing: Bools, replaced: Bools, normal: Floats) -> Ints:
    """Stars of a delivered order, 1 to 5."""
    mood = 4.78 - 0.55 * (lateness_s > LATE_S) - 0.7 * (lateness_s > VERY_LATE_S)
    mood = mood - 0.8 * missing - 0.25 * replaced
    given: Ints = np.clip(np.rint(mood + 0.62 * normal), 1, 5).astype(np.int64)
    return given


RATED: Final = 0.34
"""Share of the delivered orders that are rated."""


def lag_s(mean_s: float, exponential: Floats) -> Ints:
    """Whole seconds between an event and what the customer or the house does about it."""
    lag: Ints = np.rint(60 + mean_s * exponential).astype(np.int64)
    return lag
