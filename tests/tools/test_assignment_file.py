"""What an assignment must be like, and what each fault is answered with."""

import pandas as pd
import pytest

from tools.assignment_file import AssignmentError, checked, fresh

LOG = pd.DataFrame(
    {
        "order_id": [1, 2, 3, 4],
        "arm": ["control", "treatment", "treatment", "control"],
        "assigned_at": "2026-02-03T00:00:00Z",
    }
)
WINDOWS = pd.DataFrame(
    {
        "region": ["SF", "SF", "LA"],
        "window_start": ["2026-02-03T00:00:00Z", "2026-02-03T02:00:00Z", "2026-02-03T00:00:00-08:00"],
        "arm": ["control", "treatment", "control"],
        "slot": ["0", "3", "1"],
    }
)


def test_orders_and_windows_come_out_as_text_and_utc() -> None:
    log = checked(LOG, "switchback")
    assert log["order_id"].tolist() == ["1", "2", "3", "4"]
    windows = checked(WINDOWS, "switchback")
    assert windows["window_start"].iloc[2] == pd.Timestamp("2026-02-03T08:00Z")
    assert windows["slot"].tolist() == [0, 3, 1]
    stores = pd.DataFrame({"store_id": [7, 8], "arm": ["control", "treatment"]})
    assert checked(stores, "store_cluster")["store_id"].tolist() == ["7", "8"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.head(0), "no rows"),
        (lambda d: d.drop(columns="arm"), "no column arm; it has order_id, assigned_at"),
        (lambda d: d.drop(columns="assigned_at"), "no column assigned_at"),
        (lambda d: d.assign(arm=["control", "B", "treatment", "A"]), "unknown arm 'A', 'B' in 2 rows"),
        (
            lambda d: d.assign(arm=["control", None, "treatment", "control"]),
            r"unknown arm \(empty\) in 1 rows",
        ),
        (lambda d: d.assign(arm="control"), "no row has the arm treatment"),
        (
            lambda d: d.assign(order_id=[1, 1, 2, 3]),
            "1 orders stand more than once, 1 of them with both arms; .* 2, 3",
        ),
        (lambda d: d.assign(order_id=[1, 2, 3, 1]), "1 orders stand more than once, 0 of them"),
        (lambda d: d.assign(order_id=[1, None, 3, 4]), "1 rows have no order_id; first in row 3"),
        (lambda d: d.assign(assigned_at="2026-02-03 00:00"), "has no zone; append Z"),
        (lambda d: d.assign(assigned_at="soon"), "column assigned_at: .*; write times as"),
        (lambda d: d.assign(share=[0.5, 0.5, 1.0, 0.5]), "share must lie between 0 and 1: 1.0 in row 4"),
        (lambda d: d.assign(experiment=["a", "b", "a", "a"]), r"2 experiments \(a, b\), and 0 of 4 orders"),
    ],
)
def test_faults_of_a_log_are_named(change: object, message: str) -> None:
    with pytest.raises(AssignmentError, match=message):
        checked(change(LOG), "switchback")  # type: ignore[operator]  # parametrised callables


def test_an_order_in_two_experiments_of_one_file_is_counted() -> None:
    both = pd.concat([LOG.assign(experiment="a"), LOG.head(3).assign(experiment="b")])
    with pytest.raises(AssignmentError, match="3 of 4 orders are in more than one"):
        checked(both, "switchback")


def test_places_that_are_no_places_are_refused() -> None:
    with pytest.raises(AssignmentError, match="'x' in row 3 is no place within a run"):
        checked(WINDOWS.assign(slot=["0", "x", "1"]), "switchback")


def test_overlap_with_another_experiment_is_refused() -> None:
    other = LOG.iloc[1:3].assign(experiment="promise-copy")
    with pytest.raises(
        AssignmentError, match="2 of 4 orders are also in another experiment 'promise-copy', first 2"
    ):
        checked(LOG, "switchback", others=(other,))
    assert len(checked(LOG, "switchback", others=(other.assign(order_id=[8, 9]),))) == 4
    with pytest.raises(AssignmentError, match="whether they overlap cannot be told"):
        checked(LOG, "switchback", others=(WINDOWS,))
    with pytest.raises(AssignmentError, match="3 of 3 windows"):
        checked(WINDOWS, "switchback", others=(WINDOWS,))


def test_an_assignment_grows_by_what_is_new() -> None:
    more = pd.concat([LOG.tail(1), LOG.tail(1).assign(order_id=5)])
    assert fresh(LOG, more, "switchback")["order_id"].tolist() == ["5"]
    assert fresh(LOG.head(0), LOG, "switchback")["order_id"].tolist() == ["1", "2", "3", "4"]
    same_moment = WINDOWS.assign(window_start=["2026-02-02T19:00:00-05:00", *WINDOWS["window_start"][1:]])
    assert fresh(WINDOWS, same_moment, "switchback").empty


def test_one_arm_alone_may_be_added() -> None:
    assert len(fresh(LOG, pd.DataFrame({**LOG.head(1), "order_id": [9]}), "switchback")) == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (LOG.assign(arm="control"), "2 orders have the other arm already, first in row 3, 4: an arm stays"),
        (
            LOG.assign(share=0.5),
            "the rows have the columns order_id, arm, assigned_at, share, the assignment",
        ),
        (WINDOWS, "the rows have the columns region"),
        (LOG.head(0), "no rows"),
        (LOG.assign(arm="B"), "unknown arm 'B'"),
    ],
)
def test_what_an_assignment_may_not_grow_by_is_named(more: pd.DataFrame, message: str) -> None:
    with pytest.raises(AssignmentError, match=message):
        fresh(LOG, more, "switchback")
