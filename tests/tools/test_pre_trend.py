"""The tests of the leads: against a reference, at their level where nothing moved, and as strong as they say."""

import numpy as np
import pytest

from tests.tools.panels import panel
from tools.errors import ToolFailure
from tools.event_study import event_study
from tools.pre_trend import by_days_test, clustered_test, pre_trend


def test_with_equal_weights_the_clustered_test_is_that_of_two_groups_of_stores() -> None:
    found, in_scope = panel(np.random.default_rng(3), units=42, treated=12, before=9, after=2, slope=0.05)
    found.w[:] = 1.0
    test = clustered_test(event_study(found, in_scope, leads=3))
    own = found.y[:, 6:9] - found.y[:, :6].mean(axis=1, keepdims=True)
    groups = own[:12], own[12:]
    parts = [np.cov(group.T) / len(group) for group in groups]
    gap, inverse = groups[0].mean(axis=0) - groups[1].mean(axis=0), np.linalg.inv(parts[0] + parts[1])
    lost = sum(
        (np.trace(part @ inverse @ part @ inverse) + np.trace(part @ inverse) ** 2) / (len(group) - 1)
        for part, group in zip(parts, groups, strict=True)
    )
    freedom = (3 + 9) / lost
    assert 11 <= freedom <= 40
    assert test.freedom == pytest.approx(freedom - 2, rel=1e-9)
    assert test.f == pytest.approx(gap @ inverse @ gap * (freedom - 2) / (3 * freedom), rel=1e-9)


def test_by_days_the_leads_are_held_against_the_scatter_of_earlier_days() -> None:
    found, in_scope = panel(np.random.default_rng(4), units=4, treated=2, before=5, after=1)
    gaps = [0.0, 0.2, 0.1, 0.4, 0.6, 0.0]
    found.y[:] = np.where(in_scope[:, None], gaps, 0.0)
    found.w[:] = 1.0
    test = by_days_test(event_study(found, in_scope, leads=2))
    # A regression of the five gaps on a constant and a dummy for each of the last two days.
    assert (test.leads, test.freedom) == (2, 2.0)
    explained = np.square(np.array(gaps[:5]) - np.mean(gaps[:5])).sum() - 0.02
    assert test.f == pytest.approx(explained / 2 / (0.02 / 2), rel=1e-9)


def test_too_few_days_before_the_leads_are_a_reason() -> None:
    found, in_scope = panel(np.random.default_rng(5), before=9)
    with pytest.raises(ToolFailure, match="2 days before the leads, 3 are needed"):
        pre_trend(event_study(found, in_scope, leads=7))
    with pytest.raises(ToolFailure, match="0 days before the leads"):
        pre_trend(event_study(found, in_scope, reference="day before"))


def test_with_few_clusters_the_days_alone_decide() -> None:
    found, in_scope = panel(np.random.default_rng(6), units=20, treated=3, slope=0.3)
    test = pre_trend(event_study(found, in_scope))
    assert test.clustered is None
    assert test.p == test.by_days.p < 0.05


def test_too_many_leads_for_the_stores_leave_the_days_alone() -> None:
    found, in_scope = panel(np.random.default_rng(7), treated=20)
    study = event_study(found, in_scope)
    assert study.few_clusters() is None
    with pytest.raises(ToolFailure, match="20 treated and 40 other stores are too few for 7 leads"):
        clustered_test(study)
    assert pre_trend(study).clustered is None


def test_where_days_cannot_tell_a_trend_no_slope_is_detectable() -> None:
    short, in_scope = panel(np.random.default_rng(8), before=12, shock=0.3)
    assert by_days_test(event_study(short, in_scope, leads=6)).detectable_slope == np.inf
    long, in_scope = panel(np.random.default_rng(8), before=28, shock=0.3)
    assert 0 < by_days_test(event_study(long, in_scope)).detectable_slope < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("treated", [21, 40])
def test_stores_of_their_own_are_at_the_level(treated: int) -> None:
    rng = np.random.default_rng(10)
    tests = [pre_trend(event_study(*panel(rng, units=100, treated=treated, memory=0.5))) for _ in range(400)]
    clustered = np.mean([t.clustered is not None and t.clustered.p < 0.05 for t in tests])
    assert 0.03 <= clustered <= 0.08
    assert np.mean([t.p < 0.05 for t in tests]) <= 0.06


@pytest.mark.slow
def test_bad_days_of_the_whole_scope_are_no_pre_trend() -> None:
    rng = np.random.default_rng(11)
    tests = [pre_trend(event_study(*panel(rng, shock=0.5))) for _ in range(500)]
    assert np.mean([t.clustered is not None and t.clustered.p < 0.05 for t in tests]) > 0.3
    assert 0.02 <= np.mean([t.p < 0.05 for t in tests]) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("which", ["clustered", "by_days"])
def test_a_trend_of_the_detectable_slope_is_seen_four_times_in_five(which: str) -> None:
    rng = np.random.default_rng(12)
    clustered = which == "clustered"
    shock = 0.0 if clustered else 0.3
    test = clustered_test if clustered else by_days_test
    slope = float(
        np.median([test(event_study(*panel(rng, shock=shock))).detectable_slope for _ in range(100)])
    )
    seen = [test(event_study(*panel(rng, shock=shock, slope=slope))).p < 0.05 for _ in range(500)]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.1)
