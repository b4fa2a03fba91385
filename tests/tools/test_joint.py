"""Two ends of one wait, tested together."""

import numpy as np
import pytest
from scipy import stats

from tools.significance import joint_p


def test_independent_tests_keep_their_size_together() -> None:
    p = np.random.default_rng(1).uniform(size=(2, 400_000))

    for level in (0.05, 0.005, 0.0005):
        share = float((joint_p(p) <= level).mean())
        assert share == pytest.approx(level, rel=0.15)


def test_one_test_alone_is_itself() -> None:
    p = np.array([[0.3, 0.01, 1e-8]])

    assert joint_p(p) == pytest.approx(p[0], rel=1e-6)


def test_what_both_show_counts_for_more_than_either() -> None:
    both, one = joint_p(np.array([[1e-5, 1e-5], [1e-5, 0.5]]))

    assert both < 1e-7
    assert 1e-5 < one < 1e-4


def test_a_better_outcome_does_not_hide_a_worse_one() -> None:
    neutral, better = joint_p(np.array([[1e-6, 1e-6], [0.5, 1 - 1e-6]]))

    assert better == pytest.approx(neutral)


def test_the_mixture_is_the_one_of_the_textbook() -> None:
    p = np.asarray(stats.norm.sf([[1.5], [2.5]]))
    total = 1.5**2 + 2.5**2

    assert joint_p(p)[0] == pytest.approx(stats.chi2.sf(total, 1) / 2 + stats.chi2.sf(total, 2) / 4)
