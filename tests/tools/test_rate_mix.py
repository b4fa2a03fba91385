import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.rate_mix import rate_mix

SHARES = st.lists(st.floats(0.01, 1), min_size=2, max_size=10)


def test_kitagawa_a_worse_mix_alone() -> None:
    split = rate_mix(rate0=[0.95, 0.80], rate1=[0.95, 0.80], share0=[0.8, 0.2], share1=[0.5, 0.5])
    assert split.total == pytest.approx(-0.045, abs=1e-12)
    assert split.rate == pytest.approx(0.0, abs=1e-12)
    assert split.mix == pytest.approx(-0.045, abs=1e-12)
    assert split.warning == "mix_only"


def test_simpson_a_better_mix_hides_worse_parts() -> None:
    split = rate_mix(rate0=[0.95, 0.80], rate1=[0.93, 0.74], share0=[0.8, 0.2], share1=[0.9, 0.1])
    assert split.total == pytest.approx(-0.009, abs=1e-12)
    assert split.rate == pytest.approx(-0.026, abs=1e-12)
    assert split.mix == pytest.approx(0.017, abs=1e-12)
    assert split.warning == "masked"


def test_simpson_the_whole_moves_against_all_its_parts() -> None:
    split = rate_mix(rate0=[0.95, 0.70], rate1=[0.94, 0.69], share0=[0.5, 0.5], share1=[0.9, 0.1])
    assert split.total > 0 > split.rate
    assert split.simpson
    assert split.warning == "reversed"


def test_a_plain_change_has_no_warning() -> None:
    split = rate_mix(rate0=[0.95, 0.80], rate1=[0.85, 0.70], share0=[0.8, 0.2], share1=[0.8, 0.2])
    assert split.warning == "none"


@settings(max_examples=200, deadline=None)
@given(SHARES, SHARES, st.integers(0, 2**32))
def test_rate_and_mix_add_up_part_by_part(one: list[float], two: list[float], seed: int) -> None:
    size = min(len(one), len(two))
    share0, share1 = (np.array(part[:size]) / sum(part[:size]) for part in (one, two))
    rate0, rate1 = np.random.default_rng(seed).random((2, size))
    split = rate_mix(rate0=rate0, rate1=rate1, share0=share0, share1=share1)
    assert abs(split.rate + split.mix - split.total) < 1e-12
    assert abs(sum(split.rates) - split.rate) < 1e-12
    assert abs(sum(split.mixes) - split.mix) < 1e-12


def test_shares_must_sum_to_one() -> None:
    with pytest.raises(ValueError, match=r"share1 sums to 0\.9"):
        rate_mix(rate0=[0.9], rate1=[0.9], share0=[1.0], share1=[0.9])
