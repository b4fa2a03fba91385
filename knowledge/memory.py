"""Memory of past resolutions: what an incident was, what was done, and what that measurably changed.

A remembered case may suggest where to look. It is never evidence for the present one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from data.slices import Slice
from knowledge.retrieve import Filter, search
from tools.findings import HypothesisId
from tools.ports import Passage, PassageKind

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

    from knowledge.embeddings import Embedding


class Resolution(BaseModel):
    """How an incident ended."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    incident: str
    """Incident id; a later resolution of the same incident replaces the earlier one."""
    metric: str
    slice: Slice
    cause: HypothesisId
    action: str
    closed_as: str
    closed_at: AwareDatetime
    effect_pp: float | None
    """Measured change of the metric after the action; None where it was not measured."""
    summary: str
    """In a few sentences, as rendered at the time."""

    def passage_text(self) -> str:
        """What is embedded and shown."""
        return f"{self.metric} fell in {self.slice}. Cause: {self.cause.value}. Action: {self.action}. {self.summary}"


class Memory:
    """Past resolutions in a Chroma collection.

    Args:
        client: of Chroma; older collections of another embedding are read from it once.
        collection: for this embedding.
        embedding: of the collection.
    """

    COLLECTION = "resolutions"

    def __init__(self, client: "ClientAPI", collection: "Collection", embedding: "Embedding") -> None:
        self._collection = collection
        self._embedding = embedding
        self._adopt(client)

    def __len__(self) -> int:
        return self._collection.count()

    def remember(self, resolution: Resolution) -> None:
        """Keep a resolution; the same one twice is kept once."""
        self._collection.upsert(
            ids=[resolution.incident],
            documents=[resolution.passage_text()],
            metadatas=[_metadata(resolution)],
        )

    def recall(self, query: str, limit: int = 3, *, before: datetime | None = None) -> tuple[Resolution, ...]:
        """The resolutions most like a description, best first.

        Args:
            query: a description of the present incident.
            limit: at most so many.
            before: only cases closed earlier; a replay must not remember its own future.
        """
        found = {item.incident: item for item in self._all() if before is None or item.closed_at < before}
        ranked = self.search(query, max(len(self), 1))
        return tuple(found[passage.page] for passage in ranked if passage.page in found)[:limit]

    def search(self, query: str, limit: int) -> tuple[Passage, ...]:
        """As passages."""
        return search([self._collection], self._embedding, query, Filter(), limit)

    def _all(self) -> list[Resolution]:
        metadatas: Any = self._collection.get(include=["metadatas"])["metadatas"]
        return [Resolution.model_validate_json(fields["resolution"]) for fields in metadatas]

    def _adopt(self, client: "ClientAPI") -> None:
        for other in client.list_collections():
            if other.name.startswith(f"{self.COLLECTION}-") and other.name != self._collection.name:
                got: Any = other.get(include=["documents", "metadatas"])
                known = set(self._collection.get(include=[])["ids"])
                for id_, document, fields in zip(got["ids"], got["documents"], got["metadatas"], strict=True):
                    if id_ not in known:
                        self._collection.upsert(ids=[id_], documents=[document], metadatas=[fields])


def _metadata(resolution: Resolution) -> Mapping[str, str]:
    return {
        "kind": PassageKind.RESOLUTION.value,
        "page": resolution.incident,
        "title": f"{resolution.cause.value} in {resolution.slice}",
        "text": resolution.passage_text(),
        "resolution": resolution.model_dump_json(),
    }
