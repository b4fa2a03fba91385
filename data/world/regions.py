"""The regions of the world: their time zones and their share of the orders."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ZONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SF": "America/Los_Angeles",
        "NYC": "America/New_York",
        "LA": "America/Los_Angeles",
        "CHI": "America/Chicago",
        "SEA": "America/Los_Angeles",
        "BOS": "America/New_York",
        "AUS": "America/Chicago",
        "DEN": "America/Denver",
    }
)
"""Region to IANA time zone, biggest region first."""

REGIONS: Final = tuple(ZONES)

REGION_SHARES: Final = (0.26, 0.18, 0.14, 0.11, 0.09, 0.08, 0.07, 0.07)
"""Share of all orders, in the order of `REGIONS`."""
