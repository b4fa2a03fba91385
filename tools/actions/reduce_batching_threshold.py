"""Put the batching threshold back where it was raised."""

from tools.actions.base import Action, Estimate, RecordedChange
from tools.findings import HypothesisId

ACTION = Action(
    id="reduce_batching_threshold",
    title="Set {{parameters.policy}} back from {{parameters.from}} to {{parameters.to}} for {{scope}}",
    addresses=(HypothesisId.BATCHING_POLICY,),
    mechanism="Couriers carry fewer orders together, so that no order waits for the rest of its batch.",
    needs=("policy_changes",),
    recorded=RecordedChange(words=("batch",), direction="raised", judged="batching"),
    parameters=(),
    estimate=Estimate(driver="policy", change="set"),
    channel="supply",
    price="courier_time",
    owner="dispatch",
    reversibility="instant",
    complexity="low",
    implementation=(
        "Set {{parameters.policy}} to {{parameters.to}} in the dispatch configuration for {{scope}}, and leave "
        "it as it is elsewhere. Orders already batched are delivered as planned."
    ),
    risks=(
        "Fewer orders a trip need more courier time; where it is short, the wait moves to the assignment.",
        "The threshold may have been raised to save cost; tell its owner before it is set back.",
    ),
)
