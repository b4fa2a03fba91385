"""Weather, a holiday, a strike."""

from tools.findings import HypothesisId
from tools.hypotheses.base import ALL_METRICS, INCIDENT, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.EXTERNAL_SHOCK,
    title="External shock",
    claim="Weather, a holiday, a strike or a promotion did it.",
    supports=(
        "a recorded event covers the time and place",
        "the worsening lies in the event and not beside it",
        "where it covers everything: earlier events of the kind cost as much",
    ),
    refutes=(
        "no event at the time",
        "orders of the incident outside of the event got as much worse",
        "earlier events of the kind cost nothing",
    ),
    specialist="context",
    needs=("context_events",),
    moves=ALL_METRICS,
    battery=(Call("context_overlap", INCIDENT),),
    driver="",
    upstream=(),
    expected_lag="within hours",
    one_more_datum="weather and events at the place and time (context_events)",
)
