"""What the causal graph says must be independent, held against the days before the incident.

Two nodes without an edge are independent given the parents of the later one. What is left of both, at like parents,
must not go together; where it does, the data deny an absent edge, and that is a limitation of what rests on it.

References:
    J. Pearl (2009), Causality, section 1.2 (the local Markov condition).
"""

from typing import Final

import numpy as np
from scipy import special

from tools.causal_graph import MIX, OUTCOME, CausalGraph
from tools.checks import CheckResult
from tools.mechanism_orders import MechanismOrders
from tools.mechanisms import Cuts, Floats, Ints

LEAST_CORRELATION: Final = 0.1
"""Weaker dependence does not move a conclusion."""
ALPHA: Final = 0.01


def graph_checks(given: MechanismOrders, cuts: Cuts) -> tuple[CheckResult, ...]:
    """One check for the graph as a whole, then one for every pair that these data deny."""
    pairs = absent_edges(given.graph)
    denied = []
    for name, other in pairs:
        correlation, p = _dependence(given, cuts, name, other)
        if abs(correlation) >= LEAST_CORRELATION and p <= ALPHA / len(pairs):
            text = f"{other} and {name} go together beyond their causes (r = {correlation:+.2f}): an edge is missing"
            denied.append(CheckResult(name="causal graph", passed=False, text=text))
    text = f"{len(pairs) - len(denied)} of {len(pairs)} independences of the causal graph hold before the incident"
    return (CheckResult(name="causal graph", passed=not denied if pairs else None, text=text), *denied)


def absent_edges(graph: CausalGraph) -> tuple[tuple[str, str], ...]:
    """Pairs (later, earlier) of measured nodes without an edge, neither upstream through the other's parents."""
    names = [name for name in graph.nodes if name not in (MIX, OUTCOME)]
    return tuple(
        (name, other)
        for at, name in enumerate(names)
        for other in names[:at]
        if other not in graph.parents(name)
    )


def _dependence(given: MechanismOrders, cuts: Cuts, name: str, other: str) -> tuple[float, float]:
    """Correlation of what the later one's parents leave of both, and its two-sided p over store-days."""
    orders = given.orders
    before = ~orders.during
    bins = _bins(given, cuts, name)[before]
    one, two = (_centred(orders.values[node][before], bins) for node in (name, other))
    scale = float(np.sqrt((one @ one) * (two @ two)))
    if scale <= 0:
        return 0.0, 1.0
    sums = np.bincount(given.block[before], weights=one * two)
    z = float(sums.sum() / max(np.sqrt((sums**2).sum()), 1e-12))
    return float(one @ two) / scale, float(2 * special.ndtr(-abs(z)))


def _bins(given: MechanismOrders, cuts: Cuts, name: str) -> Ints:
    """Orders with like parents."""
    orders = given.orders
    found = np.zeros(len(orders.failed), dtype=np.int64)
    for parent in given.graph.parents(name):
        codes = orders.mix if parent == MIX else (cuts.code(parent, orders.values[parent]),)
        for code in codes:
            found = found * (int(code.max(initial=0)) + 1) + code
    return np.asarray(np.unique(found, return_inverse=True)[1], dtype=np.int64)


def _centred(values: Floats, bins: Ints) -> Floats:
    count = np.maximum(np.bincount(bins), 1)
    mean = np.bincount(bins, weights=values) / count
    return np.asarray(values - mean[bins])
