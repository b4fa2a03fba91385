"""The clock of the service, injected so that tests can stop it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the time, in UTC and aware."""


def system_clock() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def to_millis(moment: datetime) -> int:
    """Milliseconds since the Unix epoch, as event timestamps carry them.

    Example:
        >>> to_millis(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
        1000
    """
    return round(moment.timestamp() * 1000)
