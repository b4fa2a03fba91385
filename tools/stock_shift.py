"""Did the stock behind the incident's stores change, as the stock system saw it and as customers did?"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools.decomposition import shift_of
from tools.errors import ToolFailure
from tools.incident_frame import GUARD, IncidentFrame, SpanArguments, incident_frame
from tools.outcomes import harm
from tools.registry import Cost, Result, ToolContext, tool
from tools.shift import Shift, measure

Floats = npt.NDArray[np.float64]


class StockShiftResult(Result):
    """Stock and items of the incident's stores; positive `z` is worse."""

    out_of_stock_baseline_share: float
    """Mean probability that a product is not there, as the stock system believed it before."""
    out_of_stock_current_share: float
    """During the incident."""
    out_of_stock_change_pp: float
    z: float
    """Of the belief, in standard errors between days; 0 where nothing is recorded."""
    items_bad_baseline_share: float
    """Order lines substituted or missing, before."""
    items_bad_current_share: float
    """During the incident."""
    items_bad_change_pp: float
    z_items: float
    """Of the lines, in standard errors between days."""
    n_events: int
    """Stock events of these stores in the window."""


@tool(cost=Cost.MODERATE)
def stock_shift(context: ToolContext, arguments: SpanArguments) -> StockShiftResult:
    """Whether products of the incident's stores were out of stock more, and lines substituted or missing more."""
    frame = incident_frame(context, arguments)
    belief, events = None, 0
    if context.dataset.has("inventory_events"):
        daily = _beliefs(context.dataset.inventory(), frame, arguments, context.settings.baseline_days)
        belief, events = daily
    items = (
        shift_of(frame, harm(frame.rows, "item_accuracy"), frame.inside) if "items_ok" in frame.rows else None
    )
    if belief is None and items is None:
        raise ToolFailure(
            "not testable: neither stock events nor items are known in the window and before it"
        )
    return StockShiftResult(
        out_of_stock_baseline_share=belief.baseline if belief else 0.0,
        out_of_stock_current_share=belief.current if belief else 0.0,
        out_of_stock_change_pp=100.0 * belief.change if belief else 0.0,
        z=belief.z if belief else 0.0,
        items_bad_baseline_share=items.baseline if items else 0.0,
        items_bad_current_share=items.current if items else 0.0,
        items_bad_change_pp=100.0 * items.change if items else 0.0,
        z_items=items.z if items else 0.0,
        n_events=events,
    )


def _beliefs(
    inventory: pd.DataFrame, frame: IncidentFrame, span: SpanArguments, days: int
) -> tuple[Shift | None, int]:
    column = next((c for c in ("in_stock_prob", "oos_flag") if c in inventory), None)
    if column is None or inventory.empty:
        return None, 0
    at = inventory["event_time"]
    first = span.start - GUARD - pd.Timedelta(days=days)
    keep = (at >= first) & (at < span.end) & ((at < span.start - GUARD) | (at >= span.start))
    keep &= inventory[column].notna()
    if "store_id" in inventory and "store_id" in frame.rows:
        stores = frame.rows["store_id"][frame.inside].unique()
        keep &= inventory["store_id"].astype(str).isin({str(store) for store in stores})
    rows = inventory[keep]
    value = rows[column].to_numpy(dtype=np.float64, na_value=np.nan)
    missing = 1.0 - value if column == "in_stock_prob" else value
    since = (rows["event_time"] - pd.Timestamp(span.start)).dt.total_seconds().to_numpy() / 86_400.0
    during = since >= 0
    day = np.floor(since).astype(np.int64)
    return measure(missing, day, during), int(during.sum())
