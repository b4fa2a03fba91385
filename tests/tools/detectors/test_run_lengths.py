"""Mean run lengths against the textbook tables, within 2 %."""

import pytest

from tools.detectors import cusum, ewma, zscore


def _near(printed: float) -> object:
    """Within 2 %, or within the rounding of a table with one decimal."""
    return pytest.approx(printed, rel=0.02, abs=0.05)


@pytest.mark.parametrize(
    ("limit", "shift", "expected"),
    [
        (2.5, 0.0, 80.5), (2.5, 0.5, 41.5), (2.5, 1.0, 14.9), (2.5, 2.0, 3.2), (2.5, 3.0, 1.4),
        (3.0, 0.0, 370.4), (3.0, 0.5, 155.2), (3.0, 1.0, 43.9), (3.0, 2.0, 6.3), (3.0, 3.0, 2.0),
    ],
)  # fmt: skip
def test_zscore(limit: float, shift: float, expected: float) -> None:
    assert zscore.average_run_length(shift, limit=limit) == _near(expected)


@pytest.mark.parametrize(
    ("weight", "limit", "shift", "expected"),
    [
        (0.4, 3.054, 0.0, 499.9), (0.4, 3.054, 0.5, 71.2), (0.4, 3.054, 1.0, 14.3), (0.4, 3.054, 2.0, 3.5),
        (0.2, 2.962, 0.0, 499.5), (0.2, 2.962, 0.5, 41.8), (0.2, 2.962, 1.0, 10.5), (0.2, 2.962, 2.0, 3.7),
        (0.1, 2.814, 0.0, 499.1), (0.1, 2.814, 0.5, 31.3), (0.1, 2.814, 1.0, 10.3), (0.1, 2.814, 2.0, 4.4),
    ],
)  # fmt: skip
def test_ewma(weight: float, limit: float, shift: float, expected: float) -> None:
    assert ewma.average_run_length(shift, weight=weight, limit=limit) == _near(expected)


@pytest.mark.parametrize(
    ("limit", "shift", "two_sided", "expected"),
    [
        (4.0, 0.0, True, 167.7), (4.0, 0.5, False, 26.7), (4.0, 1.0, False, 8.4), (4.0, 2.0, False, 3.3),
        (5.0, 0.0, True, 465.4), (5.0, 0.5, False, 38.0), (5.0, 1.0, False, 10.4), (5.0, 2.0, False, 4.0),
    ],
)  # fmt: skip
def test_cusum(limit: float, shift: float, two_sided: bool, expected: float) -> None:
    found = cusum.average_run_length(shift, limit=limit, two_sided=two_sided)
    assert found == _near(expected)
