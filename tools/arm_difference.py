"""Treatment against control, over units that were randomised whole: the one estimator of every kind of trial.

A unit (a window, a store, a customer) enters with what was counted in it. Least squares of `top / bottom` on the
arm, weighted by `bottom` and within strata, is the difference of ratios of sums; errors are clustered by unit,
because the orders of a unit share its luck.

References:
    Bell, R., McCaffrey, D. (2002). Bias reduction in standard errors for linear regression with multi-stage
    samples. Survey Methodology 28(2) (CR2).
    Deng, A., Lu, J., Qin, W. (2021). The equivalence of the delta method and the cluster-robust variance estimator.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from tools.errors import ToolFailure
from tools.power import ALPHA

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEAST_UNITS: Final = 2
"""Units of an arm below which there is no spread to speak of."""
_FULL: Final = 1e-9


class Units(NamedTuple):
    """What was counted in every unit; arrays of one entry a unit."""

    top: Floats
    bottom: Floats
    """Trials; a unit without any tells nothing."""
    treated: Bools
    stratum: Ints
    """Units are compared within strata; zeros compare all with all."""
    past: Floats
    """The unit's ratio before the trial, taken off it; zeros take nothing off."""

    @property
    def known(self) -> Bools:
        """Units that tell something."""
        return np.asarray((self.bottom > 0) & np.isfinite(self.past))

    def keep(self, mask: Bools) -> "Units":
        """The units of a mask."""
        return Units(
            self.top[mask], self.bottom[mask], self.treated[mask], self.stratum[mask], self.past[mask]
        )


def units(
    top: Floats,
    bottom: Floats,
    treated: Bools,
    *,
    stratum: Ints | None = None,
    past: Floats | None = None,
) -> Units:
    """Units of plain arrays; raises `ValueError` where lengths differ or counts are negative."""
    size = len(top)
    parts = Units(
        np.asarray(top, np.float64),
        np.asarray(bottom, np.float64),
        np.asarray(treated, np.bool_),
        np.zeros(size, np.int64) if stratum is None else np.unique(stratum, return_inverse=True)[1],
        np.zeros(size) if past is None else np.asarray(past, np.float64),
    )
    for name, part in zip(Units._fields, parts, strict=True):
        if len(part) != size:
            raise ValueError(f"{name} has {len(part)} entries, must have {size} as top")
    if (parts.bottom < 0).any():
        raise ValueError(f"bottom = {parts.bottom.min()!r}, must not be negative")
    return parts


class Difference(NamedTuple):
    """Treatment minus control, in the unit of `top / bottom`."""

    estimate: float
    standard_error: float
    freedom: float
    low: float
    high: float
    p_value: float
    """Two-sided, from Student's t."""
    control: float
    """The ratio of the control arm, for scale."""
    treated_units: int
    control_units: int
    trials: float
    treated_trials: float
    influence: Floats
    """What each of the given units adds to the estimate's error; its squares sum to the squared standard error."""

    @property
    def z(self) -> float:
        """The standard normal score of the same two-sided p."""
        size = float(stats.norm.isf(max(self.p_value, 1e-300) / 2))
        return size if self.estimate >= 0 else -size


def difference(given: Units, *, alpha: float = ALPHA) -> Difference:
    """The effect of the treatment with its CR2 standard error.

    Args:
        given: units; those without trials are left out.
        alpha: two-sided level of the interval.

    Raises:
        ToolFailure: an arm has too few units, or no stratum has both arms.
    """
    known = given.known
    kept = given.keep(known)
    _check(kept.treated)
    fit = _fit(kept)
    standard_error = float(np.sqrt((fit.influence**2).sum()))
    half = float(stats.t.isf(alpha / 2, fit.freedom)) * standard_error
    score = fit.estimate / standard_error if standard_error > 0 else np.inf * np.sign(fit.estimate)
    p_value = 1.0 if fit.estimate == 0 else float(2 * stats.t.sf(abs(score), fit.freedom))
    influence = np.zeros(len(known))
    influence[known] = fit.influence
    control = ~kept.treated
    return Difference(
        estimate=fit.estimate,
        standard_error=standard_error,
        freedom=fit.freedom,
        low=fit.estimate - half,
        high=fit.estimate + half,
        p_value=p_value,
        control=float(kept.top[control].sum() / kept.bottom[control].sum()),
        treated_units=int(kept.treated.sum()),
        control_units=int(control.sum()),
        trials=float(kept.bottom.sum()),
        treated_trials=float(kept.bottom[kept.treated].sum()),
        influence=influence,
    )


class _Fit(NamedTuple):
    estimate: float
    influence: Floats
    freedom: float


def _check(treated: Bools) -> None:
    for arm, count in (("treatment", int(treated.sum())), ("control", int((~treated).sum()))):
        if count < LEAST_UNITS:
            raise ToolFailure(
                f"only {count} units of the {arm} arm have outcomes; at least {LEAST_UNITS} are needed"
            )


def _fit(kept: Units) -> _Fit:
    weight, value = kept.bottom, kept.top / kept.bottom - kept.past
    total = np.bincount(kept.stratum, weights=weight)
    arm = within(kept.treated.astype(np.float64), weight, kept.stratum)
    outcome = within(value, weight, kept.stratum)
    information = float((weight * arm**2).sum())
    used = np.unique(kept.stratum[np.abs(arm) > _FULL])
    if not used.size or information <= 0:
        raise ToolFailure("no stratum has units of both arms; compare within wider strata, or wait for more")
    estimate = float((weight * arm * outcome).sum() / information)
    leverage = weight / total[kept.stratum] + weight * arm**2 / information
    spare = 1 - leverage
    lonely = (spare < _FULL) & (np.abs(arm) > _FULL)
    if lonely.any():
        raise ToolFailure("one unit decides the difference alone: wait for more units")
    residual = outcome - estimate * arm
    influence = weight * arm * residual / information / np.sqrt(np.maximum(spare, _FULL))
    inside = np.isin(kept.stratum, used)
    freedom = max(int(inside.sum()) - len(used) - 1, 1)
    return _Fit(estimate, influence, float(freedom))


def within(values: Floats, weight: Floats, stratum: Ints) -> Floats:
    """Values less their stratum's weighted mean; arrays of one entry a unit."""
    total = np.bincount(stratum, weights=weight)
    mean = np.bincount(stratum, weights=weight * values) / np.where(total > 0, total, 1.0)
    return np.asarray(values - mean[stratum])


def pooled(parts: dict[str, Difference], weights: dict[str, float], *, alpha: float = ALPHA) -> Difference:
    """A weighted sum of the differences of several outcomes of the same units, their covariance included.

    Args:
        parts: by outcome, all of the same units in the same order.
        weights: by outcome.
        alpha: two-sided level of the interval.

    Raises:
        ValueError: the outcomes are not those of the same units.
    """
    chosen = [(parts[name], weight) for name, weight in weights.items() if name in parts]
    lengths = {len(part.influence) for part, _ in chosen}
    if len(lengths) != 1:
        raise ValueError(f"influences of {sorted(lengths)} units, must be those of the same units")
    estimate = sum(weight * part.estimate for part, weight in chosen)
    influence = np.sum([weight * part.influence for part, weight in chosen], axis=0)
    standard_error = float(np.sqrt((influence**2).sum()))
    freedom = min(part.freedom for part, _ in chosen)
    half = float(stats.t.isf(alpha / 2, freedom)) * standard_error
    p_value = float(2 * stats.t.sf(abs(estimate) / standard_error, freedom)) if standard_error else 1.0
    first = chosen[0][0]
    return first._replace(
        estimate=float(estimate),
        standard_error=standard_error,
        freedom=freedom,
        low=float(estimate) - half,
        high=float(estimate) + half,
        p_value=p_value,
        control=float(sum(weight * part.control for part, weight in chosen)),
        influence=influence,
    )
