"""The mechanisms of the causal graph, learned before an incident and during it, and run forward in any mixture.

A mechanism is the distribution of a node given its parents. It is kept as it was seen: the values of all orders in
a bin of like parents, from which one is drawn; so nothing is assumed of its shape. Where a bin holds too few orders,
the weakest parent is let go. The outcome's mechanism is its rate by bins of one score, the best single reading of its
parents.

With the mechanisms of some modules taken from the incident and the others from before, the same random numbers give
what would have happened: a driver that moved only because its parents did keeps its mechanism, and gets no blame.

References:
    K. Budhathoki et al. (2021), Why did the distribution change?
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tools import logit
from tools.causal_graph import MIX, OUTCOME, CausalGraph
from tools.lattice import Bools
from tools.shapley import shapley

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS: Final = 5
"""Quantiles that a continuous parent is cut into."""
LEAST: Final = 25
"""Orders that a bin must hold in both periods. Where even the strongest parent's bin has them in one period alone, such
as batches that were never so large before, that period stands for both: a change that was not seen is not assumed."""
SCORES: Final = 24
"""Bins of the outcome's score."""
DRAWS: Final = 4096
RIDGE: Final = 1e-3


@dataclass(frozen=True)
class Orders:
    """Orders of both periods, every node known.

    Args:
        values: by node but the mix and the outcome, shape (orders,).
        mix: small whole numbers that stand for the kinds of orders, the most telling first, each of shape (orders,).
        covariates: what else the outcome's score may read, drawn with the mix.
        failed: the outcome, 0 to 1.
        during: the incident's orders.
    """

    values: Mapping[str, Floats]
    mix: tuple[Ints, ...]
    covariates: Mapping[str, Floats]
    failed: Floats
    during: Bools

    def take(self, rows: Ints) -> Self:
        """Some orders, repeated where they are named more than once."""
        return type(self)(
            {name: part[rows] for name, part in self.values.items()},
            tuple(part[rows] for part in self.mix),
            {name: part[rows] for name, part in self.covariates.items()},
            self.failed[rows],
            self.during[rows],
        )


@dataclass(frozen=True)
class Cuts:
    """What is learned once, so that a bootstrap repeats only what is counted."""

    edges: Mapping[str, Floats]
    """By node, where its values are cut; those of the outcome's score under the outcome."""
    score: Mapping[str, float]
    """Weights of the outcome's score."""

    @classmethod
    def of(cls, orders: Orders, graph: CausalGraph) -> Self:
        """Learn them from all orders."""
        edges = {name: _edges(part) for name, part in orders.values.items()}
        weights = _score_weights(orders, graph)
        made = cls(edges, weights)
        score = made.scored(orders.values, orders.covariates)
        inner = np.linspace(0, 1, SCORES + 1)[1:-1]
        return cls({**edges, OUTCOME: np.unique(np.quantile(score, inner))}, weights)

    def code(self, name: str, values: Floats) -> Ints:
        """The bins of a node's values."""
        return np.asarray(np.searchsorted(self.edges[name], values, side="right"), dtype=np.int64)

    def scored(self, values: Mapping[str, Floats], covariates: Mapping[str, Floats]) -> Floats:
        """The outcome's score, on any increasing scale."""
        total = np.zeros(len(next(iter(values.values()))))
        for name, weight in self.score.items():
            total = total + weight * (values[name] if name in values else covariates[name])
        return total


@dataclass(frozen=True)
class Binned:
    """A node's values in one period, sorted within bins; the bins of all layers one after the other."""

    values: Floats
    start: Ints
    count: Ints

    def draw(self, bins: Ints, uniforms: Floats) -> Floats:
        """One value of each of these bins."""
        return np.asarray(self.values[self.start[bins] + (uniforms * self.count[bins]).astype(np.int64)])


@dataclass(frozen=True)
class Period:
    """The mechanisms of one period."""

    nodes: Mapping[str, Binned]
    rates: Floats
    """Of failure, by bin of the score."""
    rows: Ints
    """Its orders, sorted by kind."""


@dataclass
class Mechanisms:
    """Both periods' mechanisms, ready to be mixed.

    Args:
        orders: of both periods.
        graph: of the nodes that are measured.
        cuts: learned from these orders or those that they are a resample of.
    """

    orders: Orders
    graph: CausalGraph
    cuts: Cuts
    _periods: tuple[Period, Period] = field(init=False)
    _enough: dict[str, Bools] = field(init=False, default_factory=dict)
    """By node, which bins hold enough orders."""
    _known: dict[tuple[str, frozenset[str]], Floats] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        learned = {name: self._learn(name) for name in self._names}
        before, after = ({name: both[when] for name, both in learned.items()} for when in (0, 1))
        self._periods = (self._period(before, during=False), self._period(after, during=True))

    @property
    def actual(self) -> float:
        """What the outcome's mean changed by."""
        return float(
            self.orders.failed[self.orders.during].mean() - self.orders.failed[~self.orders.during].mean()
        )

    def parts(self) -> dict[str, float]:
        """Shapley values of the modules: each one's part of the change that the mechanisms reproduce."""
        return shapley(tuple(self.graph.modules), self.mean)

    def mean(self, changed: frozenset[str]) -> float:
        """The outcome's mean with the mechanisms of these modules as they were during the incident."""
        values = {name: self._drawn(name, changed) for name in self._names}
        return self.outcome(values, self._drawn_rows(changed), during=self._changed(OUTCOME, changed))

    # --- running forward

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(name for name in self.graph.nodes if name not in (MIX, OUTCOME))

    @cached_property
    def _uniforms(self) -> dict[str, Floats]:
        """The same for every mixture: evenly spread, in an order of its own for each node (a rank-one lattice)."""
        steps = np.arange(DRAWS)
        primes = (1, 1571, 2731, 3347, 1223, 2081, 3691, 941, 2557)
        return {
            name: ((steps * prime) % DRAWS + 0.5) / DRAWS
            for name, prime in zip((MIX, *self._names), primes, strict=False)
        }

    def _upstream(self, name: str, changed: frozenset[str]) -> frozenset[str]:
        """The changed modules that can reach a node."""
        nodes = {name, *self.graph.ancestors(name)}
        return changed & {self.graph.nodes[node].module for node in nodes}

    def draw(self, name: str, codes: Mapping[str, Ints], rows: Ints, *, own: bool, extra: bool) -> Floats:
        """A node's values at given parents; what a parent adds comes from that parent's module's mechanism.

        Args:
            name: the node.
            codes: bins of its parents' values but the mix, each of shape (draws,).
            rows: orders whose mix is taken, shape (draws,).
            own: its mechanism is that of the incident.
            extra: so is what the parent named by `extra_of` adds.
        """
        mix = [part[rows] for part in self.orders.mix]
        mechanism, uniforms = self._periods[own].nodes[name], self._uniforms[name]
        at = self._bins(name, list(codes.values()), mix)
        adding = self.graph.nodes[name].extra_of
        if adding is None:
            return mechanism.draw(at, uniforms)
        ordinary = self._bins(name, [c if p != adding else np.zeros_like(c) for p, c in codes.items()], mix)
        theirs = self._periods[extra].nodes[name]
        added = theirs.draw(at, uniforms) - theirs.draw(ordinary, uniforms)
        return mechanism.draw(ordinary, uniforms) + np.where(codes[adding] > 0, added, 0.0)

    def drawn_rows(self, *, during: bool) -> Ints:
        """Orders whose mix is drawn, of one period, shape (draws,)."""
        rows = self._periods[during].rows
        return np.asarray(rows[(self._uniforms[MIX] * len(rows)).astype(np.int64)])

    def outcome(self, values: Mapping[str, Floats], rows: Ints, *, during: bool) -> float:
        """The outcome's mean, by one period's mechanism, at values of all nodes and orders whose covariates are taken."""
        score = self.cuts.scored(values, {n: part[rows] for n, part in self.orders.covariates.items()})
        return float(self._periods[during].rates[self.cuts.code(OUTCOME, score)].mean())

    def _changed(self, name: str, changed: frozenset[str]) -> bool:
        return self.graph.nodes[name].module in changed

    def _drawn_rows(self, changed: frozenset[str]) -> Ints:
        return self.drawn_rows(during=self._changed(MIX, changed))

    def _drawn(self, name: str, changed: frozenset[str]) -> Floats:
        key = (name, self._upstream(name, changed))
        if key not in self._known:
            codes = {p: self.cuts.code(p, self._drawn(p, changed)) for p in self.measured_parents(name)}
            extra = self.graph.nodes[name].extra_of
            self._known[key] = self.draw(
                name,
                codes,
                self._drawn_rows(changed),
                own=self._changed(name, changed),
                extra=extra is not None and self._changed(extra, changed),
            )
        return self._known[key]

    # --- learning

    def _learn(self, name: str) -> tuple[Binned, Binned]:
        """Before and during."""
        codes = [self.cuts.code(parent, self.orders.values[parent]) for parent in self.measured_parents(name)]
        layers = self._layers(name, codes, list(self.orders.mix))
        values, start, count = [], [], []
        for during in (False, True):
            mine = np.flatnonzero(self.orders.during == during)
            own = self.orders.values[name][mine]
            values += [own[np.lexsort((own, layer[mine]))] for layer, _ in layers]
            count.append(np.concatenate([np.bincount(layer[mine], minlength=size) for layer, size in layers]))
            start.append(
                np.cumsum(count[-1])
                - count[-1]
                + (len(layers) * int((~self.orders.during).sum()) if during else 0)
            )
        whole = np.concatenate(values)
        coarse = sum(size for _, size in layers[:-2])
        by_strongest = np.arange(len(count[0])) >= coarse
        self._enough[name] = np.where(by_strongest, np.maximum(*count), np.minimum(*count)) >= LEAST
        before, after = (
            self._binned(whole, start[when], count[when], start[1 - when], count[1 - when]) for when in (0, 1)
        )
        return before, after

    @staticmethod
    def _binned(values: Floats, start: Ints, count: Ints, other_start: Ints, other_count: Ints) -> Binned:
        """A period's bins; one that it hardly has is taken to be as in the other period."""
        own = (count >= LEAST) | (other_count < LEAST)
        return Binned(values, np.where(own, start, other_start), np.where(own, count, other_count))

    def measured_parents(self, name: str) -> tuple[str, ...]:
        """A node's parents but the mix."""
        return tuple(parent for parent in self.graph.parents(name) if parent != MIX)

    def _bins(self, name: str, codes: list[Ints], mix: list[Ints]) -> Ints:
        """The finest bin with enough orders in both periods, or in one where it is of the strongest parent alone."""
        found = np.full(len(mix[0]), -1, dtype=np.int64)
        offset = 0
        for layer, size in self._layers(name, codes, mix):
            at = offset + layer
            here = (found < 0) & (self._enough[name][at] | (size == 1))
            found[here] = at[here]
            offset += size
        return found

    def _layers(self, name: str, codes: list[Ints], mix: list[Ints]) -> list[tuple[Ints, int]]:
        """The orders' bins by all parents, then without the weakest, and so on to one bin for all."""
        parents = self.graph.parents(name)
        keys = [
            (code, len(self.cuts.edges[p]) + 1)
            for code, p in zip(codes, self.measured_parents(name), strict=True)
        ]
        if MIX in parents:
            kinds = [int(part.max(initial=0)) + 1 for part in self.orders.mix]
            at = parents.index(MIX)
            keys[at:at] = [*zip(mix, kinds, strict=True)]
        rows = len(mix[0])
        layers: list[tuple[Ints, int]] = [(np.zeros(rows, dtype=np.int64), 1)]
        for code, size in keys:
            last, width = layers[-1]
            layers.append((last * size + code, width * size))
        return layers[::-1]

    def _period(self, nodes: Mapping[str, Binned], *, during: bool) -> Period:
        mine = np.flatnonzero(self.orders.during == during)
        kind = np.lexsort(tuple(part[mine] for part in reversed(self.orders.mix)))
        return Period(nodes, self._rates(mine), mine[kind])

    def _rates(self, mine: Ints) -> Floats:
        """Of failure by bin of the score; a bin without orders takes the mean of its neighbours."""
        score = self.cuts.scored(self.orders.values, self.orders.covariates)[mine]
        bins = self.cuts.code(OUTCOME, score)
        size = len(self.cuts.edges[OUTCOME]) + 1
        count = np.bincount(bins, minlength=size).astype(np.float64)
        total = np.bincount(bins, weights=self.orders.failed[mine], minlength=size)
        some = np.flatnonzero(count)
        return np.interp(np.arange(size), some, total[some] / count[some])


def _edges(values: Floats) -> Floats:
    """Between all values where they are few, at quantiles where they are many."""
    few = np.unique(values)
    if len(few) <= LEVELS:
        return np.asarray((few[1:] + few[:-1]) / 2)
    return np.unique(np.quantile(values, np.linspace(0, 1, LEVELS + 1)[1:-1]))


def _score_weights(orders: Orders, graph: CausalGraph) -> dict[str, float]:
    """A logistic model of the outcome on its parents and the covariates, over both periods.

    It only has to put orders in order of risk: the rates by bins of it take any shape.
    """
    parents = [p for p in graph.parents(OUTCOME) if p in orders.values]
    columns = {name: orders.values[name] for name in parents} | dict(orders.covariates)
    spread = {name: float(part.std()) for name, part in columns.items()}
    varied = [name for name in columns if spread[name] > 0]
    if not varied:
        return {}
    design = np.column_stack([(columns[n] - columns[n].mean()) / spread[n] for n in varied])
    model = logit.fit(design, orders.failed, ridge=RIDGE)
    return {n: float(w) / spread[n] for n, w in zip(varied, model.coefficients, strict=True)}
