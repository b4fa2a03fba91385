"""Off-line change points of a whole series: the dates between which its level stayed the same.

The exact kernel segmentation of `ruptures`, with a penalty that grows where neighbouring values depend on each
other, since memory looks like change.

References:
    S. Arlot, A. Celisse and Z. Harchaoui (2019), A kernel multiple change-point algorithm via model selection.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SHORTEST: Final = 3
"""Periods that a level must last."""
_MEMORY: Final = ((0.15, 2.0), (0.30, 3.0))
"""Up to this lag-one correlation, so many times ln T; four times beyond."""


def segments(values: npt.ArrayLike) -> tuple[int, ...]:
    """Index of the first value of every new level, in order; empty where the level never changed.

    Args:
        values: standardised residuals (mean 0 and variance 1 while nothing happens), oldest first, no NaN.

    Raises:
        ValueError: a value is missing.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> values = rng.normal(0, 1, 75); values[60:] += 3
        >>> segments(values)
        (60,)
    """
    import ruptures

    series = np.asarray(values, np.float64)
    if not np.isfinite(series).all():
        raise ValueError("values must be finite: leave empty periods out")
    if len(series) < 2 * SHORTEST:
        return ()
    finder = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST).fit(series.reshape(-1, 1))
    first = _cut(finder, 3.0 * np.log(len(series)))
    # Levels would pass for memory: it is measured within what the first look finds.
    return _cut(finder, penalty(_levelled(series, first)))


def penalty(values: Floats) -> float:
    """What a further change must gain, for a series with this much memory.

    Example:
        >>> round(penalty(np.tile([1.0, -1.0], 50)) / float(np.log(100)), 6)
        2.0
    """
    memory = autocorrelation(values)
    factor = next((times for bound, times in _MEMORY if memory <= bound), 4.0)
    return float(factor * np.log(len(values)))


def autocorrelation(values: Floats) -> float:
    """Correlation of neighbouring values, 0 where there is no variation.

    Example:
        >>> autocorrelation(np.ones(9))
        0.0
    """
    centred = values - values.mean()
    power = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / power if power > 0 else 0.0


def whitened(values: Floats) -> Floats:
    """The part of every value that its neighbour before does not foretell, on the same scale.

    Example:
        >>> whitened(np.array([1.0, -1.0])).shape
        (2,)
    """
    memory = min(max(autocorrelation(values), 0.0), 0.9)
    rest = values.copy()
    rest[1:] = (values[1:] - memory * values[:-1]) / np.sqrt(1 - memory**2)
    return rest


def _levelled(series: Floats, starts: tuple[int, ...]) -> Floats:
    flat = series.copy()
    for part in np.split(np.arange(len(series)), starts):
        flat[part] -= series[part].mean()
    return flat


def _cut(finder: Any, price: float) -> tuple[int, ...]:  # noqa: ANN401  # ruptures has no types
    return tuple(int(end) for end in finder.predict(pen=price)[:-1])
