"""The hypothesis library: one file an id, one line here.

`base` says what a hypothesis is; every other module exports `HYPOTHESIS`.
"""

from collections.abc import Mapping
from typing import Final

from tools.findings import HypothesisId
from tools.hypotheses import (
    batching_policy,
    courier_supply,
    data_quality,
    demand_surge,
    eta_model,
    external_shock,
    inventory,
    merchant_prep,
    mix_shift,
    normal_variance,
    policy_change,
)
from tools.hypotheses.base import Call, Hypothesis, Specialist

HYPOTHESES: Final[Mapping[HypothesisId, Hypothesis]] = {
    module.HYPOTHESIS.id: module.HYPOTHESIS
    for module in (
        courier_supply,
        merchant_prep,
        batching_policy,
        policy_change,
        inventory,
        eta_model,
        demand_surge,
        mix_shift,
        external_shock,
        data_quality,
        normal_variance,
    )
}

__all__ = ["HYPOTHESES", "Call", "Hypothesis", "Specialist"]
