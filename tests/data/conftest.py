from collections.abc import Callable, Iterator

import pandas as pd
import pytest

from tests.postgres import server_or_skip

Frames = dict[str, pd.DataFrame]


def times(*texts: str | None) -> pd.Series:
    return pd.to_datetime(pd.Series(texts, dtype="str"), utc=True, format="ISO8601")


@pytest.fixture
def frames() -> Frames:
    """Four orders in two regions: on time, late, cancelled, and one whose outcome came after a week."""
    return {
        "orders": pd.DataFrame(
            {
                "order_id": ["a", "b", "c", "d"],
                "user_id": ["u1", "u2", "u1", "u3"],
                "store_id": ["s1", "s2", "s1", "s2"],
                "category": ["grocery", "grocery", "meals", None],
                "basket_value": [10.0, 20.5, 30.25, None],
                "order_time": times(
                    "2026-01-01T12:00Z", "2026-01-02T07:30Z", "2026-01-02T12:00Z", "2026-01-03T07:59:59.9Z"
                ),
                "promised_eta": times(
                    "2026-01-01T12:40Z", "2026-01-02T08:00Z", "2026-01-02T12:30Z", "2026-01-03T08:30Z"
                ),
                "region": ["SF", "SF", "NY", "NY"],
            }
        ),
        "deliveries": pd.DataFrame(
            {
                "order_id": ["a", "b", "c", "d"],
                "actual_eta": times("2026-01-01T12:45Z", "2026-01-02T08:10:30Z", None, "2026-01-10T08:00Z"),
                "dasher_wait": [300, 900, 60, 50],
                "merchant_prep_time": [600, 700, 800, 900],
                "distance": [1.5, 2.5, 3.5, 4.5],
                "batched_flag": [True, False, False, True],
                "canceled_flag": [False, False, True, False],
                "canceled_at": times(None, None, "2026-01-02T12:10Z", None),
                "batch_size": [2, 1, 1, 3],
            }
        ),
        "items": pd.DataFrame(
            {
                "item_id": [1, 2, 3, 4],
                "order_id": ["a", "a", "b", "c"],
                "sku_id": ["k1", "k2", "k1", "k3"],
                "ordered_qty": [1, 2, 1, 1],
                "substituted_flag": [False, True, False, False],
                "missing_flag": [False, False, False, False],
                "refund_amount": [0.0, 1.005, 2.5, 0.0],
                "refunded_at": times(None, "2026-01-01T15:00Z", "2026-01-05T15:00Z", None),
            }
        ),
        "support_events": pd.DataFrame(
            {
                "ticket_id": [1, 2, 3],
                "order_id": ["b", "b", "a"],
                "issue_type": ["late", "late", "other"],
                "ticket_created": times("2026-01-02T09:00Z", "2026-01-02T10:00Z", "2026-01-09T00:00Z"),
            }
        ),
        "ratings": pd.DataFrame(
            {
                "rating_id": [1, 2],
                "order_id": ["a", "b"],
                "stars": [5, 2],
                "rating_time": times("2026-01-01T20:00Z", "2026-01-02T20:00Z"),
            }
        ),
        "policy_changes": pd.DataFrame(
            {
                "change_id": ["p2", "p1"],
                "policy": ["promise", "batching_threshold"],
                "scope": [None, '{"region": "SF", "hour": {"from": 18, "to": 20}}'],
                "changed_at": times("2026-01-02T00:00Z", "2026-01-01T00:00Z"),
                "old_value": ["1", "2"],
                "new_value": ["2", "4"],
            }
        ),
        "supply_snapshots": pd.DataFrame(
            {
                "region": ["SF", "NY"],
                "ts": times("2026-01-02T00:00Z", "2026-01-01T00:00Z"),
                "couriers_online": [10, 20],
                "couriers_busy": [5, 6],
            }
        ),
        "context_events": pd.DataFrame(
            {
                "kind": ["weather"],
                "scope": ['{"region": "NY"}'],
                "start": times("2026-01-02T00:00Z"),
                "end": times("2026-01-02T06:00Z"),
                "value": [2.0],
            }
        ),
        "inventory_events": pd.DataFrame(
            {
                "event_id": [7, 6],
                "sku_id": ["k1", "k2"],
                "store_id": ["s1", "s1"],
                "event_time": times("2026-01-01T00:00Z", "2026-01-01T00:00Z"),
                "in_stock_prob": [0.5, 1.0],
                "oos_flag": [False, False],
            }
        ),
    }


@pytest.fixture
def change(frames: Frames) -> Callable[..., Frames]:
    """The frames with one cell of one table set."""

    def changed(table: str, column: str, row: int, value: object) -> Frames:
        copy = frames[table].copy()
        values = copy[column].astype(object).to_list()
        values[row] = value
        copy[column] = pd.Series(values, dtype=object if isinstance(value, str) else copy[column].dtype)
        return {**frames, table: copy}

    return changed


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a server of its own; continuous integration always has one."""
    with server_or_skip() as url:
        yield url
