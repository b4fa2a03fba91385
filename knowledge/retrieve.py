"""Filtered search: 0.7 parts embedding and 0.3 parts keywords, both scaled to 0-1 over what passes the filter."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knowledge.bm25 import Bm25
from tools.ports import Passage, PassageKind

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

    from knowledge.embeddings import Embedding, Vector

EMBEDDING_SHARE = 0.7
CANDIDATES = 512
"""Nearest passages of a collection that are scored; in a larger one a passage must be among them to be found."""
_SPREAD = 1e-9


class Filter(NamedTuple):
    """What a search is limited to; None leaves a side open."""

    kind: PassageKind | None = None
    clause: str | None = None
    role: str | None = None
    """Passages for this role and those for everybody."""

    def where(self) -> dict[str, Any] | None:
        """As Chroma's `where`."""
        parts: list[dict[str, Any]] = []
        if self.kind:
            parts.append({"kind": self.kind.value})
        if self.clause:
            parts.append({"clause": self.clause.upper()})
        if self.role:
            parts.append({"$or": [{f"for_{self.role}": True}, {"for_everybody": True}]})
        return {"$and": parts} if len(parts) > 1 else parts[0] if parts else None


class _Candidate(NamedTuple):
    document: str
    metadata: dict[str, Any]
    distance: float


def search(
    collections: Sequence["Collection"], embedding: "Embedding", query: str, wanted: Filter, limit: int
) -> tuple[Passage, ...]:
    """The best passages for a question over several collections, best first; ties by reference and text."""
    if limit < 1:
        raise ValueError(f"limit = {limit}, must be 1 or more")
    vector = embedding([query])[0]
    found = [item for collection in collections for item in _candidates(collection, vector, wanted)]
    if not found:
        return ()
    scores = _scores(found, query)
    passages = [_passage(item, score) for item, score in zip(found, scores, strict=True)]
    return tuple(sorted(passages, key=lambda p: (-p.score, p.reference, p.title, p.text))[:limit])


def _candidates(collection: "Collection", vector: "Vector", wanted: Filter) -> list[_Candidate]:
    question: Any = [vector]
    got: Any = collection.query(
        query_embeddings=question,
        n_results=CANDIDATES,
        where=wanted.where(),
        include=["documents", "metadatas", "distances"],
    )
    rows = zip(got["documents"][0], got["metadatas"][0], got["distances"][0], strict=True)
    return [_Candidate(*row) for row in rows]


def _scores(found: list[_Candidate], query: str) -> list[float]:
    meaning = np.array([1 - item.distance for item in found])
    words = np.array(Bm25([item.document for item in found]).scores(query))
    mixed = EMBEDDING_SHARE * _scaled(meaning) + (1 - EMBEDDING_SHARE) * _scaled(words)
    return [round(float(score), 6) for score in mixed]


def _scaled(values: Any) -> Any:  # noqa: ANN401  # an array of any float type
    spread = values.max() - values.min()
    return np.zeros_like(values) if spread < _SPREAD else (values - values.min()) / spread


def _passage(item: _Candidate, score: float) -> Passage:
    fields = item.metadata
    return Passage(
        kind=PassageKind(fields["kind"]),
        page=fields["page"],
        clause=fields.get("clause"),
        version=fields.get("version"),
        title=fields["title"],
        text=fields["text"],
        score=score,
    )
