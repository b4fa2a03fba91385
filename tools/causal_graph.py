"""The causal graph of fulfilment, as `causal_graph.yaml` declares it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

MIX: Final = "mix"
OUTCOME: Final = "failed"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Node(_Model):
    """A measured quantity of an order."""

    module: str
    parents: tuple[str, ...]
    """Strongest first."""
    extra_of: str | None = None
    """A parent: what more than its lowest value adds to the node is that parent's module's doing."""
    beyond_only: bool = False
    """It acts where most of an incident lies beyond all that was seen before; within that, its parents tell as much."""
    meaning: str
    """Why the parents act on it."""


class CausalGraph(_Model):
    """Nodes after all of their parents, each in one module."""

    modules: Mapping[str, str]
    """What each answers for."""
    nodes: Mapping[str, Node]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        known: set[str] = set()
        for name, node in self.nodes.items():
            unknown = [parent for parent in node.parents if parent not in known]
            if unknown:
                raise ValueError(f"{name}: parent {unknown[0]!r} must be a node that stands before it")
            if node.extra_of is not None and node.extra_of not in node.parents:
                raise ValueError(f"{name}: extra_of names {node.extra_of!r}, which is not a parent")
            if node.module not in self.modules:
                raise ValueError(f"{name}: no module is called {node.module!r}")
            known.add(name)
        return self

    def parents(self, name: str) -> tuple[str, ...]:
        """What acts on a node directly, strongest first."""
        return self.nodes[name].parents

    def children(self, name: str) -> tuple[str, ...]:
        """What a node acts on directly."""
        return tuple(other for other, node in self.nodes.items() if name in node.parents)

    def ancestors(self, name: str) -> frozenset[str]:
        """Everything upstream of a node.

        Example:
            >>> sorted(graph().ancestors("prep_s"))
            ['batched', 'carried_share', 'couriers_ratio', 'demand_ratio', 'mix']
        """
        direct = self.parents(name)
        return frozenset(direct).union(*(self.ancestors(parent) for parent in direct))

    def measured(self, names: frozenset[str]) -> "CausalGraph":
        """The graph of the nodes that are measured, each acted on by its nearest measured ancestors."""
        kept = {
            name: Node(
                module=node.module,
                parents=self._nearest(name, names),
                extra_of=node.extra_of if node.extra_of in names else None,
                beyond_only=node.beyond_only,
                meaning=node.meaning,
            )
            for name, node in self.nodes.items()
            if name in names
        }
        modules = {
            name: text for name, text in self.modules.items() if name in {n.module for n in kept.values()}
        }
        return CausalGraph(modules=modules, nodes=kept)

    def _nearest(self, name: str, names: frozenset[str]) -> tuple[str, ...]:
        """Measured parents, then the nearest measured ancestors behind those that are not."""
        found = dict.fromkeys(parent for parent in self.parents(name) if parent in names)
        for parent in self.parents(name):
            found |= {} if parent in names else dict.fromkeys(self._nearest(parent, names))
        return tuple(found)


@cache
def graph() -> CausalGraph:
    """The declared graph."""
    text = files("tools").joinpath("causal_graph.yaml").read_text(encoding="utf-8")
    return CausalGraph.model_validate(yaml.safe_load(text))
