"""How much a metric varies between the units of an experiment: measured on the scope's own history."""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.slices import Slice
from tools.errors import ToolFailure
from tools.metrics import Metric

WINDOW_HOURS: Final = (1, 2, 3, 4, 6, 8, 12, 24)
CARRY_OVERS: Final = 3
"""A window lasts at least so many times as long as one order stays in the system."""
LEAST_UNITS: Final = 8
"""Units of history below which a standard deviation is not worth its name."""


class Variation(NamedTuple):
    """Spread of a metric between units, and how many units there are."""

    sd: float
    """Standard deviation of unit means, share."""
    units: int
    """Units of history it was measured on."""
    units_per_day: float
    orders_per_unit: float
    window_hours: int | None
    source: str


def window_hours(rows: pd.DataFrame, scope: Slice) -> int:
    """Hours of a switchback window: three times the carry-over, at most the scope's own hours.

    Args:
        rows: orders, with `fulfilled` and `fulfilment_s` where known; an hour is assumed where not.
        scope: the slice that is switched.
    """
    carry = carry_over_s(rows)
    wanted = next((h for h in WINDOW_HOURS if h * 3600 >= CARRY_OVERS * carry), WINDOW_HOURS[-1])
    return min(wanted, 24 if scope.hour is None else len(scope.hour.hours))


def carry_over_s(rows: pd.DataFrame) -> float:
    """Median time from order to arrival: how long one window's orders are felt in the next."""
    if "fulfilment_s" in rows and (rows["fulfilled"] == 1).any():
        return float(rows.loc[rows["fulfilled"] == 1, "fulfilment_s"].median())
    return 3600.0


def burn_in_s(rows: pd.DataFrame, window_hours: int) -> float:
    """Seconds at the start of a window that still feel the arm before it: the carry-over, at most half the window."""
    return min(carry_over_s(rows), 1800.0 * window_hours)


def positions(rows: pd.DataFrame, scope: Slice, length: int) -> pd.Series:
    """The place of each order's window in the day, first 0; missing outside of the scope's hours."""
    hours = tuple(range(24)) if scope.hour is None else scope.hour.hours
    return rows["hour"].map({hour: index // length for index, hour in enumerate(hours)})


def windows_of(rows: pd.DataFrame, metric: Metric, scope: Slice) -> pd.DataFrame:
    """The metric's `top` and `bottom` by `region` (where there is one), `day` and `position`."""
    placed = rows.assign(position=positions(rows, scope, window_hours(rows, scope)))
    return summed(placed, metric, [*(["region"] if "region" in rows else []), "day", "position"])


def of_windows(rows: pd.DataFrame, metric: Metric, scope: Slice, *, rate: float) -> Variation:
    """Spread between region-windows, in excess of chance as in history, with chance at the asked rate.

    Args:
        rows: orders of the scope's history.
        metric: a rate.
        scope: gives the hours that are cut into windows.
        rate: the rate to plan for, between today's and the hoped-for one.

    Raises:
        ToolFailure: there are too few windows of history.
    """
    length = window_hours(rows, scope)
    windows = windows_of(rows, metric, scope)
    strata = windows.groupby([name for name in ("region", "position") if name in windows], observed=True)
    days = rows["day"].nunique()
    sd = _spread(
        windows,
        np.asarray(strata.ngroup(), np.int64),
        rate,
        kept=1 - burn_in_s(rows, length) / (3600 * length),
    )
    return Variation(
        sd=sd,
        units=len(windows),
        units_per_day=len(windows) / days,
        orders_per_unit=float(windows["bottom"].mean()) / metric.scale,
        window_hours=length,
        source=(
            f"{len(windows)} windows of {length} h over {days} days of the scope's own history: spread in "
            f"excess of chance as seen, chance at the planned rate"
        ),
    )


class StoreHalves(NamedTuple):
    """Stores in the earlier and the later half of the history."""

    stores: pd.DataFrame
    """Row a store; `top` and `bottom`, each for late False and True."""
    days: int
    """Of a half."""


def halves_of_stores(rows: pd.DataFrame, metric: Metric) -> StoreHalves:
    """The metric of every store, twice.

    Raises:
        ToolFailure: the data name no stores, or too few of them have two such periods of history.
    """
    if "store_id" not in rows:
        raise ToolFailure("not testable: no column orders.store_id")
    half = (rows["day"].max() - rows["day"].min() + 1) // 2
    late = rows["day"] > rows["day"].max() - half
    periods = summed(rows.assign(late=late), metric, ["store_id", "late"])
    wide = periods.pivot(index="store_id", columns="late", values=["top", "bottom"]).dropna()
    if len(wide) < LEAST_UNITS:
        raise ToolFailure(f"only {len(wide)} stores have orders in both halves of the history")
    return StoreHalves(wide, int(half))


def of_stores(rows: pd.DataFrame, metric: Metric, *, days: int, rate: float) -> Variation:
    """Spread between stores over a period of `days`, each store compared with its own past.

    Raises:
        ToolFailure: the data name no stores, or too few of them have two such periods of history.
    """
    wide, half = halves_of_stores(rows, metric)
    rates = wide["top"] / wide["bottom"]
    size = float(wide["bottom"].to_numpy().mean())
    change_sd = float((rates[True] - rates[False]).std(ddof=1))
    old = float(wide["top"].to_numpy().sum() / wide["bottom"].to_numpy().sum())
    variance = max(change_sd**2 - 2 * old * (1 - old) / size, 0.0) + 2 * rate * (1 - rate) / size
    scaled = math.sqrt(variance * max(half / days, 1e-9)) if half < days else math.sqrt(variance)
    return Variation(
        sd=scaled,
        units=len(wide),
        units_per_day=len(wide) / days,
        orders_per_unit=size / metric.scale * days / max(half, 1),
        window_hours=None,
        source=f"{len(wide)} stores, each against its own {half} days before",
    )


def of_orders(rows: pd.DataFrame, metric: Metric, *, rate: float) -> Variation:
    """Spread between orders, where customers are randomised one by one."""
    trials = float(metric.trials(rows).sum()) / metric.scale
    per_day = trials / max(rows["day"].nunique(), 1)
    return Variation(
        sd=math.sqrt(rate * (1 - rate)),
        units=int(trials),
        units_per_day=per_day,
        orders_per_unit=1.0,
        window_hours=None,
        source=f"{per_day:,.0f} orders a day in the scope's own history, taken as one a customer",
    )


def summed(rows: pd.DataFrame, metric: Metric, keys: list[str]) -> pd.DataFrame:
    """Numerator and denominator of the metric by unit, orders too young to count left out."""
    old = rows[f"mature_{metric.maturity}"].to_numpy(np.int64)
    plain = rows[keys].assign(
        top=rows[metric.numerator].to_numpy(np.int64) * old, bottom=metric.trials(rows) * old
    )
    sums = plain.groupby(keys, observed=True, as_index=False)[["top", "bottom"]].sum()
    return sums[sums["bottom"] > 0].reset_index(drop=True)


def _spread(windows: pd.DataFrame, strata: npt.NDArray[np.int64], rate: float, *, kept: float) -> float:
    """Standard deviation of window means as the analysis weighs them, at another rate than history's.

    Windows count by their orders, so a few large ones decide: the spread is that of equal windows which would leave
    the same error in the difference of weighted means. Only a share `kept` of the orders lies after the burn-in.
    """
    freedom = len(windows) - len(np.unique(strata))
    if freedom < LEAST_UNITS:
        raise ToolFailure(f"only {len(windows)} windows of history: too few to size an experiment")
    bottom = windows["bottom"].to_numpy(np.float64)
    means = windows["top"].to_numpy(np.float64) / bottom
    centre = np.bincount(strata, weights=bottom * means) / np.bincount(strata, weights=bottom)
    weight = (len(windows) * bottom / bottom.sum()) ** 2
    seen = float((weight * (means - centre[strata]) ** 2).sum()) / freedom
    old = float(windows["top"].sum() / bottom.sum())
    chance = len(windows) / float(bottom.sum())
    return math.sqrt(max(seen - old * (1 - old) * chance, 0.0) + rate * (1 - rate) * chance / kept)
