r"""The orchestrator's wiring. Nothing is compiled, connected or dated at import.

triage -> investigator (in parallel) -> join -> challenger -> tracer -> strategist -> planner -> writer -> report
\\-> report, where nothing is wrong
"""

from typing import Final

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.context import Context
from agents.nodes.challenger import challenger
from agents.nodes.investigator import investigator
from agents.nodes.join import join
from agents.nodes.planner import planner
from agents.nodes.report import report
from agents.nodes.strategist import strategist
from agents.nodes.tracer import tracer
from agents.nodes.triage import triage
from agents.nodes.writer import writer
from agents.state import State

RECURSION_LIMIT: Final = 25
"""Supersteps of one run; the longest path has nine."""

Graph = CompiledStateGraph[State, Context, State, State]


def build_graph(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """The investigation graph.

    Args:
        checkpointer: where the state is kept after every node; without one, a run cannot be resumed.
    """
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("triage", triage)
    graph.add_node("investigator", investigator)
    graph.add_node("join", join)
    graph.add_node("challenger", challenger)
    graph.add_node("tracer", tracer)
    graph.add_node("strategist", strategist)
    graph.add_node("planner", planner)
    graph.add_node("writer", writer)
    graph.add_node("report", report)
    graph.add_edge(START, "triage")
    graph.add_edge("investigator", "join")
    graph.add_edge("join", "challenger")
    graph.add_edge("challenger", "tracer")
    graph.add_edge("tracer", "strategist")
    graph.add_edge("strategist", "planner")
    graph.add_edge("planner", "writer")
    graph.add_edge("writer", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer)
