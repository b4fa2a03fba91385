"""Moments of the weeks before that have a closed form: preparation, travel, waits, promises, cancellation."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize

from tools import logit
from tools.dispatch.fleet import Fleet
from tools.dispatch.pool import Answers, burden
from tools.errors import ToolFailure
from tools.gcomputation import Floats
from tools.interventions import ENOUGH_FOR_USUAL

_NEVER: Final = -30.0
"""Log-odds of what does not happen."""


class Wait(NamedTuple):
    """Moments of the wait of the slice's orders."""

    alone_s: float
    alone_sd_s: float
    per_extra_s: float
    per_extra_sd_s: float


def prep_growth(rows: pd.DataFrame) -> float:
    """Share by which preparation grows with an order carried besides, within stores."""
    store, extra = _stores(rows), rows["extra"].to_numpy(np.float64)
    prep = rows["prep_s"].to_numpy(np.float64)
    alone = rows["prep_s"].where(extra == 0).groupby(store).transform("mean").to_numpy()
    kept = (extra > 0) & ~np.isnan(alone)
    if not kept.any():
        return 0.0
    return float(((prep[kept] / alone[kept] - 1) @ extra[kept]) / (extra[kept] @ extra[kept]))


def _stores(rows: pd.DataFrame) -> "pd.Series[int]":
    if "store_id" not in rows:
        return pd.Series(0, index=rows.index)
    return rows["store_id"].cat.codes


def preparation(fleet: Fleet, rows: pd.DataFrame, own: pd.DataFrame, growth: float) -> tuple[Floats, float]:
    """Usual preparation alone by order, and its spread; small stores lean on the fleet's mean."""
    alone = rows["prep_s"] / (1 + growth * rows["extra"])
    grouped = alone.groupby(_stores(rows))
    usual = (grouped.sum() + ENOUGH_FOR_USUAL * alone.mean()) / (grouped.count() + ENOUGH_FOR_USUAL)
    by_order = _stores(fleet.rows).map(usual).fillna(alone.mean()).to_numpy(np.float64)
    spread = float(np.std(np.log(np.maximum(alone, 1.0) / by_order[rows["at"]])))
    level = float((own["prep_s"] / (1 + growth * own["extra"])).mean() / by_order[own["at"]].mean())
    return by_order * level, spread


def travel(fleet: Fleet, rows: pd.DataFrame, own: pd.DataFrame) -> tuple[Floats, float]:
    """What is expected after preparation and wait, by order, and its spread."""
    done = rows[rows["fulfilled"] > 0]
    left = (done["fulfilment_s"] - done["prep_s"] - done["dasher_wait_s"]).to_numpy(np.float64)
    if float((left <= 0).mean()) > 0.01:
        raise ToolFailure(
            "not testable: preparation and wait are often longer than the whole delivery; they overlap in these data"
        )
    miles = _distance(fleet.rows)
    slope, at_zero = line(miles[done["at"]], left)
    by_order = np.maximum(at_zero + slope * miles, 1.0)
    spread = float(np.std(np.log(np.maximum(left, 1.0) / by_order[done["at"]])))
    mine = done["at"].isin(own["at"]).to_numpy()
    return by_order * float(left[mine].mean() / by_order[done["at"]][mine].mean()), spread


def _distance(rows: pd.DataFrame) -> Floats:
    if "distance" not in rows:
        return np.zeros(len(rows))
    return rows["distance"].fillna(rows["distance"].mean()).to_numpy(np.float64)


def line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and intercept of least squares; no slope where x does not vary."""
    spread = float(np.var(x))
    slope = float(((x - x.mean()) * y).mean() / spread) if spread > 0 else 0.0
    return slope, float(y.mean() - slope * x.mean())


def wait(own: pd.DataFrame) -> Wait:
    """Wait of orders carried alone, and what every further order adds."""
    wait, extra = own["dasher_wait_s"].to_numpy(np.float64), own["extra"].to_numpy(np.float64)
    alone, shared = wait[extra == 0], extra > 0
    if not len(alone) or not shared.any():
        raise ToolFailure("not testable: before the incident all orders were carried alone, or none was")
    mean, sd = float(alone.mean()), float(alone.std())
    more = wait[shared] - mean
    each = float((more @ extra[shared]) / (extra[shared] @ extra[shared]))
    beyond = float(np.var((more - each * extra[shared]) / np.sqrt(extra[shared])))
    return Wait(mean, sd, max(each, 0.0), float(np.sqrt(max(beyond - sd**2, 0.0))))


def allowance(rows: pd.DataFrame) -> float:
    """What the promise allows for an order carried besides, within stores and at the same distance."""
    known = rows.assign(miles=_distance(rows))[rows["promise_s"].notna()]
    columns = known[["promise_s", "extra", "miles"]].astype(np.float64)
    inside = (columns - columns.groupby(_stores(known)).transform("mean")).to_numpy(np.float64)
    return float(np.linalg.lstsq(inside[:, 1:], inside[:, 0], rcond=None)[0][0])


def cancel_level(own: pd.DataFrame, travel: Floats, common: Answers) -> float:
    """The intercept at which the slice's own orders are cancelled as often as they were."""
    if "canceled" not in own:
        return _NEVER
    known = own.assign(travel=travel)[own["promise_s"].notna().to_numpy()]
    wait = known["dasher_wait_s"].to_numpy(np.float64)
    late = (known["prep_s"] + known["dasher_wait_s"] + known["travel"] - known["promise_s"]).to_numpy(
        np.float64
    )
    score = burden(wait, late) @ (common.cancel_per_wait, common.cancel_per_late)
    return _level(np.asarray(score, np.float64), float(known["canceled"].mean()))


def _level(score: Floats, share: float) -> float:
    """The intercept at which log-odds give a share on average."""
    if share <= 0:
        return _NEVER
    low, high = -20.0 - float(score.max()), 20.0 - float(score.min())
    return float(optimize.brentq(lambda c: float(logit.sigmoid(c + score).mean()) - share, low, high))
