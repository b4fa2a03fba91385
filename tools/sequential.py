"""Reading an experiment more than once: boundaries for planned looks, and bounds that hold at every look.

A planned look k has an information fraction t_k, the share of the planned units that have been read. Under
no effect z_k * sqrt(t_k) is Brownian motion B(t), so that the chance to cross is an integral, look by look.

References:
    Armitage, P., McPherson, C. K., Rowe, B. C. (1969). Repeated significance tests on accumulating data.
    JRSS A 132 (the recursion).
    O'Brien, P. C., Fleming, T. R. (1979), Biometrics 35; Pocock, S. J. (1977), Biometrika 64 (the shapes).
    Lan, K. K. G., DeMets, D. L. (1983). Discrete sequential boundaries for clinical trials. Biometrika 70.
    Robbins, H. (1970). Statistical methods related to the law of the iterated logarithm. AMS 41.
    Waudby-Smith, I. et al. (2024). Time-uniform central limit theory. Annals of Statistics 52.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from tools.power import ALPHA, POWER

Shape = Literal["obrien_fleming", "pocock"]
"""O'Brien-Fleming is strict at first and nearly the fixed test at the end; Pocock is the same at every look."""
_Floats = npt.NDArray[np.float64]

LEAST_STEP: Final = 0.001
"""Information that a look must add: nearer than this to the last one it is the same look."""
_NODES: Final = 64
"""Quadrature nodes come in so many at a time, so that a rule is used again."""
_Z_MOST: Final = 40.0
"""Beyond this a normal tail is zero in floating point."""
_Z_KEPT: Final = 9.0
"""Paths beyond this, 2e-19 of all, are left out of the integral even where the boundary is further out."""


def boundaries(looks: int, *, alpha: float = ALPHA, shape: Shape = "obrien_fleming") -> tuple[float, ...]:
    """Two-sided critical z by look, for equally spaced looks.

    Args:
        looks: how often the data are read, the last time included.
        alpha: chance that a z of no effect lies beyond its critical value at any look.
        shape: how the critical values fall: as 1/sqrt(t), or not at all.

    Example:
        >>> [round(z, 2) for z in boundaries(3)]
        [3.47, 2.45, 2.0]
        >>> [round(z, 2) for z in boundaries(3, shape="pocock")]
        [2.29, 2.29, 2.29]
    """
    if looks < 1:
        raise ValueError(f"looks = {looks!r}, must be at least 1")
    _check_alpha(alpha)
    times = np.arange(1, looks + 1) / looks
    falling = 1 / np.sqrt(times) if shape == "obrien_fleming" else np.ones(looks)

    def excess(constant: float) -> float:
        return float(_crossing(times, constant * falling).sum()) - alpha

    # Between reading once and Bonferroni's correction; the margins keep the ends apart where looks is 1.
    constant = brentq(excess, _critical(alpha) - 1e-6, _critical(alpha / looks) + 1e-6, xtol=1e-9)
    return tuple(float(z) for z in constant * falling)


def alpha_spent(
    fractions: Sequence[float], *, alpha: float = ALPHA, shape: Shape = "obrien_fleming"
) -> tuple[float, ...]:
    """Error probability that may be used up by each information fraction (Lan and DeMets 1983).

    O'Brien-Fleming-like: `2 (1 - Phi(z_{alpha/2} / sqrt(t)))`, their alpha_1 with the whole two-sided `alpha`
    (not the sum of two one-sided functions at `alpha / 2`, which spends still less early). Pocock-like:
    `alpha ln(1 + (e - 1) t)`.

    Args:
        fractions: shares of the planned information, rising, above 0 and at most 1.
        alpha: two-sided level of the whole experiment.
        shape: which of the two functions.

    Example:
        >>> [round(spent, 5) for spent in alpha_spent([0.25, 0.5, 0.75, 1])]
        [9e-05, 0.00557, 0.02363, 0.05]
    """
    _check_alpha(alpha)
    times = _checked(fractions)
    if shape == "pocock":
        spent = alpha * np.log1p((math.e - 1) * times)
    else:
        spent = 2 * ndtr(-_critical(alpha) / np.sqrt(times))
    return tuple(float(share) for share in spent)


def spending_boundaries(
    fractions: Sequence[float], *, alpha: float = ALPHA, shape: Shape = "obrien_fleming"
) -> tuple[float, ...]:
    """Two-sided critical z at looks of any spacing, which need not be known when the experiment starts.

    A look's value depends on it and on earlier looks only, so that a look can be added or moved as long as
    the decision to do so does not come from the data.

    Args:
        fractions: shares of the planned information at the looks so far, rising, above 0 and at most 1.
        alpha: two-sided level of the whole experiment.
        shape: of the spending function.

    Raises:
        ValueError: fractions do not rise, or the first look is so early that nothing can be spent.

    Example:
        >>> [round(z, 2) for z in spending_boundaries([0.5, 1])]
        [2.77, 1.98]
    """
    spent = np.asarray(alpha_spent(fractions, alpha=alpha, shape=shape))
    if spent[0] == 0.0:
        raise ValueError(f"fractions[0] = {fractions[0]!r} is too early a look: nothing can be spent there")
    times = np.asarray(fractions, np.float64)
    steps = np.diff(spent, prepend=0.0)
    found: list[float] = []
    density = _START
    for look, step in enumerate(steps):
        z = _solved(density, float(times[look]), float(step))
        density = _carried(density, float(times[look]), z)
        found.append(z)
    return tuple(found)


def sample_inflation(
    fractions: Sequence[float], limits: Sequence[float], *, alpha: float = ALPHA, power: float = POWER
) -> float:
    """How many times more units a design with these looks may need than one that is read once.

    Args:
        fractions: shares of the planned information at the looks, the last one 1.
        limits: critical z at each look.
        alpha: two-sided level of the design that is read once.
        power: of both, against the same effect.

    Example:
        >>> round(sample_inflation([1 / 3, 2 / 3, 1], boundaries(3)), 3)
        1.017
    """
    _check_alpha(alpha)
    times = _checked(fractions)
    if times[-1] != 1 or len(limits) != len(times):
        raise ValueError(f"fractions = {list(fractions)!r}, must end in 1, with a limit for each of them")
    once = float(_critical(alpha) + ndtri(power))

    def excess(drift: float) -> float:
        return float(_crossing(times, np.asarray(limits), drift).sum()) - power

    return float(brentq(excess, once / 2, 2 * once, xtol=1e-8) / once) ** 2


def confidence_radius(
    n: float, sd: float, *, alpha: float, best_at: float, sides: Literal[1, 2] = 2
) -> float:
    """Half-width of a confidence sequence of a mean: it holds at all sample sizes at once (normal mixture).

    Two-sided: `sd sqrt(2 (n r + 1) / (n^2 r) ln(sqrt(n r + 1) / alpha))` with `r = (-2 ln alpha +
    ln(-2 ln alpha + 1)) / best_at`. One-sided, for a bound that is read in one direction only, as a
    guardrail's is: the logarithm is of `1 + sqrt(n r + 1) / (2 alpha)`, and `r` is taken at `2 alpha`.

    For a difference of two means at an even split give all units and twice the standard deviation of one.
    The spread counts as known: with an estimated one the coverage is that of large samples.

    Args:
        n: units seen.
        sd: standard deviation of a unit.
        alpha: chance that the mean ever leaves the interval (one-sided: ever passes the bound).
        best_at: sample size at which the interval is to be narrowest, for its level.
        sides: 2 for an interval, 1 for a bound.

    Example:
        >>> fixed = 1.96 * 1 / 100**0.5
        >>> round(confidence_radius(100, 1, alpha=0.05, best_at=100) / fixed, 2)
        1.55
    """
    _check_alpha(alpha)
    for name, value in (("n", n), ("sd", sd), ("best_at", best_at)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} = {value!r}, must be above 0 and finite")
    log = -2 * math.log(min(alpha * (2 / sides), 0.999))
    mixed = n * (log + math.log(log + 1)) / best_at
    odds = math.sqrt(mixed + 1) / alpha
    evidence = math.log(odds) if sides == 2 else math.log1p(odds / 2)
    return sd * math.sqrt(2 * (mixed + 1) / (n * mixed) * evidence)


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha = {alpha!r}, must lie between 0 and 1")


def _checked(fractions: Sequence[float]) -> _Floats:
    times = np.asarray(fractions, np.float64)
    steps = np.diff(times, prepend=0.0)
    # NaN compares false, so that it is refused as well.
    if not times.size or not (steps >= LEAST_STEP - 1e-12).all() or not times[-1] <= 1:
        raise ValueError(
            f"fractions = {list(fractions)!r}, must rise by at least {LEAST_STEP} from 0 and be at most 1"
        )
    return times


def _critical(alpha: float) -> float:
    """The two-sided critical z of a single look."""
    return float(-ndtri(alpha / 2))


@lru_cache(maxsize=64)
def _rule(nodes: int) -> tuple[_Floats, _Floats]:
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return points, weights


class _Density(NamedTuple):
    """Density of B(t) among the paths that have not crossed, at quadrature nodes; weights are folded in."""

    time: float
    nodes: _Floats
    mass: _Floats


_START: Final = _Density(0.0, np.zeros(1), np.ones(1))


def _crossed(density: _Density, time: float, z: float, drift: float = 0.0) -> float:
    """Chance to lie beyond `z` for the first time at `time`, where B drifts by `drift` until time 1."""
    edge, step = z * math.sqrt(time), math.sqrt(time - density.time)
    expected = density.nodes + drift * (time - density.time)
    beyond = ndtr((expected - edge) / step) + ndtr((-expected - edge) / step)
    return float(beyond @ density.mass)


def _carried(density: _Density, time: float, z: float, drift: float = 0.0) -> _Density:
    """The density at `time` of the paths that stay within `z` there."""
    edge = min(z, _Z_KEPT) * math.sqrt(time)
    step = math.sqrt(time - density.time)
    # Nodes half a standard deviation of the step apart: the rule is then exact to about ten digits.
    points, weights = _rule(math.ceil(2 * math.pi * edge / (step * _NODES)) * _NODES)
    nodes = edge * points
    away = nodes[:, None] - density.nodes - drift * (time - density.time)
    moved = np.exp(-0.5 * (away / step) ** 2) @ density.mass / (step * math.sqrt(2 * math.pi))
    return _Density(time, nodes, moved * weights * edge)


def _crossing(times: _Floats, limits: _Floats, drift: float = 0.0) -> _Floats:
    """Chance to cross for the first time at each look."""
    density = _START
    chances: list[float] = []
    for time, z in zip(times.tolist(), limits.tolist(), strict=True):
        chances.append(_crossed(density, time, z, drift))
        density = _carried(density, time, z, drift)
    return np.asarray(chances)


def _solved(density: _Density, time: float, chance: float) -> float:
    def excess(z: float) -> float:
        return _crossed(density, time, z) - chance

    return float(brentq(excess, 0.0, _Z_MOST, xtol=1e-10))
