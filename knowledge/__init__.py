"""Policies, SLAs, templates and playbooks as Markdown, and everything that makes them usable.

markdown     sections, fenced YAML and front matter of a document
parse        a page into clauses, rules and values
library      the pages that ship with the product
playbooks    how each specialist goes on from the battery, as prose and as steps
embeddings   text into vectors, without a network
bm25         keyword scores
store        the Chroma store on disk: `open_store(path)`
ingest       pages into the store, again only when their content changed
retrieve     filtered search over both kinds of score
memory       past resolutions: keep and recall
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from knowledge.store import KnowledgeStore


def open_store(path: "Path | None") -> "KnowledgeStore":
    """The knowledge base in this folder, its pages up to date; None keeps it in memory."""
    from knowledge.store import KnowledgeStore

    return KnowledgeStore.open(path)
