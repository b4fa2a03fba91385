"""The cause that people found: what was true of an incident that ended, as far as they know.

A statement of people, not a verdict of the product: it is what the confidence model can be trained on anew.
"""

from enum import StrEnum

from tools.findings import HypothesisId


class CauseFound(StrEnum):
    """What caused an incident, by those who looked."""

    COURIER_SUPPLY = HypothesisId.COURIER_SUPPLY.value
    MERCHANT_PREP = HypothesisId.MERCHANT_PREP.value
    BATCHING_POLICY = HypothesisId.BATCHING_POLICY.value
    POLICY_CHANGE = HypothesisId.POLICY_CHANGE.value
    INVENTORY = HypothesisId.INVENTORY.value
    ETA_MODEL = HypothesisId.ETA_MODEL.value
    DEMAND_SURGE = HypothesisId.DEMAND_SURGE.value
    MIX_SHIFT = HypothesisId.MIX_SHIFT.value
    EXTERNAL_SHOCK = HypothesisId.EXTERNAL_SHOCK.value
    DATA_QUALITY = HypothesisId.DATA_QUALITY.value
    NONE = "none"
    """Nothing: ordinary variation."""
    OTHER = "other"
    """Something that no hypothesis covers."""
