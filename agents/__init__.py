"""Agents: the LangGraph orchestrator, its specialists, the model providers, the writer and grounding."""
