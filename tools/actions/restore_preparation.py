"""Bring preparation at the stores back to what it was."""

from tools.actions.base import Action, Estimate
from tools.findings import HypothesisId

ACTION = Action(
    id="restore_preparation",
    title="Bring preparation times back to their level before the incident for {{scope}}",
    addresses=(HypothesisId.MERCHANT_PREP,),
    mechanism="Orders are ready as early as before, so that couriers do not wait at the store.",
    needs=("deliveries.merchant_prep_time",),
    recorded=None,
    parameters=(),
    estimate=Estimate(driver="prep_s", change="to_baseline"),
    channel="store",
    price="effort",
    owner="merchant operations",
    reversibility="days",
    complexity="medium",
    implementation=(
        "Work through the stores of {{scope}} whose preparation rose most: staff on shift, order tablets, menu "
        "changes; correct the preparation model where the new times are here to stay."
    ),
    risks=("The effect is that of full recovery; what a store can recover is known only after asking it.",),
)
