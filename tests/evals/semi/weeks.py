"""Made-up weeks in which the clocks go forward, for tests of what is done with real ones."""

from datetime import timedelta

import pandas as pd

from data.mapping import Mapping
from evals.semi.history import History

ZONE = "America/New_York"
FIRST = 15_748
"""12 February 2013; the clocks went forward on 10 March."""
HOURS = (6, 11, 18, 22)
BAD_EVERY = 20
"""Of the days since 1970, those that this divides: every order came half an hour late."""


def weeks(number: int = 8) -> History:
    """Four orders a local day in each of two regions, promised in half an hour and punctual but for the bad days."""
    orders = pd.DataFrame(
        {
            "order_id": f"{day}-{region}-{hour}",
            "order_time": (pd.Timestamp(0) + timedelta(days=day, hours=hour)).tz_localize(ZONE),
            "day": day,
            "hour": hour,
            "weekday": (day + 3) % 7,
            "region": region,
            "category": "pizza",
            "store_id": region,
            "promise_s": 1_800.0,
            "fulfilment_s": 1_800.0 + (1_800.0 if day % BAD_EVERY == 0 else 0.0),
            "fulfilled": 1,
            "canceled": 0,
        }
        for day in range(FIRST, FIRST + 7 * number)
        for region in ("A", "B")
        for hour in HOURS
    )
    time = orders["order_time"].dt.tz_convert("UTC").dt.as_unit("us")
    orders = orders.assign(order_time=time).sort_values(["order_time", "order_id"], ignore_index=True)
    return History(orders.astype({"region": "category", "category": "category"}), Mapping(default_zone=ZONE))
