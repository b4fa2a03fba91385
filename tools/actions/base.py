"""What an action template declares; everything the strategist knows about an action stands in its template.

A template holds no number but the bounds of its parameters: effects come from `what_if`, sizes from data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

from tools.changes_in_scope import Family
from tools.findings import HypothesisId
from tools.interventions import Change, Driver

Channel = Literal["supply", "store", "display", "none"]
"""How one customer's treatment reaches another's: shared couriers, a shared store, or not at all."""


Price = Literal["courier_time", "orders", "effort", "nothing"]
"""What an action is paid with. Orders that customers then do not place are not in the data: never told, never free."""


@dataclass(frozen=True)
class Parameter:
    """One thing that can be chosen, and the grid that is searched."""

    name: str
    low: float
    high: float
    levels: int
    """Grid points, bounds included."""
    unit: str
    description: str
    measured: bool = False
    """Its value is read off the incident (`tools.candidates`) where nobody chooses it; no grid is searched."""

    def grid(self) -> tuple[float, ...]:
        """The values that are tried, smallest first.

        Example:
            >>> Parameter("buffer_s", 60, 300, 3, "s", "added to the promise").grid()
            (60.0, 180.0, 300.0)
        """
        step = (self.high - self.low) / max(self.levels - 1, 1)
        return tuple(round(self.low + n * step, 6) for n in range(self.levels))


@dataclass(frozen=True)
class RecordedChange:
    """A change in the log that the action rolls back; it gives the action's level and scope."""

    words: tuple[str, ...] = ()
    """One of these must occur in the policy's name; empty takes any policy."""
    direction: Literal["raised", "any"] = "any"
    """`raised`: only a numeric value that went up."""
    judged: Family | None = None
    """Only the change that the battery judged for the cause: of this family the one that matches the incident best."""


@dataclass(frozen=True)
class Estimate:
    """Which what-if stands for the action."""

    driver: Driver
    change: Change
    amount: str | None = None
    """Parameter that gives the amount of a shift or scale."""
    sign: Literal[-1, 1] = 1
    """Of the amount: an intake that is cut by a fifth is scaled by -0.2."""


@dataclass(frozen=True)
class Action:
    """A template.

    `title`, `implementation` and `risks` may hold `{{scope}}` and `{{parameters.NAME}}`; code renders them.
    """

    id: str
    title: str
    addresses: tuple[HypothesisId, ...]
    mechanism: str
    """Why it should help, as an experiment's hypothesis says it."""
    needs: tuple[str, ...]
    """Tables and columns without which it cannot be estimated."""
    recorded: RecordedChange | None
    parameters: tuple[Parameter, ...]
    estimate: Estimate | None
    """None: there is nothing to estimate, because nothing is changed."""
    channel: Channel
    price: Price
    owner: str
    reversibility: Literal["instant", "hours", "days"]
    complexity: Literal["low", "medium", "high"]
    implementation: str
    risks: tuple[str, ...]

    def settings(self) -> Iterator[Mapping[str, float]]:
        """Every combination of parameter values on the grid; one empty one without parameters."""
        grids = [parameter.grid() for parameter in self.parameters]
        for values in product(*grids):
            yield {p.name: value for p, value in zip(self.parameters, values, strict=True)}
