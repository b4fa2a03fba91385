"""Promise a later arrival."""

from tools.actions.base import Action, Estimate, Parameter
from tools.findings import HypothesisId

ACTION = Action(
    id="increase_eta_buffer",
    title="Promise {{parameters.buffer_s}} more for {{scope}}",
    addresses=(
        HypothesisId.ETA_MODEL,
        HypothesisId.COURIER_SUPPLY,
        HypothesisId.DEMAND_SURGE,
        HypothesisId.EXTERNAL_SHOCK,
        HypothesisId.MERCHANT_PREP,
    ),
    mechanism="The promise says what customers in fact wait; the orders themselves are no faster.",
    needs=("orders.promised_eta", "deliveries.actual_eta"),
    recorded=None,
    parameters=(Parameter("buffer_s", 60, 900, 8, "s", "added to every promise"),),
    estimate=Estimate(driver="promise_s", change="shift", amount="buffer_s"),
    channel="display",
    price="orders",
    owner="ETA model",
    reversibility="instant",
    complexity="low",
    implementation=(
        "Add {{parameters.buffer_s}} to the displayed arrival for {{scope}} as a temporary offset, with an end "
        "date, and take it out once the cause is fixed."
    ),
    risks=(
        "Customers wait as long as before; only the surprise is gone.",
        "A longer promise may lose orders, which these data cannot show.",
    ),
)
