"""Change nothing, and keep watching."""

from tools.actions.base import Action
from tools.findings import HypothesisId

ACTION = Action(
    id="monitor_only",
    title="No action is supported by the evidence: keep watching {{scope}}",
    addresses=(HypothesisId.NORMAL_VARIANCE, HypothesisId.MIX_SHIFT, HypothesisId.DATA_QUALITY),
    mechanism="Nothing that was tested explains the change well enough to act on it.",
    needs=(),
    recorded=None,
    parameters=(),
    estimate=None,
    channel="none",
    price="nothing",
    owner="operations",
    reversibility="instant",
    complexity="low",
    implementation=(
        "Leave everything as it is. Detection goes on; the incident is raised again with more data if the "
        "change lasts or grows."
    ),
    risks=("If there is a cause after all, it acts until there are enough orders to tell.",),
)
