"""The data changed, not the service."""

from tools.findings import HypothesisId
from tools.hypotheses.base import ALL_METRICS, INCIDENT, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.DATA_QUALITY,
    title="Data quality",
    claim="Records are missing, late or doubled; the service itself did not change.",
    supports=(
        "more outcomes unknown than usual",
        "far fewer or more records than usual",
    ),
    refutes=("records as complete as usual",),
    specialist="context",
    needs=(),
    moves=ALL_METRICS,
    battery=(Call("completeness", INCIDENT),),
    driver="",
    upstream=(),
    expected_lag="at once",
    one_more_datum="row counts of the sources by load",
)
