"""The agents of an investigation: one registry, read by the graph, the events and whoever lists them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agents import prompts
from knowledge import playbooks
from tools.hypotheses import Specialist as Tester


@dataclass(frozen=True)
class Specialist:
    """An agent: what it is for and all that it can do."""

    name: str
    title: str
    description: str
    tools: tuple[str, ...]
    """Names of its tools; it has no other power."""

    def instructions(self) -> str:
        """Its system message: prompt, rules and playbook."""
        playbook = playbooks.load(self.name).text
        return prompts.fill(self.name, rules=prompts.read("rules"), playbook=playbook)


_LOOK: Final = (
    "metric_values", "top_slices", "mechanism_shift", "mechanism_shapley", "mechanism_paths", "onset_order",
    "lag_correlation", "change_points", "search_knowledge",
)  # fmt: skip

_INVESTIGATORS: Final[Mapping[Tester, Specialist]] = {
    "supply": Specialist(
        "supply",
        "Supply",
        "Too few couriers, or more orders than usual?",
        (*_LOOK, "supply_shift", "volume_shift", "context_overlap"),
    ),
    "merchant": Specialist("merchant", "Merchant", "Did merchants prepare more slowly of themselves?", _LOOK),
    "policy": Specialist(
        "policy",
        "Policy",
        "Did a changed rule, of batching or of anything else, do it?",
        (*_LOOK, "changes_in_scope", "policy_effect", "drivers"),
    ),
    "inventory": Specialist(
        "inventory",
        "Inventory",
        "Was stock missing, or were its records wrong?",
        (*_LOOK, "stock_shift", "completeness"),
    ),
    "eta_model": Specialist(
        "eta_model",
        "ETA model",
        "Did promises become too short while delivery stayed as it was?",
        (*_LOOK, "promise_shift"),
    ),
}

INVESTIGATORS: Final[Mapping[Tester, Specialist]] = {
    name: _INVESTIGATORS[name] for name in sorted(_INVESTIGATORS)
}
"""They work side by side, each on its own hypotheses."""

STRATEGIST: Final = Specialist(
    "strategist", "Strategist", "What would another action do?", ("what_if", "search_knowledge")
)

CONTEXT: Final[Tester] = "context"
"""The hypotheses that triage tests itself, in code."""
