"""Order lines with what the stock system believed of their product when they were ordered.

It is what a rule such as "do not offer what is less likely there than so" works on. What a customer takes instead is
not in the data: at worst a product as likely there as the limit itself, since every other one on offer is likelier; or
one like the average of those on offer. Both readings are worked out. A line without a fresh record of its product is
taken to be like those with one: the stock system knows more than the events that it writes down.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.dataset import Dataset
from tools import logit
from tools.errors import ToolFailure
from tools.incidents import Window
from tools.memo import memo

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

Reading = Literal["limit", "average"]
"""What a customer takes instead: a product as likely there as the limit, or the average one on offer."""
READINGS: Final[tuple[Reading, ...]] = get_args(Reading)
FRESH: Final = pd.Timedelta(days=1)
"""An older record says nothing of what is on the shelf now."""
FEWEST: Final = 100
"""Lines with a fresh record that tell how often what the system believes is so."""
SURE: Final = 1e-3
"""Beliefs are kept so far from 0 and 1."""


def believed(dataset: Dataset, window: Window) -> pd.DataFrame:
    """Lines of the orders of a window: order_id, item_id, order_time, bad, and `belief` (NaN without a fresh record).

    Memoised on the dataset: every limit that is tried asks for the same lines.

    Raises:
        NotTestableError: order lines or beliefs are not in the data.
    """
    return memo(dataset, ("believed", window.start, window.end), lambda: _believed(dataset, window))


def _believed(dataset: Dataset, window: Window) -> pd.DataFrame:
    dataset.require("inventory_events.in_stock_prob", "inventory_events.sku_id", "inventory_events.store_id")
    lines = dataset.order_lines(window.start, window.end)
    stores = dataset.facts()[["order_id", "store_id"]].astype({"store_id": "string"})
    lines = lines.merge(stores, on="order_id").astype({"sku_id": "string"})
    events = dataset.inventory()[["event_time", "store_id", "sku_id", "in_stock_prob"]]
    events = events.astype({"store_id": "string", "sku_id": "string"}).dropna()
    found = pd.merge_asof(
        lines,
        events,
        left_on="order_time",
        right_on="event_time",
        by=["store_id", "sku_id"],
        tolerance=FRESH,
    )
    named = found.rename(columns={"in_stock_prob": "belief"})
    return named[["order_id", "item_id", "order_time", "bad", "belief"]]


class Hidden(NamedTuple):
    """What not offering doubtful products comes to."""

    lines_share: float
    """Of all lines ordered, not on offer."""
    avoided: Mapping[Reading, float]
    """Share of the bad lines that would not have been bad, by reading."""


def hide(lines: pd.DataFrame, below: float) -> Hidden:
    """What would come of not offering products less likely there than `below`.

    How often a product is missing at a belief is a logistic curve through the lines with a record.

    Args:
        lines: as `believed` returns them.
        below: the limit, a probability.

    Raises:
        ToolFailure: too few lines have a fresh record.
    """
    bad, belief = lines["bad"].to_numpy(bool), lines["belief"].to_numpy(np.float64, na_value=np.nan)
    fresh = ~np.isnan(belief)
    if int(fresh.sum()) < FEWEST or not 0 < int(bad[fresh].sum()) < int(fresh.sum()):
        raise ToolFailure(
            f"only {int(fresh.sum())} of {len(bad)} order lines have a stock record of the day before, "
            f"{int(bad[fresh].sum())} of them substituted or missing; at least {FEWEST} and both kinds are needed"
        )
    curve = logit.fit(_log_odds(belief[fresh]), bad[fresh].astype(np.float64), ridge=1.0)
    rate, hidden = curve.probability(_log_odds(belief[fresh])), belief[fresh] < below
    if hidden.all():
        raise ToolFailure(f"below = {below:g}: no product that was ordered would be on offer any more")
    instead = {
        "limit": float(curve.probability(_log_odds(np.array([below])))[0]),
        "average": float(rate[~hidden].mean()),
    }
    avoided = {
        name: float(np.maximum(rate[hidden] - instead[name], 0.0).sum() / rate.sum()) for name in READINGS
    }
    return Hidden(float(hidden.mean()), avoided)


def still_bad(lines: pd.DataFrame, avoided: float) -> Bools:
    """Which lines stay bad where a share of the bad ones is avoided.

    Those that stay are taken at equal distances, so that no luck is drawn.

    Example:
        >>> still_bad(pd.DataFrame({"bad": [True, True, False, True, True]}), 0.5).tolist()
        [False, True, False, False, True]
    """
    found = lines["bad"].to_numpy(bool).copy()
    steps = np.floor(np.arange(1, int(found.sum()) + 1) * (1 - avoided))
    found[found] = np.diff(steps, prepend=0.0) > 0
    return found


def _log_odds(belief: Floats) -> Floats:
    kept = np.clip(belief, SURE, 1 - SURE)
    return np.log(kept / (1 - kept))[:, None]
