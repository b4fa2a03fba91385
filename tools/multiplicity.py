"""False-discovery control over many tests."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def benjamini_hochberg(p: npt.ArrayLike, *, tests: int | None = None) -> Floats:
    """Adjusted p-values: the least false-discovery rate at which each test is rejected.

    Args:
        p: p-values; where `tests` is larger than their number, the smallest ones of all tests.
        tests: number of tests that were made.

    Example:
        >>> benjamini_hochberg([0.001, 0.012, 0.08, 0.2]).round(5).tolist()
        [0.004, 0.024, 0.10667, 0.2]

    References:
        Y. Benjamini and Y. Hochberg (1995), Controlling the false discovery rate.
    """
    values = np.asarray(p, dtype=np.float64)
    count = len(values) if tests is None else tests
    order = np.argsort(values, kind="stable")
    raw = values[order] * count / np.arange(1, len(values) + 1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum.accumulate(raw[::-1])[::-1]
    return np.minimum(adjusted, 1.0)


def benjamini_yekutieli(p: npt.ArrayLike, *, tests: int | None = None) -> Floats:
    """As `benjamini_hochberg`, under any dependence between the tests.

    Example:
        >>> benjamini_yekutieli([0.001, 0.012, 0.08, 0.2]).round(4).tolist()
        [0.0083, 0.05, 0.2222, 0.4167]

    References:
        Y. Benjamini and D. Yekutieli (2001), The control of the false discovery rate under dependency.
    """
    values = np.asarray(p, dtype=np.float64)
    count = len(values) if tests is None else tests
    harmonic = float(np.sum(1 / np.arange(1, count + 1)))
    order = np.argsort(values, kind="stable")
    raw = values[order] * count * harmonic / np.arange(1, len(values) + 1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum.accumulate(raw[::-1])[::-1]
    return np.minimum(adjusted, 1.0)
