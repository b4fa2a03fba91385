"""The grid of policy cells."""

import pytest

from tools.dispatch.grid import Shift, run_grid


def test_more_couriers_are_never_later_in_any_column() -> None:
    cells = run_grid([14, 18, 22, 26], [1, 2, 3, 4], replications=40, seed=3)
    on_time = {(cell.couriers, cell.threshold): cell.on_time for cell in cells}
    for threshold in (1, 2, 3, 4):
        column = [on_time[couriers, threshold] for couriers in (14, 18, 22, 26)]
        assert column == sorted(column)


def test_batching_helps_few_couriers_and_costs_time_where_there_are_enough() -> None:
    cells = run_grid([14, 30], [1, 2, 4], replications=40, seed=3)
    on_time = {(cell.couriers, cell.threshold): cell.on_time for cell in cells}
    assert on_time[14, 2] > on_time[14, 1] + 0.1
    assert on_time[30, 2] > on_time[30, 4]
    busy = {(cell.couriers, cell.threshold): cell.utilisation for cell in cells}
    assert busy[14, 1] > busy[14, 2] > busy[14, 4]


def test_the_same_seed_gives_the_same_cells() -> None:
    first, again = (run_grid([18], [2], replications=10, seed=5) for _ in range(2))
    assert first == again
    assert run_grid([18], [2], replications=10, seed=6) != first


def test_one_order_is_no_queue() -> None:
    (cell,) = run_grid(
        [1], [1], replications=5, seed=1, shift=Shift(orders_per_hour=1, hours=1.0, spread=0.01)
    )
    assert cell.on_time == 1.0


def test_nothing_below_one() -> None:
    with pytest.raises(ValueError, match="couriers = 0"):
        run_grid([0, 2], [1], replications=5, seed=1)
