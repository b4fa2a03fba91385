"""Pages and playbooks into passages, and passages into a Chroma collection.

A passage's id is a hash of its content, so that writing it twice changes nothing. New passages are written before old
ones are removed and the mark of completion comes last: a reader never meets an empty store, and a crash in between
leaves one that the next start repairs.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from knowledge.library import pages
from knowledge.markdown import sections
from knowledge.parse import Page
from knowledge.playbooks import load, specialists
from tools.ports import PassageKind

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_BATCH = 256
_MARK = "content"


class Document(BaseModel):
    """A passage to be stored."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kind: PassageKind
    page: str
    clause: str | None = None
    version: int | None = None
    title: str
    text: str
    audience: tuple[str, ...] = ()
    """Roles it is written for; empty for everybody."""

    @property
    def id(self) -> str:
        """Hash of everything in it."""
        return blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()

    @property
    def searchable(self) -> str:
        """What is embedded and indexed."""
        head = f"{self.clause} {self.title}" if self.clause else self.title
        return f"{head}\n{self.text}"

    def metadata(self) -> dict[str, Any]:
        """As Chroma keeps it: flat, without empty values."""
        flat = self.model_dump(mode="json", exclude_none=True, exclude={"audience"})
        return {**flat, **{f"for_{role}": True for role in self.audience or ("everybody",)}}


def shipped_documents() -> tuple[Document, ...]:
    """All clauses of the shipped pages and all sections of the playbooks."""
    return (*(document for page in pages() for document in page_documents(page)), *_playbook_documents())


def page_documents(page: Page) -> Iterable[Document]:
    """One document a clause."""
    for clause in page.clauses:
        yield Document(
            kind=page.kind,
            page=page.id,
            clause=clause.id,
            version=clause.version,
            title=f"{page.title}: {clause.title}",
            text=clause.text,
            audience=page.audience,
        )


def _playbook_documents() -> Iterable[Document]:
    for specialist in specialists():
        for section in sections(load(specialist).text, where=specialist):
            if section.prose:
                title = f"Playbook {specialist}: {section.heading}"
                page = f"playbooks/{specialist}"
                yield Document(kind=PassageKind.PLAYBOOK, page=page, title=title, text=section.prose)


def content_hash(documents: Iterable[Document]) -> str:
    """Of a set of documents, whatever their order."""
    return blake2b("".join(sorted(d.id for d in documents)).encode(), digest_size=16).hexdigest()


def synchronise(collection: "Collection", documents: Sequence[Document]) -> bool:
    """Make a collection hold exactly these documents; says whether it had to be changed."""
    wanted = content_hash(documents)
    if (collection.metadata or {}).get(_MARK) == wanted:
        return False
    write(collection, documents)
    stale = sorted(set(collection.get(include=[])["ids"]) - {document.id for document in documents})
    if stale:
        collection.delete(ids=stale)
    collection.modify(metadata={_MARK: wanted})
    return True


def write(collection: "Collection", documents: Sequence[Document]) -> None:
    """Add documents that are not there yet, in batches."""
    unique = {document.id: document for document in documents}
    known = set(collection.get(ids=list(unique), include=[])["ids"]) if unique else set()
    new = [document for id_, document in unique.items() if id_ not in known]
    for start in range(0, len(new), _BATCH):
        batch = new[start : start + _BATCH]
        collection.upsert(
            ids=[document.id for document in batch],
            documents=[document.searchable for document in batch],
            metadatas=[document.metadata() for document in batch],
        )
