"""The plain answer to what an action would do: a straight line through the days, score against driver."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from evals.enacted import PROMISES
from tools.incidents import Incident
from tools.interventions import COLUMNS, bad_lines, history, orders_between, rows_in
from tools.loads import couriers_of
from tools.recommendations import Recommendation
from tools.registry import ToolContext
from tools.score import cx
from tools.whatif import rates

Floats = npt.NDArray[np.float64]

DRIVERS: Final = {
    "reduce_batching_threshold": "batched",
    "revert_policy": "batched",
    "roll_back_eta_model": "promise_s",
    "retrain_eta_model": "promise_s",
    "restore_preparation": "prep_s",
    "suppress_low_confidence_skus": "bad_lines",
    "increase_eta_buffer": "promise_s",
    "throttle_store_intake": "orders",
    "add_courier_supply": "couriers",
}


def elasticity_gain(context: ToolContext, found: Incident, chosen: Recommendation) -> float | None:
    """Change of the CX Score that least squares over days promises of an action; None where a day has no level.

    Levels are daily means of the driver in the incident's slice, over the baseline and the incident; an action that
    brings its driver back is taken to bring it to the baseline's mean.

    Args:
        context: the data.
        found: the incident.
        chosen: the recommendation.
    """
    facts = context.dataset.facts()
    own = rows_in(facts, found.slice)
    now = own & orders_between(facts, found.window)
    rows = facts[now | (own & history(facts, found.window, context.settings.baseline_days))].copy()
    rows["cohort"] = orders_between(rows, found.window)
    rows["level"] = _level(context, rows, DRIVERS[chosen.action])
    days = [day for _, day in rows.groupby("day") if day["level"].notna().any()]
    scores = [cx(rates(day)) for day in days]
    points = [
        (float(day["level"].mean()), score.score, bool(day["cohort"].iloc[0]))
        for day, score in zip(days, scores, strict=True)
        if score is not None
    ]
    if len(points) < 3:
        return None
    level, score, during = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    if not during.any() or during.all() or level.std() == 0:
        return None
    slope = float(np.polyfit(level, score, 1)[0])
    return slope * _change(chosen, level, during.astype(bool))


def _level(context: ToolContext, rows: pd.DataFrame, driver: str) -> pd.Series:
    if driver == "couriers":
        return couriers_of(context.dataset, rows)
    if driver == "bad_lines":
        return bad_lines(rows)
    name = COLUMNS.get(driver, driver)
    return rows[name].astype(np.float64)


def _change(chosen: Recommendation, level: Floats, during: npt.NDArray[np.bool_]) -> float:
    given, now = chosen.parameters, float(level[during].mean())
    if "couriers_share" in given:
        return now * float(given["couriers_share"])
    if chosen.action in PROMISES:
        return float(given[PROMISES[chosen.action]])
    if "intake_cut_share" in given:
        return -now * float(given["intake_cut_share"])
    return float(level[~during].mean()) - now
