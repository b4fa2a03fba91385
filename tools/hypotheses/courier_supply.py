"""Too few couriers for the orders there were."""

from tools.findings import HypothesisId
from tools.hypotheses.base import DELIVERY_METRICS, INCIDENT, INCIDENT_SPAN, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.COURIER_SUPPLY,
    title="Courier supply",
    claim="Fewer couriers were on shift than this hour of the week needs, so orders waited for one.",
    supports=(
        "couriers online fell below what the hour of the week has",
        "orders carried alone waited longer too",
        "the wait began before or with the drop",
    ),
    refutes=(
        "couriers online as usual",
        "only batched orders waited longer",
    ),
    specialist="supply",
    needs=("deliveries.dasher_wait",),
    moves=DELIVERY_METRICS,
    battery=(
        Call("supply_shift", INCIDENT_SPAN),
        Call("mechanism_shift", {**INCIDENT, "driver": "dasher_wait_s"}),
        Call("onset_order", {**INCIDENT, "driver": "dasher_wait_s"}),
        Call("drivers", INCIDENT),
    ),
    driver="dasher_wait_s",
    upstream=(),
    expected_lag="within the hour",
    one_more_datum="courier shifts planned and worked, hour by hour (supply_snapshots)",
)
