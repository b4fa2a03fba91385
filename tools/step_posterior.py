"""When did a lasting step begin, and how sure is that: the exact posterior over its first period.

Before the step the standard scores are standard normal; from it on they share a height of its own, normal with a wide
spread and positive. With the height integrated out, each possible start has a Bayes factor against no step at all.

References:
    P. Fearnhead (2006), Exact and efficient Bayesian inference for multiple changepoint problems; here one step.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SPREAD: Final = 4.0
"""Prior standard deviation of a step's height, in standard errors of a period."""
PRIOR_NONE: Final = 0.5
"""That there is no step; the rest is shared evenly by the periods."""


def step_posterior(z: Floats, *, spread: float = SPREAD, none: float = PRIOR_NONE) -> Floats:
    """Probability of every start of a step, and of none.

    Args:
        z: standard scores by period, shape (n,), n at least 1.
        spread: prior standard deviation of the height, above 0.
        none: prior probability of no step, in (0, 1).

    Returns:
        Shape (n + 1,): entry k that the step began with period k, the last that there was none; they sum to one.

    Example:
        >>> p = step_posterior(np.array([0.3, -0.4, 0.2, 3.9, 4.4, 4.1]))
        >>> int(p.argmax()), bool(p[3] > 0.9), bool(step_posterior(np.zeros(6))[-1] > 0.8)
        (3, True, True)
    """
    from scipy.special import log_ndtr, logsumexp

    length = np.arange(len(z), 0, -1)
    total = np.cumsum(z[::-1])[::-1]
    shrunk = 1.0 + length * spread**2
    mean_over_sd = total * spread / np.sqrt(shrunk)
    log_factor = mean_over_sd**2 / 2 - np.log(shrunk) / 2 + np.log(2.0) + log_ndtr(mean_over_sd)
    log_p = np.append(log_factor + np.log((1.0 - none) / len(z)), np.log(none))
    return np.asarray(np.exp(log_p - logsumexp(log_p)))


def no_later(first: Floats, second: Floats) -> float:
    """Probability that the first step began no later than the second, given that both began.

    Args:
        first: a `step_posterior`.
        second: another over the same periods.

    Returns:
        Between 0 and 1; a half where neither can be told to have begun.

    Example:
        >>> no_later(np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.0]))
        1.0
    """
    one, two = first[:-1], second[:-1]
    both = float(one.sum() * two.sum())
    return float(np.cumsum(one) @ two) / both if both > 0 else 0.5
