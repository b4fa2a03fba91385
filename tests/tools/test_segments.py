import numpy as np
import pytest

from tools.segments import autocorrelation, segments, whitened


def _found(*, shift: float, runs: int = 300, length: int = 75, memory: float = 0.0) -> list[tuple[int, ...]]:
    results = []
    for run in range(runs):
        rng = np.random.default_rng([11, run])
        noise = rng.normal(0, 1, length)
        for t in range(1, length):
            noise[t] = memory * noise[t - 1] + np.sqrt(1 - memory**2) * noise[t]
        noise[length - 7 :] += shift
        results.append(segments(noise))
    return results


def test_a_level_series_is_left_whole() -> None:
    assert np.mean([bool(found) for found in _found(shift=0.0)]) <= 0.06


def test_memory_does_not_pass_for_change() -> None:
    assert np.mean([bool(found) for found in _found(shift=0.0, memory=0.4)]) <= 0.12


def test_a_week_old_step_is_dated_to_the_day() -> None:
    found = _found(shift=3.0)
    near = [any(abs(at - 68) <= 1 for at in one) for one in found]
    assert np.mean(near) >= 0.90


def test_missing_values_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        segments([1.0, float("nan"), 2.0])


def test_short_series_have_no_segments() -> None:
    assert segments([0.0, 9.0, 0.0, 9.0]) == ()


def test_whitening_removes_memory() -> None:
    rng = np.random.default_rng(5)
    series = np.zeros(600)
    for t in range(1, 600):
        series[t] = 0.5 * series[t - 1] + rng.normal()
    assert autocorrelation(series) > 0.4
    assert abs(autocorrelation(whitened(series))) < 0.12
