"""What simpler methods would answer: the most recent change, the driver with the largest SHAP value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from data.dataset import Dataset
from tools.changes_in_scope import LOOK_AHEAD
from tools.evidence import Evidence
from tools.findings import HypothesisId
from tools.incidents import Incident

DRIVER_OF: Final = {
    "dasher_wait_s": HypothesisId.COURIER_SUPPLY,
    "prep_s": HypothesisId.MERCHANT_PREP,
    "batched": HypothesisId.BATCHING_POLICY,
    "promise_s": HypothesisId.ETA_MODEL,
    "items_bad": HypothesisId.INVENTORY,
}
"""The hypothesis that a driver speaks for, where nothing is held fixed."""


@dataclass(frozen=True)
class PlainAnswers:
    """A hypothesis each; None where the method has no answer."""

    recent_change: HypothesisId | None = None
    shap: HypothesisId | None = None


def plain_answers(
    dataset: Dataset, incident: Incident, pool: Mapping[HypothesisId, Sequence[Evidence]]
) -> PlainAnswers:
    """Both answers on one incident.

    Args:
        dataset: the data; its change log is read.
        incident: what happened.
        pool: the battery's evidence; `drivers` is read from it.
    """
    return PlainAnswers(_recent_change(dataset, incident), _shap(pool))


def _recent_change(dataset: Dataset, incident: Incident) -> HypothesisId | None:
    if not dataset.has("policy_changes"):
        return None
    made = [c for c in dataset.policy_changes() if c.changed_at <= incident.window.start + LOOK_AHEAD]
    if not made:
        return None
    last = max(made, key=lambda change: (change.changed_at, change.change_id))
    batching = "batch" in last.policy.lower()
    return HypothesisId.BATCHING_POLICY if batching else HypothesisId.POLICY_CHANGE


def _shap(pool: Mapping[HypothesisId, Sequence[Evidence]]) -> HypothesisId | None:
    found = next((e for evidence in pool.values() for e in evidence if e.tool == "drivers"), None)
    return None if found is None else DRIVER_OF.get(found.result["top_driver"])
