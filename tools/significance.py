"""From counts to significance: signed deviance, its p-value under an estimated variance, and the z scale."""

from math import comb

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

_LEAST_P = 1e-300


def log_likelihood_ratio(harm: Floats, expected: Floats, trials: Floats) -> Floats:
    """Log-likelihood of the observed rate over that of the expected one; 0 where it is not worse.

    Args:
        harm: bad events seen, between 0 and `trials`.
        expected: bad events expected, above 0.
        trials: what they are counted among.

    Example:
        >>> log_likelihood_ratio(np.array([20.0, 5.0]), np.array([10.0, 10.0]), np.array([100.0, 100.0])).round(2)
        array([4.44, 0.  ])

    References:
        M. Kulldorff (1997), A spatial scan statistic; D. Neill (2009), expectation-based form.
    """
    good, expected_good = trials - harm, trials - expected
    ratio = special.xlogy(harm, harm / expected) + special.xlogy(good, good / expected_good)
    return np.where(harm > expected, ratio, 0.0)


def p_value(statistic: Floats, freedom: Floats) -> Floats:
    """One-sided p-value of a standard score whose variance was estimated (Student's t).

    Example:
        >>> p_value(np.array([2.0]), np.array([28.0])).round(4).tolist()
        [0.0276]
    """
    tail = special.betainc(freedom / 2, 0.5, freedom / (freedom + np.square(statistic))) / 2
    return np.where(statistic >= 0, tail, 1 - tail)


def unskewed(score: Floats, skew: Floats) -> Floats:
    """The normal score with the same upper tail as a skewed sum of rare events at this standard score.

    Example:
        >>> unskewed(np.array([5.0, 5.0]), np.array([0.0, 1.0])).round(1).tolist()
        [5.0, 3.3]

    References:
        Matches the first three moments by a shifted gamma (Pearson type III).
    """
    shape = 4 / np.square(np.maximum(skew, 0.002))
    return z_of(special.gammaincc(shape, shape + score * np.sqrt(shape)))


def z_of(p: Floats) -> Floats:
    """The standard normal score with this upper tail; the scale on which results are shown.

    Example:
        >>> z_of(np.array([0.5, 0.025])).round(2).tolist()
        [0.0, 1.96]
    """
    return np.asarray(-special.ndtri(np.clip(p, _LEAST_P, 1 - 1e-16))) + 0.0


def predictive_mid_p(harm: Floats, trials: Floats, rate: Floats, *, phi: Floats, history: Floats) -> Floats:
    """One-sided mid-p of so many bad events under the beta-binomial that past periods predict.

    The over-dispersion `phi` of a period and the error of the baseline, which rests on `history` trials, widen the
    beta distribution of the rate; counts stay counts, so that small slices keep their size under the null.

    Args:
        harm: bad events seen.
        trials: what they are counted among, above 0.
        rate: expected by the baseline, inside (0, 1).
        phi: variance of a period's count over the binomial's, at least 1.
        history: trials behind the baseline's rate, above 0.

    Example:
        >>> one = np.array([1.0])
        >>> p = predictive_mid_p(15 * one, 100 * one, .08 * one, phi=one, history=2800 * one)
        >>> round(float(p[0]), 4)
        0.0108

    References:
        D. Laney (2002), Improved control charts for attributes; mid-p: H. Lancaster (1961), Significance tests in
        discrete distributions.
    """
    from scipy.stats import betabinom

    rho = np.maximum((phi - 1) / np.maximum(trials - 1, 1.0), 1e-9)
    total = 1 / rho - 1
    # The baseline's own error, as so much more spread of the rate.
    spread = 1 / np.maximum(total, 1e-9) + phi / history
    a, b = rate / spread, (1 - rate) / spread
    seen = np.round(harm)
    p = betabinom.sf(seen, trials, a, b) + 0.5 * betabinom.pmf(seen, trials, a, b)
    return np.asarray(np.clip(p, _LEAST_P, 1.0), dtype=np.float64)


def joint_p(p: Floats) -> Floats:
    """One p-value of several independent one-sided tests, each of which counts only where it shows harm.

    The squares of the positive scores add up; their sum follows a chi-bar-square, a mixture over how many of the
    scores are positive.

    Args:
        p: one-sided, shape (tests, n).

    Returns:
        Shape (n,); 1 where no test shows harm.

    Example:
        >>> joint_p(np.array([[0.01, 0.01, 0.9], [0.01, 0.5, 0.9]])).round(5).tolist()
        [0.00162, 0.0267, 1.0]

    References:
        A. Shapiro (1988), Towards a unified theory of inequality constrained testing; equal weights by independence.
    """
    total = np.square(np.maximum(z_of(p), 0.0)).sum(axis=0)
    tests = len(p)
    tail = np.zeros(p.shape[1])
    for positive in range(1, tests + 1):
        tail += comb(tests, positive) * special.gammaincc(positive / 2, total / 2) / 2**tests
    return np.where(total > 0, tail, 1.0)
