"""Promises changed while reality did not."""

from tools.findings import HypothesisId
from tools.hypotheses.base import INCIDENT, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.ETA_MODEL,
    title="ETA model",
    claim="Promises became too short for what delivery takes; delivery itself did not change.",
    supports=(
        "promised durations fell for like orders",
        "fulfilment took as long as before",
    ),
    refutes=(
        "promises as before",
        "fulfilment itself became slower",
    ),
    specialist="eta_model",
    needs=("orders.promised_eta",),
    moves=("on_time", "eta_error", "support_contact", "rating", "refund", "cx_score", "cx_index"),
    battery=(
        Call("promise_shift", INCIDENT),
        Call("mechanism_shift", {**INCIDENT, "driver": "promise_s"}),
        Call("onset_order", {**INCIDENT, "driver": "promise_s"}),
    ),
    driver="promise_s",
    upstream=(),
    expected_lag="at once",
    one_more_datum="version and input of the promise model by order",
)
