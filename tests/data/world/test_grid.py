from datetime import UTC, date, datetime

import numpy as np
import pytest

from data.slices import ALL_ORDERS, Slice
from data.world import grid as grids
from data.world.regions import REGIONS

GRID = grids.build(date(2026, 3, 7), days=3)


def test_a_day_is_short_where_clocks_go_forward() -> None:
    hours = [int(((GRID.region == 0) & (GRID.day == day)).sum()) for day in range(3)]
    assert hours == [24, 23, 24]


def test_midnight_is_local() -> None:
    assert GRID.midnight("SF", 0) == datetime(2026, 3, 7, 8, tzinfo=UTC)
    assert GRID.midnight("SF", 2) == datetime(2026, 3, 9, 7, tzinfo=UTC)
    assert GRID.midnight("NYC", 0) == datetime(2026, 3, 7, 5, tzinfo=UTC)


def test_cells_count_every_region_category_and_hour() -> None:
    assert GRID.cells == len(REGIONS) * 71 * 4
    assert GRID.cell_category.size == GRID.cells


def test_select_everything() -> None:
    assert GRID.select(ALL_ORDERS).all()


def test_select_a_slice_from_a_day_on() -> None:
    scope = Slice.parse({"region": "SF", "category": "grocery", "hour": {"from": 18, "to": 20}})
    assert int(GRID.select(scope).sum()) == 6
    assert int(GRID.select(scope, from_day=1).sum()) == 4


def test_select_since_an_instant() -> None:
    chosen = GRID.select(Slice.parse({"region": "SF"}), since=GRID.midnight("SF", 2))
    assert int(chosen.sum()) == 24 * 4
    assert (np.repeat(GRID.day, 4)[chosen] == 2).all()


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        ({"store_id": "7"}, "the world acts on region, category and hour"),
        ({"region": "Atlantis"}, "known: SF, NYC"),
        ({"category": "flowers"}, "known: restaurant, grocery"),
    ],
)
def test_select_refuses_what_it_does_not_know(scope: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GRID.select(Slice.parse(scope))
