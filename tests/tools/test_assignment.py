"""The draw of arms: random, even, repeatable."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.assignment import (
    TREATMENT,
    customer_arm,
    draw,
    draw_customers,
    draw_stores,
    draw_windows,
    in_blocks,
    independent,
)


def _windows(days: int = 14, positions: int = 12, regions: tuple[str, ...] = ("LA", "SF")) -> pd.DataFrame:
    rows = [
        {
            "region": region,
            "position": place,
            "window_start": pd.Timestamp(day * 24 + 2 * place, unit="h", tz="UTC"),
        }
        for region in regions
        for day in range(days)
        for place in range(positions)
    ]
    windows = pd.DataFrame(rows)
    return windows.assign(window_end=windows["window_start"] + pd.Timedelta(hours=2))


def test_windows_are_drawn_by_seed_evenly_in_every_region() -> None:
    windows = _windows()
    drawn = draw_windows(windows, share=0.5, seed=3)
    assert len(drawn) == len(windows)
    pd.testing.assert_frame_equal(
        drawn, draw_windows(windows.sample(frac=1, random_state=1), share=0.5, seed=3)
    )
    assert not drawn["arm"].equals(draw_windows(windows, share=0.5, seed=4)["arm"])
    treated = drawn["arm"] == TREATMENT
    assert treated.groupby(drawn["region"]).mean().tolist() == [0.5, 0.5]
    by_hour = treated.groupby([drawn["region"], drawn["position"]]).mean()
    assert by_hour.between(0.3, 0.7).all()


def test_windows_never_take_turns() -> None:
    drawn = draw_windows(_windows(), share=0.5, seed=1)
    arms = (drawn[drawn["region"] == "SF"]["arm"] == TREATMENT).to_numpy()
    same = (arms[1:] == arms[:-1]).mean()
    assert 0.35 < same < 0.65


@pytest.mark.parametrize(("share", "length"), [(0.5, 4), (0.1, 10), (0.25, 4), (0.3, 10)])
def test_runs_hold_the_share_exactly(share: float, length: int) -> None:
    how = in_blocks(["a"] * (3 * length), share)
    assert how.length == length
    drawn = draw(how, np.random.default_rng(0), times=50)
    assert (drawn.sum(axis=1) == round(3 * length * share)).all()
    # Every place of a run is as likely as any other.
    assert drawn.mean(axis=0) == pytest.approx(share, abs=0.3)


def test_odd_shares_are_drawn_one_by_one() -> None:
    how = in_blocks(["a"] * 500, 1 / np.pi)
    assert how.block is None
    assert draw(how, np.random.default_rng(0), times=20).mean() == pytest.approx(1 / np.pi, abs=0.02)
    assert draw(independent(500, 0.2), np.random.default_rng(0)).shape == (1, 500)


def test_stores_keep_the_share_and_repeat() -> None:
    drawn = draw_stores([f"s{n}" for n in range(41)], share=0.5, seed=2)
    assert (drawn["arm"] == TREATMENT).sum() in (20, 21)
    pd.testing.assert_frame_equal(drawn, draw_stores([f"s{n}" for n in range(40, -1, -1)], share=0.5, seed=2))


@given(st.integers(0, 10**9))
def test_customers_who_get_a_small_share_get_a_larger_one_too(number: int) -> None:
    arms = [customer_arm(str(number), experiment="e", share=share) for share in (0.1, 0.5, 0.9)]
    assert sorted(arms) == arms


def test_customers_are_split_anew_in_every_experiment() -> None:
    names = [str(n) for n in range(4000)]
    one, other = (
        draw_customers(names, share=0.5, experiment=name)["arm"] == TREATMENT for name in ("a", "b")
    )
    assert one.mean() == pytest.approx(0.5, abs=0.03)
    assert (one == other).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_impossible_shares_name_the_value(share: float) -> None:
    with pytest.raises(ValueError, match=f"share = {share}"):
        in_blocks(["a"], share)
