"""By which ways a module's change reached the outcome: path effects, with one edge open at a time.

The mechanisms of one module are those of the incident, all others those of the days before. A node outside of the
module sees what the module did only where its edge is open, otherwise what the module would have done before. With one
edge open the outcome moves by the natural indirect effect of that way, with the edge to the outcome alone by the natural
direct effect, with all of them by the module's whole effect. What the ways do together beyond their sum is the
interaction; it is said, not shared out.

References:
    J. Pearl (2001), Direct and indirect effects.
    C. Avin, I. Shpitser, J. Pearl (2005), Identifiability of path-specific effects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from tools.causal_graph import MIX, OUTCOME, CausalGraph, graph
from tools.errors import ToolFailure
from tools.incident_frame import IncidentArguments
from tools.mechanism_orders import MechanismOrders, mechanism_orders
from tools.mechanism_shapley import (
    FITS,
    MOST_REPLICATES,
    interval,
    leaves_zero_out,
    points,
    resampled,
)
from tools.mechanisms import Cuts, Floats, Ints, Learner, Mechanisms
from tools.memo import memo
from tools.registry import Cost, Result, ToolContext, tool
from tools.shapley import shapley

REPLICATES: Final = 60
SEPARABLE: Final = 1.0
"""Largest interaction, as a share of the whole effect, with which the ways can still be told apart."""
WAYS: Final[Mapping[str, str]] = {
    "couriers_ratio": "the couriers on shift",
    "carried_share": "how many of an hour's orders are carried together",
    "batched": "orders carried together",
    "prep_s": "preparation",
    "dasher_wait_s": "waiting for couriers",
    "items_bad": "missing or replaced items",
    "promise_s": "the promise",
    OUTCOME: "no other measured quantity",
}
"""What a way leads through first, in words."""


class PathArguments(IncidentArguments):
    """Which module's change, in which incident."""

    module: str
    """policy, supply, merchant, inventory, eta_model or demand."""
    replicates: Annotated[int, Field(ge=0, le=MOST_REPLICATES)] = REPLICATES
    """Resamples of store-days behind the intervals; 0: no intervals, much sooner."""


class PathPart(Result):
    """One way from a module to the outcome."""

    path: tuple[str, ...]
    """The module's nodes that the way leaves from, joined by +; the node that it enters, unless that is the outcome; the outcome."""
    way: str
    """What it leads through first, in words."""
    direct: bool
    """It enters the outcome at once."""
    change_pp: float
    """Of the failed share, with this edge alone open: its natural effect."""
    low_pp: float | None
    """Of the 95 % interval, over resampled store-days; empty where there was none."""
    high_pp: float | None
    added_change_pp: float
    """What it adds to the others on average (its Shapley value among the ways); these sum to the whole effect."""
    added_share: float
    """The same, of the whole effect."""
    spared_change_pp: float
    """What the module's effect would lose with this edge alone closed; further from the natural effect, the more the ways
    act together."""
    clear: bool
    """There is an interval, and it leaves zero out."""


class MechanismPathsResult(Result):
    """The ways of one module's change, largest first."""

    outcome_metric: str
    """The metric whose failed share is taken apart."""
    module: str
    fits: bool
    """The mechanisms reproduce the change of the outcome up to a tenth, or chance; otherwise nothing is concluded."""
    top_clear: bool
    """The largest way has an interval, which leaves zero out."""
    several: bool
    """There is more than one way."""
    separable: bool
    """What the ways do together is at most the whole effect; beyond that none has an effect to speak of by itself."""
    total_change_pp: float
    """The module's whole effect: its mechanisms as in the incident, all others as before."""
    total_low_pp: float | None
    total_high_pp: float | None
    interaction_change_pp: float
    """The whole effect less the sum of the ways."""
    interaction_share: float
    """Of the whole effect."""
    paths: tuple[PathPart, ...]
    n_replicates: int


@tool(cost=Cost.EXPENSIVE)
def mechanism_paths(context: ToolContext, arguments: PathArguments) -> MechanismPathsResult:
    """By which ways a module's change reached the outcome: through waiting, through preparation, directly.

    Use it on the module of the leading cause, after `mechanism_shapley` or an adjudication named it. Do not conclude
    anything from it where `fits` is false.
    """
    known = ", ".join(name for name in graph().modules if name != graph().nodes[OUTCOME].module)
    if arguments.module not in known.split(", "):
        raise ToolFailure(f"module = {arguments.module!r}: known are {known}")
    seed, replicates = context.settings.seed, arguments.replicates
    return memo(
        context.dataset,
        ("mechanism_paths", arguments, seed, context.settings.baseline_days),
        lambda: ways(
            mechanism_orders(context, arguments), arguments.module, seed=seed, replicates=replicates
        ),
    )


@dataclass(frozen=True)
class Ways:
    """A module of some mechanisms, whose edges to the rest can be opened one by one."""

    made: Mechanisms
    module: str

    @cached_property
    def own(self) -> frozenset[str]:
        """The module's nodes."""
        return frozenset(name for name, node in self.graph.nodes.items() if node.module == self.module)

    @cached_property
    def exits(self) -> tuple[str, ...]:
        """Nodes outside of the module that its own act on, upstream first, the outcome last."""
        return tuple(
            name
            for name, node in self.graph.nodes.items()
            if name not in self.own and self.own & set(node.parents) and not self._idle(name)
        )

    def _idle(self, name: str) -> bool:
        """Nothing of this incident lies beyond what was seen, where alone it would act."""
        return self.graph.nodes[name].beyond_only and not self.made.learner.cuts.acts(name)

    def sources(self, name: str) -> tuple[str, ...]:
        """The module's nodes that act on another, its strongest parent first."""
        return tuple(
            parent for parent in self.graph.parents(name) if parent in self.own and not self._idle(parent)
        )

    @property
    def graph(self) -> CausalGraph:
        """Of the nodes that are measured."""
        return self.made.learner.graph

    def mean(self, opened: frozenset[str]) -> float:
        """The outcome's mean where only these nodes see what the module did; the others, what it did before."""
        rows = {seen: self.made.drawn_rows(during=seen and MIX in self.own) for seen in (False, True)}
        drawn: dict[str, tuple[Floats, Floats]] = {}
        for name in self.graph.nodes:
            if name in (MIX, OUTCOME):
                continue
            if name in self.own:
                drawn[name] = (
                    self._draw(name, drawn, rows[False], seen=False),
                    self._draw(name, drawn, rows[True], seen=True),
                )
            else:
                seen = name in opened
                drawn[name] = (self._draw(name, drawn, rows[seen], seen=seen),) * 2
        seen = OUTCOME in opened
        values = {name: both[seen] for name, both in drawn.items()}
        return self.made.outcome(values, rows[seen], during=False)

    def _draw(self, name: str, drawn: dict[str, tuple[Floats, Floats]], rows: Ints, *, seen: bool) -> Floats:
        """A node's values, of the module as it was during the incident (`seen`) or before."""
        codes = {
            parent: self.made.learner.cuts.code(parent, drawn[parent][seen])
            for parent in self.made.learner.parents(name)
        }
        extra = self.graph.nodes[name].extra_of
        return self.made.draw(
            name, codes, rows, own=seen and name in self.own, extra=seen and extra in self.own
        )

    def effects(self) -> "Effects":
        """The whole effect and that of every way."""
        everything, before = frozenset(self.exits), self.mean(frozenset())
        whole = self.mean(everything)
        return Effects(
            whole=whole - before,
            alone={name: self.mean(frozenset({name})) - before for name in self.exits},
            spared={name: whole - self.mean(everything - {name}) for name in self.exits},
            missed=self.made.mean(frozenset(self.graph.modules))
            - self.made.mean(frozenset())
            - self.made.actual,
        )


@dataclass(frozen=True)
class Effects:
    """What a module's change does to the outcome's mean, by way."""

    whole: float
    alone: Mapping[str, float]
    """With one edge open."""
    spared: Mapping[str, float]
    """What closing one edge takes from the whole."""
    missed: float
    """What all mechanisms together reproduce of the outcome's change, less the change."""


def ways(
    given: MechanismOrders, module: str, *, seed: int, replicates: int = REPLICATES
) -> MechanismPathsResult:
    """`mechanism_paths` on an incident's orders.

    Args:
        given: the orders, the graph of what is measured, and the blocks.
        module: whose change is followed.
        seed: of the bootstrap.
        replicates: resamples of blocks, of either period by itself; with fewer than two there is no interval, and
            only a change that is missed by less than a tenth fits.

    Raises:
        ToolFailure: nothing of the module is measured.
    """
    cuts = Cuts.of(given.orders, given.graph)
    made = Mechanisms.of(Learner.of(given.orders, given.graph, cuts))
    found = Ways(made, module)
    if not found.own:
        raise ToolFailure(f"not testable: nothing of {module} is recorded for enough orders")
    effects = found.effects()
    again = [
        Ways(one, module).effects() for one in resampled(made, given.block, seed=seed, replicates=replicates)
    ]
    parts = _parts(found, effects, again)
    low, high = interval(effects.whole, [one.whole for one in again])
    together = effects.whole - sum(effects.alone.values())
    return MechanismPathsResult(
        outcome_metric=given.outcome_metric,
        module=module,
        fits=_fits(effects, again, found.made.actual),
        top_clear=parts[0].clear,
        several=len(parts) > 1,
        separable=abs(together) <= SEPARABLE * abs(effects.whole),
        total_change_pp=100 * effects.whole,
        total_low_pp=points(low),
        total_high_pp=points(high),
        interaction_change_pp=100 * together,
        interaction_share=_share(together, effects.whole),
        paths=parts,
        n_replicates=len(again),
    )


def _parts(found: Ways, effects: Effects, again: Sequence[Effects]) -> tuple[PathPart, ...]:
    added = shapley(found.exits, found.mean)
    largest = sorted(found.exits, key=lambda name: (-abs(added[name]), name))
    return tuple(
        _part(found, name, effects, added[name], [one.alone[name] for one in again]) for name in largest
    )


def _part(found: Ways, name: str, effects: Effects, added: float, again: Sequence[float]) -> PathPart:
    change = effects.alone[name]
    low, high = interval(change, again)
    sources = "+".join(found.sources(name))
    direct = name == OUTCOME
    return PathPart(
        path=(sources, OUTCOME) if direct else (sources, name, OUTCOME),
        way=WAYS.get(name, name),
        direct=direct,
        change_pp=100 * change,
        low_pp=points(low),
        high_pp=points(high),
        added_change_pp=100 * added,
        added_share=_share(added, effects.whole),
        spared_change_pp=100 * effects.spared[name],
        clear=leaves_zero_out(low, high),
    )


def _fits(effects: Effects, again: Sequence[Effects], actual: float) -> bool:
    spread = float(np.std([one.missed for one in again])) if again else 0.0
    return abs(effects.missed) <= max(FITS * abs(actual), 2 * spread)


def _share(part: float, whole: float) -> float:
    return part / whole if abs(whole) > 1e-12 else 0.0
