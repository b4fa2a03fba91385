import numpy as np
import pandas as pd
import pytest

from tests.tools.records import (
    Bools,
    Frames,
    gate,
    healthy,
    local,
    moved,
    on,
    repeated,
    silenced,
    without,
)
from tools.feeds import Break

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def frames() -> Frames:
    return healthy()


@pytest.fixture(scope="module")
def orders_only(frames: Frames) -> Frames:
    """Faults of the orders show in the orders."""
    return {"orders": frames["orders"]}


def told(found: tuple[Break, ...]) -> list[tuple[str, str, int, int]]:
    return [(one.metric, str(one.slice), one.first, one.last) for one in found]


def region(orders: pd.DataFrame, name: str) -> Bools:
    return np.asarray(orders["region"] == name)


def hours(orders: pd.DataFrame, begin: str, end: str) -> Bools:
    time = local(orders).dt.strftime("%H:%M")
    return np.asarray((time >= begin) & (time < end))


def test_healthy_records_are_let_through(frames: Frames) -> None:
    assert gate(frames) == ()


def test_a_feed_that_stopped(orders_only: Frames) -> None:
    (found,) = gate(without(orders_only, lambda o: on(o, 20, 21) & (np.arange(len(o)) % 10 > 0)))
    assert told((found,)) == [("order_volume", "all orders", 20, 22)]
    assert found.seen < 0.2 * found.expected
    assert found.z < -6


def test_a_region_that_stopped(orders_only: Frames) -> None:
    assert told(gate(without(orders_only, lambda o: on(o, 20, 21) & region(o, "SF")))) == [
        ("order_volume", "region=SF", 20, 22)
    ]


def test_a_region_that_stays_silent_longer_than_the_rest(orders_only: Frames) -> None:
    lost = without(orders_only, lambda o: on(o, 20) | (on(o, 21, 22) & region(o, "SF")))
    assert told(gate(lost)) == [("order_volume", "all orders", 20, 21), ("order_volume", "region=SF", 21, 23)]


@pytest.mark.parametrize(
    ("begin", "end", "shown"),
    [("18:00", "19:30", "18-20h"), ("18:15", "19:45", "18-20h"), ("17:30", "19:00", "17-19h")],
)
def test_a_gap_of_ninety_minutes(orders_only: Frames, begin: str, end: str, shown: str) -> None:
    lost = without(orders_only, lambda o: on(o, 20) & hours(o, begin, end))
    assert told(gate(lost)) == [("order_volume", shown, 20, 21)]


def test_a_gap_in_one_region(orders_only: Frames) -> None:
    lost = without(orders_only, lambda o: on(o, 20) & hours(o, "18:00", "19:30") & region(o, "SF"))
    assert told(gate(lost)) == [("order_volume", "region=SF, 18-20h", 20, 21)]


@pytest.mark.parametrize("table", ["support_events", "ratings", "deliveries", "items"])
def test_a_table_that_stopped_while_orders_went_on(frames: Frames, table: str) -> None:
    found = gate(silenced(frames, table, lambda o: on(o, 20, 21)))
    assert told(found) == [(f"{table}_feed", "all orders", 20, 22)]
    assert found[0].spoils


def test_deliveries_of_one_region_stop(frames: Frames) -> None:
    found = gate(silenced(frames, "deliveries", lambda o: on(o, 20) & region(o, "SF")))
    assert told(found) == [("deliveries_feed", "region=SF", 20, 21)]


def test_a_feed_recorded_twice(orders_only: Frames) -> None:
    (found,) = gate(repeated(orders_only, lambda o: on(o, 20)))
    assert told((found,)) == [("order_copies", "all orders", 20, 21)]
    assert found.expected == pytest.approx(0.0, abs=1e-3)
    assert found.seen == pytest.approx(0.5, abs=0.01)


def test_one_region_recorded_twice(orders_only: Frames) -> None:
    assert told(gate(repeated(orders_only, lambda o: on(o, 20) & region(o, "SF")))) == [
        ("order_copies", "region=SF", 20, 21)
    ]


def test_a_feed_recorded_twice_with_other_times(orders_only: Frames) -> None:
    """No two orders are the same, but every hour of the day has twice its orders."""
    (found,) = gate(repeated(orders_only, lambda o: on(o, 20), jitter=True))
    assert told((found,)) == [("order_volume", "all orders", 20, 21)]


def test_ten_times_the_volume(orders_only: Frames) -> None:
    (found,) = gate(repeated(orders_only, lambda o: on(o, 20), times=9, jitter=True))
    assert told((found,)) == [("order_volume", "all orders", 20, 21)]
    assert found.seen == pytest.approx(10 * found.expected, rel=0.2)


def test_a_busy_evening_is_no_fault(orders_only: Frames) -> None:
    """Demand that doubles at dinner is customers, not records."""
    assert gate(repeated(orders_only, lambda o: on(o, 20) & hours(o, "16:00", "23:00"), jitter=True)) == ()


@pytest.mark.parametrize("shift", [3, -5])
def test_the_clock_of_a_region(orders_only: Frames, shift: int) -> None:
    found = gate(moved(orders_only, lambda o: on(o, 20, 21, 22) & region(o, "SF"), hours=shift))
    clocks = [one for one in found if one.metric == "order_clock"]
    assert {str(one.slice) for one in found} == {"region=SF"}
    assert (clocks[0].slice.get("region"), clocks[0].seen) == ("SF", shift)
    assert sum(one.last - one.first for one in clocks) >= 2


def test_the_clock_of_deliveries(frames: Frames) -> None:
    orders = frames["orders"]
    rows = frames["deliveries"].copy()
    hit = rows["order_id"].isin(orders.loc[on(orders, 20), "order_id"])
    for column in ("actual_eta", "delivery_time"):
        rows.loc[hit, column] += pd.Timedelta(hours=1)
    (found,) = gate({**frames, "deliveries": rows})
    assert told((found,)) == [("delivery_clock", "all orders", 20, 21)]
    assert found.seen == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("zones", [True, False])
def test_a_change_of_the_clocks_is_no_fault(zones: bool) -> None:
    """Clocks went forward on 8 March 2026, the 21st day of this world."""
    assert gate(healthy(start="2026-02-16"), zones=zones) == ()


def test_clocks_going_back_is_no_fault() -> None:
    assert gate(healthy(start="2026-10-12")) == ()


def test_a_store_that_opened_yesterday_is_no_fault(orders_only: Frames) -> None:
    store = str(orders_only["orders"]["store_id"].iloc[0])
    young = without(orders_only, lambda o: (o["store_id"].astype(str) == store).to_numpy() & ~on(o, 27))
    assert gate(young) == ()


def test_a_region_that_opened_yesterday_is_no_fault(orders_only: Frames) -> None:
    assert gate(without(orders_only, lambda o: region(o, "DEN") & ~on(o, 27))) == ()


def test_a_small_business_is_not_judged(orders_only: Frames) -> None:
    """Forty orders a day come and go."""
    few = without(orders_only, lambda o: np.arange(len(o)) % 150 > 0)
    assert gate(without(few, lambda o: on(o, 20))) == ()
