from datetime import UTC, datetime

import pandas as pd

from data.dataset import Dataset


def small() -> dict[str, pd.DataFrame]:
    def at(*texts: str) -> pd.Series:
        return pd.Series(pd.to_datetime(list(texts), utc=True, format="ISO8601"))

    return {
        "orders": pd.DataFrame(
            {
                "order_id": ["a", "b"],
                "order_time": at("2026-01-01T12:00Z", "2026-01-01T23:50Z"),
                "promised_eta": at("2026-01-01T12:40Z", "2026-01-02T00:20Z"),
                "region": ["SF", "NY"],
            }
        ),
        "deliveries": pd.DataFrame(
            {
                "order_id": ["a", "b"],
                "actual_eta": at("2026-01-01T12:45Z", "2026-01-02T00:30Z"),
                "canceled_flag": [False, False],
            }
        ),
    }


def test_facts_of_two_orders() -> None:
    facts = Dataset.from_frames(small()).facts()
    assert facts["on_time"].tolist() == [1, 0]
    assert facts["lateness_s"].tolist() == [300, 600]


def test_default_as_of_is_the_closed_day() -> None:
    assert Dataset.from_frames(small()).as_of == datetime(2026, 1, 2, 3, tzinfo=UTC)
