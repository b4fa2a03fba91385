"""Another change of policy than batching."""

from tools.findings import HypothesisId
from tools.hypotheses.base import ALL_METRICS, INCIDENT, INCIDENT_SPAN, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.POLICY_CHANGE,
    title="Other policy change",
    claim="Another recorded change, not of batching, made the outcome worse by itself.",
    supports=(
        "a change with this scope at this time",
        "an effect that survives placebo and pre-trend",
        "a worsening that preparation, waiting, batching and promises do not explain",
    ),
    refutes=(
        "no change in scope at the time",
        "the measured drivers explain the whole drop",
        "placebo changes have as large an effect",
    ),
    specialist="policy",
    needs=("policy_changes",),
    moves=ALL_METRICS,
    battery=(
        Call("changes_in_scope", {**INCIDENT_SPAN, "family": "other"}),
        Call("mechanism_shift", {**INCIDENT, "driver": "unexplained"}),
        Call("policy_effect", {**INCIDENT, "family": "other"}),
    ),
    driver="unexplained",
    upstream=(),
    expected_lag="at once, or as the roll-out proceeds",
    one_more_datum="a day with the change switched back in part of its scope",
)
