import pytest

from data.world import WorldRun, score
from tools.metrics import METRICS


def test_the_score_is_that_of_the_product() -> None:
    for name, part in score.COMPONENTS.items():
        metric = METRICS[name]
        assert (metric.weight, metric.floor, metric.target) == (part.weight, part.floor, part.target)


def test_the_best_rates_score_a_hundred() -> None:
    assert score.cx_score({name: part.target for name, part in score.COMPONENTS.items()}) == 100
    assert score.cx_score({name: part.floor for name, part in score.COMPONENTS.items()}) == 0


def test_absent_components_are_left_out() -> None:
    assert score.cx_score({"cancellation": 0.08, "on_time": 0.79}) == pytest.approx(50)
    assert score.cx_score({}) != score.cx_score({})


def test_rates_equal_those_of_the_tables(none_run: WorldRun) -> None:
    found, tables = none_run.metrics(), none_run.tables
    deliveries = tables["deliveries"].merge(tables["orders"], on="order_id")
    delivered = deliveries[~deliveries["canceled_flag"]]
    error = (delivered["actual_eta"] - delivered["promised_eta"]).dt.total_seconds()
    items = tables["items"]
    items = items[items["order_id"].isin(delivered["order_id"])]
    tickets = tables["support_events"].merge(tables["orders"], on="order_id")
    early = tickets["ticket_created"] - tickets["order_time"] <= "24h"
    ratings = tables["ratings"].merge(tables["orders"], on="order_id")
    rated = ratings[ratings["rating_time"] - ratings["order_time"] <= "48h"]
    expected = {
        "orders": len(deliveries),
        "on_time": (error.abs() <= 300).mean(),
        "cancellation": deliveries["canceled_flag"].mean(),
        "item_accuracy": (~(items["substituted_flag"] | items["missing_flag"])).mean(),
        "support_contact": tickets.loc[early, "order_id"].nunique() / len(deliveries),
        "rating": (rated["stars"].mean() - 1) / 4,
        "dasher_wait": deliveries["dasher_wait"].mean(),
        "batched_share": deliveries["batched_flag"].mean(),
        "refunded_value": tables["items"]["refund_amount"].sum(),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name
