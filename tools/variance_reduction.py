"""How much of the spread between units is known beforehand, and how much alike the orders of a unit are.

References:
    Deng, A., Xu, Y., Kohavi, R., Walker, T. (2013). Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data (CUPED).
    Donner, A., Klar, N. (2000). Design and Analysis of Cluster Randomization Trials (design effect, ICC).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.slices import Slice
from tools.experiment import VarianceReduction
from tools.metrics import Metric
from tools.variation import LEAST_UNITS, halves_of_stores, windows_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Clustering(NamedTuple):
    """What it costs that whole units are randomised."""

    icc: float
    """Correlation of two orders of one unit, beyond what the analysis already takes out."""
    design_effect: float
    """How many times more orders are needed than independent ones."""


def clustering(sd: float, *, rate: float, size: float, comparisons: int = 1) -> Clustering:
    """Design effect and ICC of units with this spread.

    Args:
        sd: standard deviation of a unit's mean, share, as the experiment is sized from.
        rate: the rate it was planned for.
        size: orders of a unit that count.
        comparisons: means that enter for a unit: 2 where its own past is taken off it.

    Example:
        >>> round(clustering(0.06, rate=0.8, size=50).design_effect, 3)
        1.125
        >>> round(clustering(0.06, rate=0.8, size=50).icc, 4)
        0.0026
    """
    effect = sd**2 * size / (rate * (1 - rate))
    icc = 0.0 if size <= 1 else max(effect / comparisons - 1, 0.0) / (size - 1)
    return Clustering(icc=icc, design_effect=effect)


def of_windows(rows: pd.DataFrame, metric: Metric, scope: Slice) -> tuple[VarianceReduction, ...]:
    """Of windows: region and time of day, which the analysis uses; and their hour of the week before (CUPED).

    Args:
        rows: orders of the scope's history.
        metric: a rate.
        scope: gives the hours that are cut into windows.
    """
    windows = windows_of(rows, metric, scope)
    value, weight = _ratio(windows)
    keys = [name for name in ("region", "position") if name in windows]
    daily = _groups(windows, keys)
    whole = _variance(value, weight, np.zeros(len(windows), np.int64))
    left = _variance(value, weight, daily)
    found = [
        VarianceReduction(covariate="region and time of day", removed_share=_removed(left, whole), used=True)
    ]
    half = windows["day"] > (windows["day"].min() + windows["day"].max()) // 2
    weekly = windows.assign(weekday=windows["day"] % 7, value=_within(value, weight, daily), weight=weight)
    more = _from_past(weekly[~half], weekly[half], [*keys, "weekday"])
    if more is not None:
        both = 1 - (1 - found[0].removed_share) * (1 - more)
        found.append(
            VarianceReduction(
                covariate="as well, the same hour of the week in earlier weeks (CUPED)",
                removed_share=both,
                used=False,
            )
        )
    return tuple(found)


def of_stores(rows: pd.DataFrame, metric: Metric) -> tuple[VarianceReduction, ...]:
    """Of stores: their own past taken off as it is, which the analysis does, and at its best weight (CUPED).

    Raises:
        ToolFailure: the data name no stores, or too few of them have two periods of history.
    """
    wide = halves_of_stores(rows, metric).stores
    rates = (wide["top"] / wide["bottom"]).to_numpy(np.float64)
    before, after = rates[:, 0], rates[:, 1]
    whole = float(after.var(ddof=1))
    plain = _removed(float((after - before).var(ddof=1)), whole)
    return (
        VarianceReduction(covariate="each store's own past", removed_share=plain, used=True),
        VarianceReduction(
            covariate="each store's own past at its best weight (CUPED)",
            removed_share=_explained(before, after),
            used=False,
        ),
    )


def of_orders(rows: pd.DataFrame, metric: Metric) -> tuple[VarianceReduction, ...]:
    """Of single orders: region and hour of the week."""
    old = rows[f"mature_{metric.maturity}"].to_numpy(bool) & (metric.trials(rows) > 0)
    kept = rows[old]
    weight = metric.trials(kept).astype(np.float64)
    value = kept[metric.numerator].to_numpy(np.float64) / weight
    keys = [name for name in ("region", "weekday", "hour") if name in kept]
    whole = _variance(value, weight, np.zeros(len(kept), np.int64))
    share = _removed(_variance(value, weight, _groups(kept, keys)), whole)
    return (VarianceReduction(covariate="region and hour of the week", removed_share=share, used=False),)


def _ratio(units: pd.DataFrame) -> tuple[Floats, Floats]:
    weight = units["bottom"].to_numpy(np.float64)
    return units["top"].to_numpy(np.float64) / weight, weight


def _groups(units: pd.DataFrame, keys: list[str]) -> Ints:
    return np.asarray(units.groupby(keys, observed=True).ngroup(), np.int64)


def _within(value: Floats, weight: Floats, groups: Ints) -> Floats:
    """Values less the weighted mean of their group."""
    mean = np.bincount(groups, weights=weight * value) / np.bincount(groups, weights=weight)
    return np.asarray(value - mean[groups])


def _variance(value: Floats, weight: Floats, groups: Ints) -> float:
    """Weighted variance about the groups' means, with the freedom that is left; NaN where none is."""
    freedom = len(value) - len(np.unique(groups))
    if freedom < 1:
        return float("nan")
    return float((weight * _within(value, weight, groups) ** 2).sum()) / (freedom * float(weight.mean()))


def _removed(left: float, whole: float) -> float:
    """A share; 0 where nothing is taken out, or nothing can be said."""
    return max(1 - left / whole, 0.0) if whole > 0 and not np.isnan(left) else 0.0


def _from_past(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> float | None:
    """Share of the later windows' variance that the earlier ones of the same kind explain."""
    product = before["value"] * before["weight"]
    sums = before.assign(product=product).groupby(keys, observed=True)[["product", "weight"]].sum()
    past = (sums["product"] / sums["weight"]).rename("past").reset_index()
    pairs = after.merge(past, on=keys, how="inner")
    if len(pairs) < LEAST_UNITS:
        return None
    return _explained(pairs["past"].to_numpy(np.float64), pairs["value"].to_numpy(np.float64))


def _explained(before: Floats, after: Floats) -> float:
    """The squared correlation, less what chance would give it."""
    if before.std() == 0 or after.std() == 0:
        return 0.0
    squared = float(np.corrcoef(before, after)[0, 1]) ** 2
    freedom = len(after) - 2
    return max(1 - (1 - squared) * (freedom + 1) / freedom, 0.0)
