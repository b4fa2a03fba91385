"""A business of any size, for measurements: all seven core tables, written by DuckDB itself.

Thirty days of orders of 500 stores in 8 regions at all 24 hours, in 3 categories and 3 basket sizes. A store has
one region and one category, as in life; ids grow with time. On the last day one slice is late, so that
detection and localisation have something to find.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

_DAY_S: Final = 86_400
DAYS: Final = 30
STORES: Final = 500
REGIONS: Final = 8
START_S: Final = 1_767_225_600
"""2026-01-01T00:00Z."""
_MAPPING: Final = "default_zone: UTC\ndimensions: {basket: basket_size}\n"

_DRAWS: Final = """
CREATE OR REPLACE MACRO pick(id, salt, n) AS CAST(hash(id, salt) % n AS BIGINT);
CREATE OR REPLACE VIEW draws AS
SELECT i, pick(i, 1, {stores}) AS store, pick(i, 2, 3) AS basket, pick(i, 3, 1200) AS ride, pick(i, 4, 600) AS wait,
       pick(i, 5, 1000) AS luck, make_timestamptz({start_us} + (i - {first}) * {day_us} // {orders}) AS placed
FROM range({first}, {first} + {orders}) AS r(i);
"""
_LATE: Final = (
    "store % {regions} = 1 AND store // {regions} % 3 = 0 AND hour(placed) BETWEEN 18 AND 19 AND luck % 2 = 0"
)
_TABLES: Final = {
    "orders": """
SELECT i AS order_id, pick(i, 6, 1 + {orders} * 6) AS user_id, printf('S%03d', store) AS store_id,
       ['grocery', 'meals', 'retail'][1 + store // {regions} % 3] AS category,
       10.0 + 20 * basket + ride / 100 AS basket_value, placed + to_seconds(1800 + ride) AS promised_eta,
       placed AS order_time, 'R' || store % {regions} AS region, ['small', 'medium', 'large'][1 + basket] AS basket_size
FROM draws""",
    "deliveries": """
SELECT i AS order_id, CASE WHEN luck >= 20 THEN arrived END AS actual_eta, wait * 1.0 AS dasher_wait,
       300 + ride / 4 AS merchant_prep_time, 1 + ride / 400 AS distance, luck % 4 = 0 AS batched_flag,
       luck < 20 AS canceled_flag, CASE WHEN luck >= 20 THEN arrived END AS delivery_time,
       CASE WHEN luck < 20 THEN placed + to_minutes(10) END AS canceled_at
FROM (SELECT *, placed + to_seconds(1500 + ride + wait + CASE WHEN luck >= 900 OR {late} THEN 900 ELSE 0 END) AS arrived
      FROM draws)""",
    "items": """
SELECT 4 * i + j AS item_id, i AS order_id, pick(i, 10 + j, 2000) AS sku_id, 1 AS ordered_qty,
       bad BETWEEN 40 AND 70 AS substituted_flag, bad < 15 AS missing_flag,
       CASE WHEN bad < 15 THEN 4.25 ELSE 0.0 END AS refund_amount,
       CASE WHEN bad < 15 THEN placed + to_hours(1 + bad * 2) END AS refunded_at
FROM (SELECT *, pick(i, 20 + j, 1000) AS bad FROM draws, range(4) AS q(j) WHERE j < [1, 2, 4][1 + basket])""",
    "support_events": """
SELECT i AS ticket_id, i AS order_id, ['late', 'wrong', 'other'][1 + pick(i, 30, 3)] AS issue_type,
       placed + to_minutes(30 + ride) AS ticket_created
FROM draws WHERE pick(i, 31, 100) < 4""",
    "ratings": """
SELECT i AS rating_id, i AS order_id, 1 + pick(i, 40, 5) AS stars, placed + to_minutes(60 + 2 * ride) AS rating_time
FROM draws WHERE pick(i, 41, 100) < 30""",
    "inventory_events": """
SELECT i AS event_id, pick(i, 50, 2000) AS sku_id, printf('S%03d', store) AS store_id, placed AS event_time,
       pick(i, 51, 101) / 100 AS in_stock_prob, pick(i, 51, 101) < 5 AS oos_flag
FROM draws WHERE pick(i, 52, 5) = 0""",
    "policy_changes": """
SELECT {day} AS change_id, 'batching_threshold' AS policy, '{{"region": "R' || {day} % {regions} || '"}}' AS scope,
       make_timestamptz({start_us}) AS changed_at, '2' AS old_value, '3' AS new_value""",
}
"""Table: its rows of one day. Every value is a hash of its row's id, so a day never depends on another."""


@dataclass(frozen=True)
class Size:
    """So many orders, evenly over so many days."""

    orders: int
    days: int = DAYS

    @property
    def label(self) -> str:
        """As people write it.

        Example:
            >>> Size(10_000_000).label, Size(2_500).label
            ('10M', '2500')
        """
        for unit, letter in ((1_000_000, "M"), (1_000, "k")):
            if self.orders % unit == 0:
                return f"{self.orders // unit}{letter}"
        return str(self.orders)


def write(size: Size, folder: Path, *, tick: Callable[[int], None] = lambda day: None) -> None:
    """Write a dataset: a folder a table, a Parquet file a day.

    Args:
        size: orders and days.
        folder: made if it is not there.
        tick: called after each day.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mapping.yaml").write_text(_MAPPING, encoding="utf-8")
    for day in range(size.days):
        write_day(size, day, folder)
        tick(day)


def day_file(day: int) -> str:
    """Name of the file of a day, in each table's folder."""
    return f"day-{day:03d}.parquet"


def write_day(size: Size, day: int, folder: Path) -> None:
    """Write the files of one day; a day after the last of `size` goes on with its ids."""
    first, end = (size.orders * (day + i) // size.days for i in (0, 1))
    given = {
        "day": day,
        "first": first,
        "orders": end - first,
        "stores": STORES,
        "regions": REGIONS,
        "start_us": (START_S + day * _DAY_S) * 1_000_000,
        "day_us": _DAY_S * 1_000_000,
    }
    late = _LATE.format(**given) if day == size.days - 1 else "false"
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        engine.execute(_DRAWS.format(**given))
        for table, query in _TABLES.items():
            path = folder / table / day_file(day)
            path.parent.mkdir(exist_ok=True)
            rows = query.format(late=late, **given)
            engine.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
