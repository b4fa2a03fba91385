"""Roll a recorded change back."""

from tools.actions.base import Action, Estimate, RecordedChange
from tools.findings import HypothesisId

ACTION = Action(
    id="revert_policy",
    title="Roll {{parameters.policy}} back from {{parameters.from}} to {{parameters.to}} for {{scope}}",
    addresses=(HypothesisId.POLICY_CHANGE,),
    mechanism="What was changed is as it was before the incident began.",
    needs=("policy_changes",),
    recorded=RecordedChange(judged="other"),
    parameters=(),
    estimate=Estimate(driver="policy", change="set"),
    channel="supply",
    price="courier_time",
    owner="owner of the policy",
    reversibility="instant",
    complexity="low",
    implementation=(
        "Restore the value {{parameters.to}} of {{parameters.policy}} for {{scope}} through the system that "
        "recorded the change, and record the roll-back in the same log."
    ),
    risks=(
        "The change may have had a reason that customers do not see; tell its owner before it is rolled back.",
        "Other changes made since may depend on it.",
    ),
)
