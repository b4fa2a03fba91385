"""What a data-quality incident can be about, and in which unit."""

from typing import Final

FEED_METRICS: Final = {
    "order_volume": "orders_per_day",
    "order_copies": "share",
    "order_clock": "h",
    "delivery_clock": "h",
    "deliveries_feed": "records_per_day",
    "items_feed": "records_per_day",
    "support_events_feed": "records_per_day",
    "ratings_feed": "records_per_day",
}
"""Metric of the incident: its unit. `order_copies` is the share of orders that repeat another one."""
