"""Let a store take fewer orders at a time."""

from tools.actions.base import Action, Estimate, Parameter
from tools.findings import HypothesisId

ACTION = Action(
    id="throttle_store_intake",
    title="Cut the hourly intake of stores by {{parameters.intake_cut_share}} for {{scope}}",
    addresses=(HypothesisId.MERCHANT_PREP,),
    mechanism="With fewer orders at a time the kitchen keeps up, and orders are ready when the courier comes.",
    needs=("orders.store_id",),
    recorded=None,
    parameters=(Parameter("intake_cut_share", 0.1, 0.4, 4, "share", "orders turned away at the busiest"),),
    estimate=Estimate(driver="store_intake", change="scale", amount="intake_cut_share", sign=-1),
    channel="store",
    price="orders",
    owner="merchant operations",
    reversibility="instant",
    complexity="low",
    implementation=(
        "Limit the orders an hour of the stores of {{scope}} to {{parameters.intake_cut_share}} under what they "
        "take now; offer the customer a neighbouring store."
    ),
    risks=("Every order turned away is lost unless another store takes it.",),
)
