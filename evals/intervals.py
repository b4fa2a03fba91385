"""Intervals of a share."""

from math import sqrt
from typing import NamedTuple

_Z95 = 1.959963984540054


class Share(NamedTuple):
    """`hits` of `total` with the Wilson 95 % interval."""

    hits: int
    total: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.hits}/{self.total} [{self.low:.2f}, {self.high:.2f}]"


def wilson(hits: int, total: int) -> Share:
    """The Wilson score interval at 95 % (Wilson 1927); nothing observed gives (0, 1).

    Example:
        >>> str(wilson(36, 40))
        '36/40 [0.77, 0.96]'
    """
    if not 0 <= hits <= total:
        raise ValueError(f"hits == {hits}, must be between 0 and total == {total}")
    if total == 0:
        return Share(0, 0, 0.0, 1.0)
    rate, z2 = hits / total, _Z95**2
    centre = (rate + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * sqrt(rate * (1 - rate) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return Share(hits, total, max(0.0, centre - half), min(1.0, centre + half))
