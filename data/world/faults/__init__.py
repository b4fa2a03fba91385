"""The scenarios, one file each and one line here.

base            what a fault is
none            nothing is wrong
batching        up to four orders carried together instead of two
courier_supply  fewer couriers than planned in a region
merchant_prep   stores of a category take longer to prepare
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from data.world.faults import batching, courier_supply, merchant_prep, none
from data.world.faults.base import Scenario

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "none": none.SCENARIO,
        "batching": batching.SCENARIO,
        "courier_supply": courier_supply.SCENARIO,
        "merchant_prep": merchant_prep.SCENARIO,
    }
)
"""Every scenario by name."""

__all__ = ["SCENARIOS"]
