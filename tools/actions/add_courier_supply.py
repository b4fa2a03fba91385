"""Bring more couriers online."""

from tools.actions.base import Action, Estimate, Parameter
from tools.findings import HypothesisId

ACTION = Action(
    id="add_courier_supply",
    title="Bring {{parameters.couriers_share}} more couriers online for {{scope}}",
    addresses=(HypothesisId.COURIER_SUPPLY, HypothesisId.DEMAND_SURGE, HypothesisId.EXTERNAL_SHOCK),
    mechanism="With more couriers an order waits less for one, most of all in the busiest hours.",
    needs=("supply_snapshots.couriers_online",),
    recorded=None,
    parameters=(Parameter("couriers_share", 0.1, 0.8, 8, "share", "couriers added, of those online"),),
    estimate=Estimate(driver="couriers", change="scale", amount="couriers_share"),
    channel="supply",
    price="courier_time",
    owner="courier operations",
    reversibility="hours",
    complexity="medium",
    implementation=(
        "Raise the peak pay or open shifts until {{parameters.couriers_share}} more couriers are online for "
        "{{scope}}; watch how many come before paying for more."
    ),
    risks=(
        "Incentives may move couriers from neighbouring regions or hours instead of adding any.",
        "Paid hours stay idle when demand falls.",
    ),
)
