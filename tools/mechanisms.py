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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tools.causal_graph import MIX, OUTCOME, CausalGraph
from tools.lattice import Bools
from tools.mechanism_bins import Places, Tree, within
from tools.risk_score import RiskScore, equal_variance
from tools.shapley import shapley
from tools.shift import codes, dense

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEVELS: Final = 5
"""Quantiles that a continuous parent is cut into."""
LEAST: Final = 25
"""Orders that a bin must hold in both periods. Of a parent's value that one period alone has so many of, such as batches
that were never so large before, that period stands for both: a change that was not seen is not assumed."""
MOSTLY: Final = 0.5
"""Part of the incident beyond all that was seen before, from which on a node is cut there."""
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
            name: _edges(part, orders.during, inside=not graph.nodes[name].beyond_only)
            for name, part in orders.values.items()
        }
        parents = [p for p in graph.parents(OUTCOME) if p in orders.values]
        columns = {name: orders.values[name] for name in parents} | dict(orders.covariates)
        score = RiskScore.fit(columns, orders.failed)
        inner = equal_variance(score.of(columns), SCORES)
        slopes = {name: _slopes(orders, graph, edges, name) for name in orders.values}
        return cls({**edges, OUTCOME: inner}, score, slopes)

    def acts(self, name: str) -> bool:
        """Whether any value of a parent is told from another: one that acts only beyond what was seen may act nowhere."""
        return len(self.edges[name]) > 0

    def code(self, name: str, values: Floats) -> Ints:
        """The bins of a node's values."""
        return np.asarray(np.searchsorted(self.edges[name], values, side="right"), dtype=np.int64)

    def scored(self, values: Mapping[str, Floats], covariates: Mapping[str, Floats]) -> Floats:
        """The outcome's score, on an increasing scale of risk."""
        return self.score.of({**values, **covariates})

    def owed(self, name: str, covariates: Mapping[str, Floats]) -> Floats | None:
        """What a node owes to the covariates of each order, up to a constant; None where that is nothing."""
        slopes = self.slopes[name]
        if not slopes.any():
            return None
        return np.asarray(np.column_stack(list(covariates.values())) @ slopes)


@dataclass(frozen=True)
class Learner:
    """What the orders are counted by, however often they are resampled."""

    orders: Orders
    graph: CausalGraph
    cuts: Cuts
    trees: Mapping[str, Tree]
    """By node, its bins of like parents."""
    places: Mapping[str, Places]
    """By node, its values less what is owed."""
    owed: Mapping[str, Floats]
    """By node that owes anything to the covariates, how much, by order."""
    codes: Mapping[str, Ints]
    """By node, the bins of its values by order."""
    risk: Ints
    """By order, the bin of the outcome's score."""
    kind: Ints
    """By order, its kind; the order in which kinds are drawn."""
    uniforms: Mapping[str, Floats]
    """By node, shape (DRAWS,)."""
    reach: Mapping[str, frozenset[str]]
    """By node, the modules of itself and of everything upstream of it."""

    @classmethod
    def of(cls, orders: Orders, graph: CausalGraph, cuts: Cuts) -> Self:
        """Make it ready for some orders and resamples of them."""
        names = tuple(name for name in graph.nodes if name not in (MIX, OUTCOME))
        codes = {name: cuts.code(name, orders.values[name]) for name in names}
        debts = {name: cuts.owed(name, orders.covariates) for name in names}
        owed = {name: debt for name, debt in debts.items() if debt is not None}
        return cls(
            orders,
            graph,
            cuts,
            {name: Tree.of(_keys(name, orders, graph, cuts, codes), len(orders.failed)) for name in names},
            {name: Places.of(orders.values[name] - owed.get(name, 0.0)) for name in names},
            owed,
            codes,
            cuts.code(OUTCOME, cuts.scored(orders.values, orders.covariates)),
            _kinds(orders.mix),
            _uniforms((MIX, *names)),
            {name: _modules(graph, {name, *graph.ancestors(name)}) for name in graph.nodes},
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The nodes that are drawn, parents first."""
        return tuple(self.trees)

    def parents(self, name: str) -> tuple[str, ...]:
        """A node's parents but the mix, strongest first."""
        return tuple(parent for parent in self.graph.parents(name) if parent != MIX)


@dataclass(frozen=True)
class Binned:
    """Places of a node's values in one period, sorted within bins; the bins of all layers one after the other."""

    rank: Ints
    start: Ints
    count: Ints

    def draw(self, bins: Ints, uniforms: Floats) -> Ints:
        """One place of each of these bins."""
        return np.asarray(self.rank[self.start[bins] + (uniforms * self.count[bins]).astype(np.int64)])


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
        learner: of all orders.
        before: the orders before the incident, repeated where a resample names them more than once.
        during: likewise, of the incident.
    """

    learner: Learner
    before: Ints
    during: Ints
    _periods: tuple[Period, Period] = field(init=False)
    _settled: dict[str, Ints] = field(init=False, default_factory=dict)
    """By node and bin, the finest bin with enough orders in both periods, or in one where it is of the strongest
    parent alone or of a value that is new."""
    _known: dict[tuple[str, frozenset[str]], Floats] = field(init=False, default_factory=dict)
    _coded: dict[tuple[str, frozenset[str]], Ints] = field(init=False, default_factory=dict)
    _risks: dict[frozenset[str], Ints] = field(init=False, default_factory=dict)

    @classmethod
    def of(cls, learner: Learner) -> Self:
        """The mechanisms of all orders."""
        during = learner.orders.during
        return cls(learner, np.flatnonzero(~during), np.flatnonzero(during))

    def __post_init__(self) -> None:
        learned = {name: self._learn(name) for name in self.learner.names}
        before, after = ({name: both[when] for name, both in learned.items()} for when in (0, 1))
        self._periods = (self._period(before, self.before), self._period(after, self.during))

    @property
    def actual(self) -> float:
        """What the outcome's mean changed by."""
        failed = self.learner.orders.failed
        return float(failed[self.during].mean() - failed[self.before].mean())

    def parts(self) -> dict[str, float]:
        """Shapley values of the modules: each one's part of the change that the mechanisms reproduce."""
        return shapley(tuple(self.learner.graph.modules), self.mean)

    def mean(self, changed: frozenset[str]) -> float:
        """The outcome's mean with the mechanisms of these modules as they were during the incident."""
        return float(self._periods[self._changed(OUTCOME, changed)].rates[self._risk(changed)].mean())

    # --- running forward

    def draw(self, name: str, codes: Mapping[str, Ints], rows: Ints, *, own: bool, extra: bool) -> Floats:
        """A node's values at given parents; what a parent adds comes from that parent's module's mechanism.

        Args:
            name: the node.
            codes: bins of its parents' values but the mix, each of shape (DRAWS,).
            rows: orders whose mix is taken, shape (DRAWS,).
            own: its mechanism is that of the incident.
            extra: so is what the parent named by `extra_of` adds.
        """
        drawn = self._draw(name, codes, rows, own=own, extra=extra)
        owed = self.learner.owed.get(name)
        return drawn if owed is None else drawn + owed[rows]

    def _draw(self, name: str, codes: Mapping[str, Ints], rows: Ints, *, own: bool, extra: bool) -> Floats:
        """`draw`, less what is owed to the covariates."""
        mechanism, uniforms = self._periods[own].nodes[name], self.learner.uniforms[name]
        values = self.learner.places[name].values
        at = self._bins(name, codes, rows)
        adding = self.learner.graph.nodes[name].extra_of
        if adding is None:
            return np.asarray(values[mechanism.draw(at, uniforms)])
        ordinary = self._bins(name, {**codes, adding: np.zeros_like(codes[adding])}, rows)
        theirs = self._periods[extra].nodes[name]
        added = values[theirs.draw(at, uniforms)] - values[theirs.draw(ordinary, uniforms)]
        return np.asarray(
            values[mechanism.draw(ordinary, uniforms)] + np.where(codes[adding] > 0, added, 0.0)
        )

    def drawn_rows(self, *, during: bool) -> Ints:
        """Orders whose mix is drawn, of one period, shape (DRAWS,)."""
        rows = self._periods[during].rows
        return np.asarray(rows[(self.learner.uniforms[MIX] * len(rows)).astype(np.int64)])

    def outcome(self, values: Mapping[str, Floats], rows: Ints, *, during: bool) -> float:
        """The outcome's mean, by one period's mechanism.

        Args:
            values: of all nodes that are drawn, each of shape (DRAWS,).
            rows: orders whose covariates are taken, shape (DRAWS,).
            during: the mechanism is that of the incident.
        """
        return float(self._periods[during].rates[self._scored(values, rows)].mean())

    def _scored(self, values: Mapping[str, Floats], rows: Ints) -> Ints:
        """Bins of the score."""
        cuts, covariates = self.learner.cuts, self.learner.orders.covariates
        return cuts.code(OUTCOME, cuts.scored(values, {n: part[rows] for n, part in covariates.items()}))

    def _changed(self, name: str, changed: frozenset[str]) -> bool:
        return self.learner.graph.nodes[name].module in changed

    def _risk(self, changed: frozenset[str]) -> Ints:
        """Bins of the score, which the outcome's own mechanism has no part in."""
        key = changed & frozenset().union(*(self.learner.reach[name] for name in (MIX, *self.learner.names)))
        if key not in self._risks:
            values = {name: self._drawn(name, changed) for name in self.learner.names}
            self._risks[key] = self._scored(values, self._drawn_rows(changed))
        return self._risks[key]

    def _drawn_rows(self, changed: frozenset[str]) -> Ints:
        return self.drawn_rows(during=self._changed(MIX, changed))

    def _drawn(self, name: str, changed: frozenset[str]) -> Floats:
        key = (name, changed & self.learner.reach[name])
        if key not in self._known:
            extra = self.learner.graph.nodes[name].extra_of
            self._known[key] = self.draw(
                name,
                {parent: self._codes(parent, changed) for parent in self.learner.parents(name)},
                self._drawn_rows(changed),
                own=self._changed(name, changed),
                extra=extra is not None and self._changed(extra, changed),
            )
        return self._known[key]

    def _codes(self, name: str, changed: frozenset[str]) -> Ints:
        key = (name, changed & self.learner.reach[name])
        if key not in self._coded:
            self._coded[key] = self.learner.cuts.code(name, self._drawn(name, changed))
        return self._coded[key]

    def _bins(self, name: str, codes: Mapping[str, Ints], rows: Ints) -> Ints:
        keys: list[Ints] = []
        for parent in self.learner.graph.parents(name):
            keys += [part[rows] for part in self.learner.orders.mix] if parent == MIX else [codes[parent]]
        return np.asarray(self._settled[name][self.learner.trees[name].find(keys, DRAWS)])

    # --- learning

    def _learn(self, name: str) -> tuple[Binned, Binned]:
        """Before and during."""
        tree, places = self.learner.trees[name], self.learner.places[name]
        ranks: list[Ints] = []
        starts: list[Ints] = []
        counts: list[Ints] = []
        for mine, offset in ((self.before, 0), (self.during, len(self.before) * (len(tree.sizes) + 1))):
            layers = tree.layers(tree.own[mine])
            ranks += [within(bins, places.rank[mine], places.bits) for bins in layers]
            count = np.bincount(np.concatenate(layers), minlength=tree.starts[-1]).astype(np.int64)
            counts.append(count)
            starts.append(np.cumsum(count) - count + offset)
        # What batching adds is seen in one period alone where only that has such batches. A level of demand that one period
        # alone has says nothing about the other: its orders stand with all levels together.
        alone = tree.starts[:3][-1] if self.learner.graph.nodes[name].extra_of is not None else tree.starts[1]
        either = (np.arange(tree.starts[-1]) < alone) | tree.marked(self._unseen(name))
        enough = np.where(either, np.maximum(*counts), np.minimum(*counts)) >= LEAST
        self._settled[name] = tree.settled(enough)
        whole = np.concatenate(ranks)
        before, after = (
            self._binned(whole, starts[when], counts[when], starts[1 - when], counts[1 - when])
            for when in (0, 1)
        )
        return before, after

    def _unseen(self, name: str) -> list[Bools]:
        """By parent and kind of mix, strongest first, which codes only the incident has.

        Of a parent that acts only beyond what was seen, also those that only the days before have.
        """
        found: list[Bools] = []
        for parent in self.learner.graph.parents(name):
            if parent == MIX:
                found += [np.zeros(int(part.max(initial=0)) + 1, bool) for part in self.learner.orders.mix]
            else:
                found.append(self._alone(parent))
        return found

    def _alone(self, parent: str) -> Bools:
        size = len(self.learner.cuts.edges[parent]) + 1
        before, after = (
            np.bincount(self.learner.codes[parent][mine], minlength=size) >= LEAST
            for mine in (self.before, self.during)
        )
        beyond = self.learner.graph.nodes[parent].beyond_only
        return np.asarray(before != after if beyond else after & ~before)

    @staticmethod
    def _binned(rank: Ints, start: Ints, count: Ints, other_start: Ints, other_count: Ints) -> Binned:
        """A period's bins; one that it hardly has is taken to be as in the other period."""
        own = (count >= LEAST) | (other_count < LEAST)
        return Binned(rank, np.where(own, start, other_start), np.where(own, count, other_count))

    def _period(self, nodes: Mapping[str, Binned], mine: Ints) -> Period:
        kind = np.argsort(self.learner.kind[mine], kind="stable")
        return Period(nodes, self._rates(mine), mine[kind])

    def _rates(self, mine: Ints) -> Floats:
        """Of failure by bin of the score; a bin without orders takes the mean of its neighbours."""
        bins = self.learner.risk[mine]
        size = len(self.learner.cuts.edges[OUTCOME]) + 1
        count = np.bincount(bins, minlength=size).astype(np.float64)
        total = np.bincount(bins, weights=self.learner.orders.failed[mine], minlength=size)
        some = np.flatnonzero(count)
        return np.interp(np.arange(size), some, total[some] / count[some])


def _keys(
    name: str, orders: Orders, graph: CausalGraph, cuts: Cuts, codes: Mapping[str, Ints]
) -> list[tuple[Ints, int]]:
    """A node's parents by order and how many codes each has, the strongest first."""
    found: list[tuple[Ints, int]] = []
    for parent in graph.parents(name):
        if parent == MIX:
            found += [(part, int(part.max(initial=0)) + 1) for part in orders.mix]
        else:
            found.append((codes[parent], len(cuts.edges[parent]) + 1))
    return found


def _kinds(mix: tuple[Ints, ...]) -> Ints:
    kind = np.zeros(len(mix[0]), dtype=np.int64)
    for part in mix:
        kind = kind * (int(part.max(initial=0)) + 1) + part
    # Few bits sort faster.
    return dense(kind)


def _uniforms(names: tuple[str, ...]) -> dict[str, Floats]:
    """The same for every mixture: evenly spread, in an order of its own for each node (a rank-one lattice)."""
    steps = np.arange(DRAWS)
    primes = (1, 1571, 2731, 3347, 1223, 2081, 3691, 941, 2557)
    return {name: ((steps * prime) % DRAWS + 0.5) / DRAWS for name, prime in zip(names, primes, strict=False)}


def _modules(graph: CausalGraph, nodes: Iterable[str]) -> frozenset[str]:
    return frozenset(graph.nodes[node].module for node in nodes)


def _edges(values: Floats, during: Bools, *, inside: bool) -> Floats:
    """Between all values where they are few, at quantiles where they are many.

    Where most of the incident lies beyond all that the days before have seen, it is cut there too: bins that hold
    both would take what was never seen for what was. Without `inside`, it is cut nowhere else.
    """
    few = np.unique(values)
    low, high = values[~during].min(), values[~during].max()
    ends = [low] if (values[during] < low).mean() > MOSTLY else []
    ends += [np.nextafter(high, np.inf)] if (values[during] > high).mean() > MOSTLY else []
    if not inside:
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
