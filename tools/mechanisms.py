"""The mechanisms of the causal graph, learned before an incident and during it, and run forward in any mixture.

A mechanism is the distribution of a node given its parents. It is kept as it was seen: the values of all orders in
a bin of like parents, from which one is drawn; so nothing is assumed of its shape. Where a bin holds too few orders,
the weakest parent is let go. What a node owes to the order's own numbers (its distance, how long its store usually
prepares) is too fine for bins: it is taken off the value that is drawn and added back for the order that it is drawn
for. The outcome's mechanism is its rate by bins of one score, the best single reading of its parents.

With the mechanisms of some modules taken from the incident and the others from before, the same random numbers give
what would have happened: a driver that moved only because its parents did keeps its mechanism, and gets no blame.

References:
    K. Budhathoki et al. (2021), Why did the distribution change?
    M. Beaumont, W. Zhang, D. Balding (2002), Approximate Bayesian computation in population genetics (draws adjusted
    by regression).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tools.causal_graph import MIX, OUTCOME, CausalGraph
from tools.lattice import Bools
from tools.risk_score import RiskScore, equal_variance
from tools.shapley import shapley
from tools.shift import codes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS: Final = 5
"""Quantiles that a continuous parent is cut into."""
LEAST: Final = 25
"""Orders that a bin must hold in both periods. Of a parent's value that one period alone has so many of, such as batches
that were never so large before, that period stands for both: a change that was not seen is not assumed."""
MOSTLY: Final = 0.5
MOST_BINS: Final = 2**15
"""A finer layer would hold hardly an order in each of its bins, and cost more than all others."""
SCORES: Final = 24
"""Bins of the outcome's score."""
DRAWS: Final = 4096


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
    score: RiskScore
    """Of the outcome."""
    slopes: Mapping[str, Floats]
    """By node, what it gains with every unit of each covariate; shape (covariates,)."""

    @classmethod
    def of(cls, orders: Orders, graph: CausalGraph) -> Self:
        """Learn them from all orders."""
        edges = {
            name: _edges(part, orders.during, within=not graph.nodes[name].beyond_only)
            for name, part in orders.values.items()
        }
        parents = [p for p in graph.parents(OUTCOME) if p in orders.values]
        columns = {name: orders.values[name] for name in parents} | dict(orders.covariates)
        score = RiskScore.fit(columns, orders.failed)
        inner = equal_variance(score.of(columns), SCORES)
        slopes = {name: _slopes(orders, graph, edges, name) for name in orders.values}
        return cls({**edges, OUTCOME: inner}, score, slopes)

    def code(self, name: str, values: Floats) -> Ints:
        """The bins of a node's values."""
        return np.asarray(np.searchsorted(self.edges[name], values, side="right"), dtype=np.int64)

    def scored(self, values: Mapping[str, Floats], covariates: Mapping[str, Floats]) -> Floats:
        """The outcome's score, on an increasing scale of risk."""
        return self.score.of({**values, **covariates})

    def owed(self, name: str, covariates: Mapping[str, Floats]) -> Floats | float:
        """What a node owes to the covariates of each order, up to a constant."""
        parts = zip(self.slopes[name], covariates.values(), strict=True)
        return sum((slope * part for slope, part in parts if slope), start=0.0)


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
    _risks: dict[frozenset[str], Ints] = field(init=False, default_factory=dict)

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
        return float(self._of(OUTCOME, changed).rates[self._risk(changed)].mean())

    # --- running forward

    def _risk(self, changed: frozenset[str]) -> Ints:
        """Bins of the outcome's score of the orders that were drawn."""
        key = frozenset().union(*(self._upstream(name, changed) for name in (MIX, *self._names)))
        if key not in self._risks:
            values = {name: self._drawn(name, changed) for name in self._names}
            score = self.cuts.scored(values, self._covariates(changed))
            self._risks[key] = self.cuts.code(OUTCOME, score)
        return self._risks[key]

    def _covariates(self, changed: frozenset[str]) -> dict[str, Floats]:
        rows = self._drawn_rows(changed)
        return {name: part[rows] for name, part in self.orders.covariates.items()}

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

    def _of(self, name: str, changed: frozenset[str]) -> Period:
        return self._periods[self.graph.nodes[name].module in changed]

    def _upstream(self, name: str, changed: frozenset[str]) -> frozenset[str]:
        """The changed modules that can reach a node."""
        nodes = {name, *self.graph.ancestors(name)}
        return changed & {self.graph.nodes[node].module for node in nodes}

    def _drawn_rows(self, changed: frozenset[str]) -> Ints:
        rows = self._of(MIX, changed).rows
        return np.asarray(rows[(self._uniforms[MIX] * len(rows)).astype(np.int64)])

    def _drawn(self, name: str, changed: frozenset[str]) -> Floats:
        key = (name, self._upstream(name, changed))
        if key not in self._known:
            rows = self._drawn_rows(changed)
            codes = {p: self.cuts.code(p, self._drawn(p, changed)) for p in self._parents(name)}
            drawn = self._draw(name, codes, [part[rows] for part in self.orders.mix], changed)
            self._known[key] = drawn + self.cuts.owed(name, self._covariates(changed))
        return self._known[key]

    def _draw(self, name: str, codes: dict[str, Ints], mix: list[Ints], changed: frozenset[str]) -> Floats:
        """A node's values, drawn from its own mechanism; what a parent adds, from that parent's module's."""
        own, uniforms = self._of(name, changed).nodes[name], self._uniforms[name]
        at = self._bins(name, list(codes.values()), mix)
        extra = self.graph.nodes[name].extra_of
        if extra is None:
            return own.draw(at, uniforms)
        ordinary = self._bins(name, [c if p != extra else np.zeros_like(c) for p, c in codes.items()], mix)
        theirs = self._of(extra, changed).nodes[name]
        added = theirs.draw(at, uniforms) - theirs.draw(ordinary, uniforms)
        return own.draw(ordinary, uniforms) + np.where(codes[extra] > 0, added, 0.0)

    # --- learning

    def _learn(self, name: str) -> tuple[Binned, Binned]:
        """Before and during."""
        codes = [self.cuts.code(parent, self.orders.values[parent]) for parent in self._parents(name)]
        layers = self._layers(name, codes, list(self.orders.mix))
        values, start, count = [], [], []
        plain = self.orders.values[name] - self.cuts.owed(name, self.orders.covariates)
        for during in (False, True):
            mine = np.flatnonzero(self.orders.during == during)
            own = plain[mine]
            values += [own[np.lexsort((own, layer[mine]))] for layer, _ in layers]
            count.append(np.concatenate([np.bincount(layer[mine], minlength=size) for layer, size in layers]))
            start.append(
                np.cumsum(count[-1])
                - count[-1]
                + (len(layers) * int((~self.orders.during).sum()) if during else 0)
            )
        whole = np.concatenate(values)
        strongest = np.arange(len(count[0])) >= sum(size for _, size in layers[:-2])
        either = strongest | self._unseen(name, codes, layers)
        self._enough[name] = np.where(either, np.maximum(*count), np.minimum(*count)) >= LEAST
        before, after = (
            self._binned(whole, start[when], count[when], start[1 - when], count[1 - when]) for when in (0, 1)
        )
        return before, after

    def _unseen(self, name: str, codes: list[Ints], layers: list[tuple[Ints, int]]) -> Bools:
        """Bins of all layers in which a parent has a value that only the incident has."""
        during = self.orders.during
        new: list[Bools] = []
        for code in codes:
            before, after = (np.bincount(code[rows], minlength=code.max() + 1) for rows in (~during, during))
            new.append(((before < LEAST) & (after >= LEAST))[code])
        parents = self.graph.parents(name)
        if MIX in parents:
            at = parents.index(MIX)
            new[at:at] = [np.zeros(len(during), dtype=bool)] * len(self.orders.mix)
        found = [np.zeros(len(during), dtype=bool)]
        for flags in new[: len(layers) - 1]:
            found.append(found[-1] | flags)
        return np.concatenate(
            [
                np.bincount(layer, weights=flags, minlength=size) > 0
                for (layer, size), flags in zip(layers, reversed(found), strict=True)
            ]
        )

    @staticmethod
    def _binned(values: Floats, start: Ints, count: Ints, other_start: Ints, other_count: Ints) -> Binned:
        """A period's bins; one that it hardly has is taken to be as in the other period."""
        own = (count >= LEAST) | (other_count < LEAST)
        return Binned(values, np.where(own, start, other_start), np.where(own, count, other_count))

    def _parents(self, name: str) -> tuple[str, ...]:
        return tuple(parent for parent in self.graph.parents(name) if parent != MIX)

    def _bins(self, name: str, codes: list[Ints], mix: list[Ints]) -> Ints:
        """The finest bin with enough orders in both periods; in one where it is of the strongest parent alone, or new."""
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
            (code, len(self.cuts.edges[p]) + 1) for code, p in zip(codes, self._parents(name), strict=True)
        ]
        if MIX in parents:
            kinds = [int(part.max(initial=0)) + 1 for part in self.orders.mix]
            at = parents.index(MIX)
            keys[at:at] = [*zip(mix, kinds, strict=True)]
        rows = len(mix[0])
        layers: list[tuple[Ints, int]] = [(np.zeros(rows, dtype=np.int64), 1)]
        for code, size in keys:
            last, width = layers[-1]
            if width * size > MOST_BINS:
                break
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


def _edges(values: Floats, during: Bools, *, within: bool) -> Floats:
    """Between all values where they are few, at quantiles where they are many.

    Where most of the incident lies beyond all that the days before have seen, it is cut there too: bins that hold
    both would take what was never seen for what was. Without `within`, it is cut nowhere else.
    """
    few = np.unique(values)
    low, high = values[~during].min(), values[~during].max()
    ends = [low] if (values[during] < low).mean() > MOSTLY else []
    ends += [np.nextafter(high, np.inf)] if (values[during] > high).mean() > MOSTLY else []
    if not within:
        return np.array(ends)
    if len(few) <= LEVELS:
        return np.asarray((few[1:] + few[:-1]) / 2)
    return np.unique([*np.quantile(values, np.linspace(0, 1, LEVELS + 1)[1:-1]), *ends])


def _slopes(orders: Orders, graph: CausalGraph, edges: Mapping[str, Floats], name: str) -> Floats:
    """Least squares of a node on the covariates, within orders of like parents of either period.

    Nothing where the node takes few values, does not depend on the kind of the order, or acts on another driver: the
    latter's bins are of values as they were seen.
    """
    none = np.zeros(len(orders.covariates))
    inner = set(graph.children(name)) - {OUTCOME}
    if not len(none) or inner or MIX not in graph.parents(name) or len(edges[name]) < LEVELS - 1:
        return none
    parents = [p for p in graph.parents(name) if p != MIX]
    groups = codes(
        orders.during, *(np.searchsorted(edges[p], orders.values[p], side="right") for p in parents)
    )
    count = np.bincount(groups)
    columns = [_centred(part, groups, count) for part in (*orders.covariates.values(), orders.values[name])]
    return np.asarray(np.linalg.lstsq(np.column_stack(columns[:-1]), columns[-1], rcond=None)[0])


def _centred(values: Floats, groups: Ints, count: Ints) -> Floats:
    return np.asarray(values - (np.bincount(groups, weights=values) / count)[groups])
