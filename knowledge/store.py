"""The knowledge base on disk: one Chroma folder with the shipped pages and what was learnt from past incidents.

A collection holds vectors of one embedding only, so its name carries the embedding's name; where another embedding
becomes available, the pages are written anew and the memories are embedded again.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tools.search_knowledge  # noqa: F401  # whoever opens a store has the tool that reads it
from knowledge.embeddings import Embedding, LocalEmbedding, local_embedding
from knowledge.ingest import Document, shipped_documents, synchronise
from knowledge.memory import Memory
from knowledge.retrieve import Filter, search
from tools.ports import Passage, PassageKind

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection


class KnowledgeStore:
    """An open knowledge base; fills the port `knowledge`.

    Args:
        client: of Chroma.
        embedding: given explicitly; Chroma's own would look for a network.
        documents: what the collection of pages must hold.
    """

    def __init__(self, client: "ClientAPI", embedding: Embedding, documents: Sequence[Document]) -> None:
        self.warnings: tuple[str, ...] = ()
        """What is missing for better search."""
        self._embedding = embedding
        self._pages = collection(client, "pages", embedding)
        self.changed = synchronise(self._pages, documents)
        """Whether opening had to write pages."""
        self.memory = Memory(client, collection(client, Memory.COLLECTION, embedding), embedding)

    @classmethod
    def open(cls, path: Path | None, embedding: Embedding | None = None) -> "KnowledgeStore":
        """Open or create the knowledge base in a folder, with the shipped pages up to date.

        Args:
            path: folder, made where it is missing; None keeps everything in memory, shared within the process.
            embedding: the best local one where none is given.
        """
        chosen = LocalEmbedding(embedding, None) if embedding else local_embedding()
        with _one_at_a_time(path):
            store = cls(_client(path), chosen.embedding, shipped_documents())
        store.warnings = (chosen.warning,) if chosen.warning else ()
        return store

    def __len__(self) -> int:
        return self._pages.count() + len(self.memory)

    def search(
        self,
        query: str,
        kind: PassageKind | None = None,
        limit: int = 5,
        *,
        clause: str | None = None,
        role: str | None = None,
    ) -> tuple[Passage, ...]:
        """The best passages for a question, best first.

        Args:
            query: in anyone's words.
            kind: only passages of this kind; past resolutions are searched only when asked for.
            limit: at most so many.
            clause: only this clause, as in `REF-5`.
            role: only passages for this role or for everybody.

        Raises:
            ValueError: a limit below 1.
        """
        if kind is PassageKind.RESOLUTION:
            return self.memory.search(query, limit)
        return search([self._pages], self._embedding, query, Filter(kind, clause, role), limit)


def collection(client: "ClientAPI", name: str, embedding: Embedding) -> "Collection":
    """The collection of that name for this embedding, made where it is missing."""
    function: Any = embedding
    return client.get_or_create_collection(
        f"{name}-{embedding.name()}",
        embedding_function=function,
        configuration={"hnsw": {"space": "cosine"}},
    )


def _client(path: Path | None) -> "ClientAPI":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if path is None:
            return chromadb.EphemeralClient(settings=settings)
        return chromadb.PersistentClient(path=str(path), settings=settings)


@contextmanager
def _one_at_a_time(path: Path | None) -> Iterator[None]:
    """Two processes that open an empty folder at once would both try to lay it out."""
    if path is None:
        yield
        return
    import fcntl

    path.mkdir(parents=True, exist_ok=True)
    with (path / ".opening").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
