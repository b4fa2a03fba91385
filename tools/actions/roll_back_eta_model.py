"""Go back to the ETA model that was in force before."""

from tools.actions.base import Action, Estimate, RecordedChange
from tools.findings import HypothesisId

ACTION = Action(
    id="roll_back_eta_model",
    title="Roll {{parameters.policy}} back from {{parameters.from}} to {{parameters.to}} for {{scope}}",
    addresses=(HypothesisId.ETA_MODEL,),
    mechanism="Promises are made as before the incident began, when they were kept.",
    needs=("policy_changes", "orders.promised_eta"),
    recorded=RecordedChange(words=("eta_model", "promise_model", "promise_buffer")),
    parameters=(),
    estimate=Estimate(driver="policy", change="set"),
    channel="display",
    price="effort",
    owner="ETA model",
    reversibility="instant",
    complexity="low",
    implementation=(
        "Serve {{parameters.to}} of {{parameters.policy}} again for {{scope}}, keep the newer model running beside it, "
        "and compare both on the orders of the next days before it is tried again."
    ),
    risks=(
        "The newer model may be better elsewhere; it is rolled back for the scope only.",
        "Longer promises may lose orders that the shorter ones had won, which these data cannot show.",
    ),
)
