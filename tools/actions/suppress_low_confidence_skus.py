"""Stop offering products that are probably not there."""

from tools.actions.base import Action, Estimate
from tools.findings import HypothesisId

ACTION = Action(
    id="suppress_low_confidence_skus",
    title="Stop offering products that are probably out of stock for {{scope}}",
    addresses=(HypothesisId.INVENTORY,),
    mechanism="What is not on the shelf cannot be ordered, so that it is neither substituted nor missing.",
    needs=("items", "inventory_events.in_stock_prob"),
    recorded=None,
    parameters=(),
    estimate=Estimate(driver="unavailable_items", change="to_baseline"),
    channel="store",
    owner="inventory",
    reversibility="hours",
    complexity="medium",
    implementation=(
        "Hide products of {{scope}} below the stock confidence at which their accuracy was normal before the "
        "incident, and show them again as soon as the next stock event lifts them above it."
    ),
    risks=("A narrower selection may lose orders, which these data cannot show.",),
)
