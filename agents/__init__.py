"""Agents: the orchestrator of an investigation, its specialists, and the writer that may say only what is proven.

investigation   the door: `investigate(context, run_id=...)`, resumable; `investigate_sync(dataset)`
context         what a run may use: data, model, ports, budget
graph           the wiring: `build_graph(checkpointer=None)`
nodes           one module a node: triage, investigator, join, strategist, planner, writer, report
state           the checkpointed state: plain JSON
specialists     the registry of agents: prompt, playbook and tools of each
prompts         their prompts and the phrase book, as Markdown
powers          the deterministic work of `tools` that the graph asks for
tools           LangChain adapters over the tool registry
conversation    a model at work: tools, budget, what happens when it fails
models          any OpenAI-compatible model, or the offline reasoner
reasoner        the offline reasoner: a chat model that follows playbooks
phrases         the phrase book that it writes with
writing         the writer's language: sections, sentences, placeholders
facts           what a sentence may cite
catalog         facts and the writer's task, put together from an investigation
grounding       what a sentence may say; the rest is dropped and counted
render          values into words
timeline        how it came about
events          AG-UI events of a run, and their one order
report          the report's shape
"""
