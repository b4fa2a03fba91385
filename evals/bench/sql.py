"""The yardstick: the cells by hand, in one DuckDB query over all seven tables, as an analyst would write it.

Times are plain numbers in it: with DuckDB's own functions of zoned times it takes half as long again.
It takes the data on trust (nothing is checked, nothing hashed) and answers one question; the engine is measured
against it in the same run.
"""

from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from data.contracts import TABLES

_KEYS: Final = ("day", "hour", "region", "category", "basket_size", "store_id", "order_time")
QUERY: Final = """
WITH placed AS (
  SELECT * EXCLUDE (user_id, basket_value), epoch_us(order_time) AS placed_us, epoch_us(order_time) // 86400000000 AS day,
         epoch_us(order_time) // 3600000000 % 24 AS hour
  FROM orders WHERE order_time < $as_of),
lines AS (
  SELECT order_id, count(*) AS items, count(*) FILTER (WHERE NOT missing_flag AND NOT substituted_flag) AS items_ok,
         sum(CASE WHEN epoch_us(refunded_at) <= placed_us + 86400000000 THEN round(refund_amount * 100)::BIGINT ELSE 0 END)
           AS cents
  FROM items JOIN placed USING (order_id) GROUP BY order_id),
tickets AS (
  SELECT order_id, count(*) AS tickets FROM support_events JOIN placed USING (order_id)
  WHERE epoch_us(ticket_created) <= placed_us + 86400000000 GROUP BY order_id),
stars AS (
  SELECT order_id, count(*) AS rated, sum(stars - 1) AS points FROM ratings JOIN placed USING (order_id)
  WHERE epoch_us(rating_time) <= placed_us + 172800000000 GROUP BY order_id),
stock AS (
  SELECT store_id, epoch_us(event_time) // 86400000000 AS day, epoch_us(event_time) // 3600000000 % 24 AS hour, count(*) AS stock_events,
         count(*) FILTER (WHERE oos_flag) AS out_of_stock
  FROM inventory_events GROUP BY ALL),
changed AS (
  SELECT scope->>'region' AS region, epoch_us(changed_at) // 86400000000 AS day, count(*) AS changes FROM policy_changes GROUP BY ALL),
outcomes AS (
  SELECT o.*, coalesce(canceled_flag, false) AS canceled, NOT canceled AND actual_eta IS NOT NULL AS arrived,
         epoch_us(actual_eta) - epoch_us(promised_eta) AS late_us,
         epoch_us(actual_eta) - placed_us AS took_us,
         l.items, l.items_ok, l.cents, t.tickets, s.rated, s.points
  FROM placed o LEFT JOIN deliveries d USING (order_id) LEFT JOIN lines l USING (order_id)
  LEFT JOIN tickets t USING (order_id) LEFT JOIN stars s USING (order_id)),
cells AS (
  SELECT day, hour, region, category, basket_size, store_id, count(*) AS orders,
         count(*) FILTER (WHERE arrived OR canceled) AS outcome_known, count(*) FILTER (WHERE canceled) AS canceled,
         count(*) FILTER (WHERE arrived) AS delivered,
         count(*) FILTER (WHERE arrived AND abs(late_us) <= 300000000) AS on_time,
         sum(CASE WHEN arrived THEN abs(late_us) // 1000000 ELSE 0 END) AS eta_error_s,
         sum(CASE WHEN arrived THEN took_us // 1000000 ELSE 0 END) AS fulfilment_s,
         sum(items) AS items, sum(items_ok) AS items_ok, count(items) AS refundable,
         count(*) FILTER (WHERE cents > 0) AS refunded, sum(cents) AS refund_cents,
         count(*) FILTER (WHERE tickets > 0) AS contacted, sum(rated) AS ratable, sum(points) AS stars_points
  FROM outcomes GROUP BY ALL)
SELECT * FROM cells LEFT JOIN stock USING (store_id, day, hour) LEFT JOIN changed USING (region, day)
"""


def run(folder: Path, as_of: str) -> int:
    """Compute the cells of a folder written by `evals.bench.dataset`; returns how many there are."""
    cells: int = _answer(folder, as_of).num_rows
    return cells


def totals(folder: Path, as_of: str) -> dict[str, int]:
    """The sums of its measures over all cells."""
    answer = _answer(folder, as_of)
    numbers = [name for name in answer.column_names if name not in _KEYS]
    return {name: int(sum(v for v in answer[name].to_pylist() if v is not None)) for name in numbers}


def _answer(folder: Path, as_of: str) -> pa.Table:
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for table in TABLES:
            if (folder / table).is_dir():
                files = f"{folder / table}/*.parquet"
                engine.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{files}')")  # noqa: S608  # names of ours
        return engine.execute(QUERY, {"as_of": as_of}).to_arrow_table()
