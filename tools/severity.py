"""How bad an incident is: depth x reach x persistence.

Points are added up:

- depth, by the fall of the CX index within the slice: 1 from 1 point on, 2 from 4, 3 from 10;
- reach, by the slice's part of all orders in the window: 1 from 2 %, 2 from 20 %;
- persistence: 1 from the third bad day on.

Five points or more are critical, three or four high, two medium, less low. Of incidents of equal severity those that
still last come first, then by impact: index points lost times orders.
"""

from bisect import bisect_right
from typing import Final

from tools.incidents import Severity

_DEPTH: Final = (1.0, 4.0, 10.0)
_REACH: Final = (0.02, 0.20)
_PERSISTENT_DAYS: Final = 3
_LEVELS: Final = (2, 3, 5)
_ORDER: Final = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


def severity(*, index_drop: float, order_share: float, days: int) -> Severity:
    """The severity of an incident.

    Args:
        index_drop: points of the CX index (0-100) lost within the slice.
        order_share: part of all orders of the window that lie in the slice.
        days: from its first to its last bad day.

    Example:
        >>> severity(index_drop=6.0, order_share=0.01, days=5).value
        'high'
        >>> severity(index_drop=20.0, order_share=1.0, days=2).value
        'critical'
    """
    points = bisect_right(_DEPTH, index_drop) + bisect_right(_REACH, order_share)
    points += days >= _PERSISTENT_DAYS
    return _ORDER[bisect_right(_LEVELS, points)]


def rank(level: Severity) -> int:
    """0 for the mildest."""
    return _ORDER.index(level)
