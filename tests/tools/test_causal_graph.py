"""The declared graph, and that the hypothesis library agrees with it."""

import pytest
from pydantic import ValidationError

from tools.causal_graph import MIX, OUTCOME, CausalGraph, Node, graph
from tools.hypotheses import HYPOTHESES, Hypothesis
from tools.mechanism_shift import MEDIATED


def test_everything_leads_to_the_outcome() -> None:
    assert graph().ancestors(OUTCOME) == frozenset(graph().nodes) - {OUTCOME}
    assert graph().parents(MIX) == ()


def test_what_batching_moves_is_read_among_orders_carried_alone() -> None:
    assert set(MEDIATED) == set(graph().children("batched")) - {OUTCOME}


MEDIATED_CAUSES = [one for one in HYPOTHESES.values() if one.driver in graph().nodes and one.upstream]


@pytest.mark.parametrize("hypothesis", MEDIATED_CAUSES, ids=lambda one: one.id.value)
def test_upstream_causes_are_upstream_in_the_graph(hypothesis: Hypothesis) -> None:
    modules = {graph().nodes[name].module for name in graph().ancestors(hypothesis.driver)}
    of = {"batching_policy": "policy", "courier_supply": "supply", "demand_surge": "demand"}
    assert {of[cause.value] for cause in hypothesis.upstream} <= modules


def test_a_node_that_is_not_measured_is_bridged() -> None:
    part = graph().measured(frozenset({MIX, "couriers_ratio", "dasher_wait_s", OUTCOME}))
    assert part.parents("dasher_wait_s") == ("couriers_ratio", MIX)
    assert part.nodes["dasher_wait_s"].extra_of is None
    assert set(part.modules) == {"demand", "supply", "outcome"}


def node(module: str = "a", *, parents: tuple[str, ...] = (), extra_of: str | None = None) -> Node:
    return Node(module=module, parents=parents, extra_of=extra_of, meaning="")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"x": node(parents=("y",)), "y": node()}, "must be a node that stands before it"),
        ({"x": node("nobody")}, "no module is called 'nobody'"),
        ({"x": node(), "y": node(parents=("x",), extra_of="z")}, "which is not a parent"),
    ],
)
def test_a_graph_that_cannot_be_is_refused(nodes: dict[str, Node], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CausalGraph(modules={"a": ""}, nodes=nodes)
