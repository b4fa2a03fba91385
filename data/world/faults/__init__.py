"""The scenarios, one file each and one line here.

base            what a fault is
none            nothing is wrong
batching        up to four orders carried together instead of two
courier_supply  fewer couriers than planned in a region
merchant_prep   stores of a category take longer to prepare
inventory       products of a category are out of stock more often
eta_model       promises of a region became too short
demand_surge    more customers than expected in a region
pair            two of them at once: `batching+merchant_prep`
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from data.world.faults import (
    batching,
    courier_supply,
    demand_surge,
    eta_model,
    inventory,
    merchant_prep,
    none,
)
from data.world.faults.base import Scenario
from data.world.faults.pair import pair

_ALL: Final = (
    none.SCENARIO,
    batching.SCENARIO,
    courier_supply.SCENARIO,
    merchant_prep.SCENARIO,
    inventory.SCENARIO,
    eta_model.SCENARIO,
    demand_surge.SCENARIO,
    pair(batching.SCENARIO, merchant_prep.SCENARIO),
    pair(courier_supply.SCENARIO, merchant_prep.SCENARIO),
    pair(courier_supply.SCENARIO, eta_model.SCENARIO),
    pair(merchant_prep.SCENARIO, eta_model.SCENARIO),
)

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType({scenario.name: scenario for scenario in _ALL})
"""Every scenario by name."""

__all__ = ["SCENARIOS"]
