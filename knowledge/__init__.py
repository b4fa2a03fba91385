"""Knowledge: policies, SLAs, templates and playbooks as Markdown; parsing, ingestion, retrieval, memory."""
