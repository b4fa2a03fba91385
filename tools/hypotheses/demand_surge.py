"""More orders than expected."""

from tools.findings import HypothesisId
from tools.hypotheses.base import DELIVERY_METRICS, INCIDENT, INCIDENT_SPAN, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.DEMAND_SURGE,
    title="Demand surge",
    claim="More orders came in than this hour of the week brings, and the couriers on shift could not keep up.",
    supports=(
        "orders above the hour-of-week expectation",
        "orders carried alone waited longer",
    ),
    refutes=(
        "orders as expected",
        "waits unchanged",
    ),
    specialist="supply",
    needs=("orders.region",),
    moves=DELIVERY_METRICS,
    battery=(
        Call("volume_shift", INCIDENT_SPAN),
        Call("supply_shift", INCIDENT_SPAN),
        Call("mechanism_shift", {**INCIDENT, "driver": "dasher_wait_s"}),
        Call("onset_order", {**INCIDENT, "driver": "dasher_wait_s"}),
    ),
    driver="dasher_wait_s",
    upstream=(),
    expected_lag="within the hour",
    one_more_datum="promotions and events that were planned for the time (context_events)",
)
