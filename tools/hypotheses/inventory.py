"""Products were out of stock."""

from tools.findings import HypothesisId
from tools.hypotheses.base import INCIDENT, INCIDENT_SPAN, Call, Hypothesis

HYPOTHESIS = Hypothesis(
    id=HypothesisId.INVENTORY,
    title="Inventory",
    claim="Products were out of stock, or the stock system did not know it, so items were replaced or missing.",
    supports=(
        "more items substituted or missing",
        "stock beliefs fell, or more products flagged out of stock",
    ),
    refutes=("items as complete as before",),
    specialist="inventory",
    needs=("items",),
    moves=("item_accuracy", "refund", "support_contact", "rating", "cancellation", "cx_score", "cx_index"),
    battery=(
        Call("stock_shift", INCIDENT_SPAN),
        Call("mechanism_shift", {**INCIDENT, "driver": "items_bad"}),
        Call("onset_order", {**INCIDENT, "driver": "items_bad"}),
    ),
    driver="items_bad",
    upstream=(),
    expected_lag="the same day",
    one_more_datum="stock counts of the products concerned (inventory_events)",
)
