"""The kinds of orders changed, not how well each was served."""

from tools.findings import HypothesisId
from tools.hypotheses.base import ALL_METRICS, INCIDENT, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.MIX_SHIFT,
    title="Mix shift",
    claim="More orders came from parts of the business that are always worse; no part became worse.",
    supports=("the mix part of the change is most of it",),
    refutes=("the same kinds of orders became worse",),
    specialist="context",
    needs=("orders.store_id",),
    moves=ALL_METRICS,
    battery=(Call("mix_effect", INCIDENT),),
    driver="",
    upstream=(),
    expected_lag="at once",
    one_more_datum="what brought the other orders in (a promotion, a new area)",
)
