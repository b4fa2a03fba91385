"""A change of how orders are batched."""

from tools.findings import HypothesisId
from tools.hypotheses.base import DELIVERY_METRICS, INCIDENT, INCIDENT_SPAN, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.BATCHING_POLICY,
    title="Batching policy",
    claim="A changed batching rule made couriers carry more orders together, so that each waited for the others.",
    supports=(
        "more orders batched than the couriers' load explains",
        "batched orders got later, orders carried alone did not",
        "a batching change with this scope at this time, and an effect that survives placebo and pre-trend",
    ),
    refutes=(
        "batching followed the couriers' load as before",
        "orders carried alone got as late as batched ones",
    ),
    specialist="policy",
    needs=("deliveries.batched_flag",),
    moves=DELIVERY_METRICS,
    battery=(
        Call("changes_in_scope", {**INCIDENT_SPAN, "family": "batching"}),
        Call("mechanism_shift", {**INCIDENT, "driver": "batched"}),
        Call("policy_effect", {**INCIDENT, "family": "batching"}),
        Call("onset_order", {**INCIDENT, "driver": "batched"}),
        Call("drivers", INCIDENT),
    ),
    driver="batched",
    upstream=(
        HypothesisId.COURIER_SUPPLY,
        HypothesisId.DEMAND_SURGE,
    ),
    expected_lag="at once",
    one_more_datum="which orders were carried together, and when each was picked up (batch_id, pickup_at)",
)
