"""The stores prepared more slowly."""

from tools.findings import HypothesisId
from tools.hypotheses.base import DELIVERY_METRICS, INCIDENT, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.MERCHANT_PREP,
    title="Merchant preparation",
    claim="Stores took longer to prepare orders, whatever was done with the orders afterwards.",
    supports=(
        "preparation of orders carried alone rose, store by store",
        "no change of policy or supply explains the rise",
    ),
    refutes=(
        "preparation rose for batched orders only: then it is a consequence of batching",
        "preparation unchanged",
    ),
    specialist="merchant",
    needs=("deliveries.merchant_prep_time",),
    moves=DELIVERY_METRICS,
    battery=(
        Call("mechanism_shift", {**INCIDENT, "driver": "prep_s"}),
        Call("onset_order", {**INCIDENT, "driver": "prep_s"}),
        Call("drivers", INCIDENT),
    ),
    driver="prep_s",
    upstream=(HypothesisId.BATCHING_POLICY,),
    expected_lag="at once",
    one_more_datum="staffing and kitchen load of the stores concerned",
)
