import numpy as np
import pytest

from data.slices import ALL_ORDERS, HourRange, Slice
from data.world import SCENARIOS, distribution


def test_every_fault_has_a_distribution() -> None:
    single = {name for name in SCENARIOS if "+" not in name}
    assert set(distribution.load()) == single - {"none"}


@pytest.mark.parametrize("name", sorted(distribution.load()))
def test_sizes_and_scopes_keep_their_bounds(name: str) -> None:
    bounds = distribution.load()[name]
    rng = np.random.default_rng(0)
    sizes = [distribution.draw_size(bounds, rng) for _ in range(300)]
    assert bounds.size.low <= min(sizes) < max(sizes) <= bounds.size.high
    assert np.median(sizes) == pytest.approx(bounds.size.median, rel=0.03)
    scopes = [distribution.draw_scope(bounds, rng) for _ in range(60)]
    assert all(distribution.order_share(scope) >= bounds.least_share for scope in scopes)


def test_order_share_of_everything_is_one() -> None:
    assert distribution.order_share(ALL_ORDERS) == pytest.approx(1)


def test_order_share_adds_up_over_hours() -> None:
    parts = [Slice(hour=HourRange(start=a, end=b)) for a, b in ((0, 11), (11, 24))]
    assert sum(map(distribution.order_share, parts)) == pytest.approx(1)


def test_an_impossible_share_is_refused() -> None:
    bounds = distribution.load()["batching"].model_copy(update={"least_share": 0.9})
    with pytest.raises(ValueError, match="lower least_share"):
        distribution.draw_scope(bounds, np.random.default_rng(0))
