"""Cases: which worlds an evaluation runs, and what it should find in each."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from evals.seeds import derive

FAULTS = ("batching", "courier_supply", "merchant_prep")
CAUSE_OF = {
    "batching": "batching_policy",
    "courier_supply": "courier_supply",
    "merchant_prep": "merchant_prep",
}
"""The hypothesis that is true in each scenario."""


class WorldCase(BaseModel):
    """One simulated world and its true cause."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str
    scenario: str
    seed: int
    cause: str | None
    """Hypothesis id, or None where nothing is wrong."""
    kind: Literal["fault", "null"]


def world_cases(label: str, *, faults: int, nulls: int, space: str = "cx-eval") -> tuple[WorldCase, ...]:
    """Worlds with faults (scenarios in turn) and without, seeded from a label such as a commit.

    Example:
        >>> [case.name for case in world_cases("abc", faults=2, nulls=1)]
        ['fault-000-batching', 'fault-001-courier_supply', 'null-000']
    """
    if faults < 0 or nulls < 0:
        raise ValueError(f"faults == {faults} and nulls == {nulls} must not be negative")
    broken = [
        WorldCase(
            name=f"fault-{i:03d}-{scenario}",
            scenario=scenario,
            seed=derive(space, label, i),
            cause=CAUSE_OF[scenario],
            kind="fault",
        )
        for i, scenario in ((i, FAULTS[i % len(FAULTS)]) for i in range(faults))
    ]
    healthy = [
        WorldCase(
            name=f"null-{i:03d}",
            scenario="none",
            seed=derive(space, label, faults + i),
            cause=None,
            kind="null",
        )
        for i in range(nulls)
    ]
    return (*broken, *healthy)
