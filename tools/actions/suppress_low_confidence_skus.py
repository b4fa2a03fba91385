"""Stop offering products that are probably not there."""

from tools.actions.base import Action, Estimate, Parameter
from tools.findings import HypothesisId

ACTION = Action(
    id="suppress_low_confidence_skus",
    title="Do not offer products less than {{parameters.below}} likely in stock for {{scope}}",
    addresses=(HypothesisId.INVENTORY,),
    mechanism="What is not on the shelf cannot be ordered, so that it is neither substituted nor missing.",
    needs=("items", "inventory_events.in_stock_prob"),
    recorded=None,
    parameters=(Parameter("below", 0.7, 0.95, 6, "share", "least believed probability of being in stock"),),
    estimate=Estimate(driver="unavailable_items", change="hide_below", amount="below"),
    channel="store",
    price="orders",
    owner="inventory",
    reversibility="hours",
    complexity="medium",
    implementation=(
        "Hide products of {{scope}} that the stock system believes less than {{parameters.below}} likely to be "
        "there, and show them again as soon as the next stock event lifts them above it."
    ),
    risks=("A narrower selection may lose orders, which these data cannot show.",),
)
