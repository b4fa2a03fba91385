"""Sample sizes and checks of an experiment, in closed form.

References:
    Fleiss, J. (1981). Statistical Methods for Rates and Proportions, chapter 3.
    Donner, A., Klar, N. (2000). Design and Analysis of Cluster Randomization Trials (design effect).
    Fabijan, A. et al. (2019). Diagnosing Sample Ratio Mismatch in Online Controlled Experiments.
"""

import math
from collections.abc import Sequence

from scipy import stats

ALPHA = 0.05
POWER = 0.80
SRM_P = 0.001
"""A split less likely than this under the planned shares stops the reading of an experiment."""


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low < value < high:
        raise ValueError(f"{name} = {value!r}, must lie between {low} and {high}")


def _quantiles(alpha: float, power: float, *, sides: int = 2) -> tuple[float, float]:
    _check("alpha", alpha, 0, 1)
    _check("power", power, 0, 1)
    return float(stats.norm.ppf(1 - alpha / sides)), float(stats.norm.ppf(power))


def proportion_sample_size(p0: float, p1: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Units per arm to tell a share `p1` from `p0`, two-sided.

    Example:
        >>> proportion_sample_size(0.78, 0.80)
        6510
    """
    _check("p0", p0, 0, 1)
    _check("p1", p1, 0, 1)
    if p0 == p1:
        raise ValueError(f"p1 = {p1!r}, must differ from p0: an effect of zero needs infinitely many units")
    z_alpha, z_beta = _quantiles(alpha, power)
    middle = (p0 + p1) / 2
    spread = z_alpha * math.sqrt(2 * middle * (1 - middle))
    spread += z_beta * math.sqrt(p0 * (1 - p0) + p1 * (1 - p1))
    return math.ceil(spread**2 / (p1 - p0) ** 2)


def mean_sample_size(sd: float, mde: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Units per arm to see a difference `mde` of means with standard deviation `sd`, two-sided.

    Example:
        >>> mean_sample_size(13, 2)
        664
    """
    _check("sd", sd, 0, math.inf)
    _check("mde", mde, 0, math.inf)
    return math.ceil(2 * (sum(_quantiles(alpha, power)) * sd / mde) ** 2)


def non_inferiority_sample_size(
    p: float, margin: float, *, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Units per arm to show that a share `p` gets worse by less than `margin`, one-sided.

    Example:
        >>> non_inferiority_sample_size(0.03, 0.005)
        14393
    """
    _check("p", p, 0, 1)
    _check("margin", margin, 0, 1)
    return math.ceil(2 * p * (1 - p) * (sum(_quantiles(alpha, power, sides=1)) / margin) ** 2)


def switchback_units(
    sd: float, mde: float, *, share: float = 0.5, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Region-windows, both arms together, to see a difference `mde` of window means.

    Args:
        sd: standard deviation of the window means.
        mde: smallest effect worth seeing, same unit.
        share: of the windows that get the treatment.
        alpha: two-sided level.
        power: chance to see it.

    Example:
        >>> switchback_units(0.08, 0.04)
        126
        >>> round(switchback_units(0.08, 0.04, share=0.1) / 125.6, 2)
        2.78
    """
    _check("sd", sd, 0, math.inf)
    _check("mde", mde, 0, math.inf)
    _check("share", share, 0, 1)
    split = 1 / (4 * share * (1 - share))
    return math.ceil(4 * (sd * sum(_quantiles(alpha, power)) / mde) ** 2 * split)


def switchback_mde(sd: float, units: float, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Smallest effect that this many region-windows can see at an even split.

    Example:
        >>> round(switchback_mde(0.08, 126), 4)
        0.0399
    """
    _check("sd", sd, 0, math.inf)
    _check("units", units, 0, math.inf)
    return 2 * sd * sum(_quantiles(alpha, power)) / math.sqrt(units)


def design_effect(cluster_size: float, icc: float) -> float:
    """How many times more units clusters of this size cost than independent ones.

    Example:
        >>> round(design_effect(62, 0.0046), 2)
        1.28
    """
    _check("icc", icc, -1, 1)
    return max(1.0, 1 + (cluster_size - 1) * icc)


def srm_p_value(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How likely a split at least this uneven is under the planned shares.

    Example:
        >>> round(srm_p_value([10_000, 10_300], [0.5, 0.5]), 3)
        0.035
    """
    if len(counts) != len(shares):
        raise ValueError(f"shares has {len(shares)} entries, must have {len(counts)} as counts")
    if sum(counts) <= 0:
        raise ValueError(f"counts = {list(counts)!r}, must hold at least one unit")
    expected = [sum(counts) * share / sum(shares) for share in shares]
    return float(stats.chisquare(counts, expected).pvalue)
