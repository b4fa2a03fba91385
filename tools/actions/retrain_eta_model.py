"""Train the ETA model anew on what deliveries take now."""

from tools.actions.base import Action, Estimate, Parameter
from tools.findings import HypothesisId

ACTION = Action(
    id="retrain_eta_model",
    title="Retrain the ETA model for {{scope}}: its promises have become {{parameters.correction_s}} too short",
    addresses=(HypothesisId.ETA_MODEL,),
    mechanism="Promises miss arrivals by no more than before the incident; the orders themselves are no faster.",
    needs=("orders.promised_eta", "deliveries.actual_eta"),
    recorded=None,
    parameters=(
        Parameter(
            "correction_s",
            low=30,
            high=3600,
            levels=2,
            unit="s",
            description="by how much more promises fall short of arrivals than before the incident",
            measured=True,
        ),
    ),
    estimate=Estimate(driver="promise_s", change="shift", amount="correction_s"),
    channel="display",
    price="orders",
    owner="ETA model",
    reversibility="days",
    complexity="high",
    implementation=(
        "Train on orders since the onset as well, and check on held-out days that arrivals in {{scope}} fall short of "
        "promises by no more than before the incident, and elsewhere too. Serve the model beside the present one first, "
        "then to the treated orders."
    ),
    risks=(
        "A model trained on an incident that passes promises too late once it is over.",
        "A longer promise may lose orders, which these data cannot show.",
    ),
)
