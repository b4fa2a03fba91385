"""Which module of the causal graph a cause acts in."""

from collections.abc import Mapping
from typing import Final

from tools.findings import HypothesisId

MODULES: Final[Mapping[HypothesisId, str]] = {
    HypothesisId.BATCHING_POLICY: "policy",
    HypothesisId.COURIER_SUPPLY: "supply",
    HypothesisId.DEMAND_SURGE: "demand",
    HypothesisId.MERCHANT_PREP: "merchant",
    HypothesisId.INVENTORY: "inventory",
    HypothesisId.ETA_MODEL: "eta_model",
}
"""Causes that are no module (the mix, weather, broken records, chance, any other rule) are not there."""
