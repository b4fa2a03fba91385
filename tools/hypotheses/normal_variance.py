"""Nothing happened."""

from tools.findings import HypothesisId
from tools.hypotheses.base import ALL_METRICS, INCIDENT, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.NORMAL_VARIANCE,
    title="Normal variance",
    claim="The metric moved within what days differ by anyway.",
    supports=(
        "the change is small against the usual differences between days",
        "no mechanism moved",
    ),
    refutes=(
        "the change is far outside the usual differences between days",
        "a mechanism moved with it",
    ),
    specialist="context",
    needs=(),
    moves=ALL_METRICS,
    battery=(Call("outcome_shift", INCIDENT),),
    driver="",
    upstream=(),
    expected_lag="none",
    one_more_datum="the next two days",
)
