import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

import knowledge
from data.slices import Slice
from knowledge import ingest
from knowledge.embeddings import LexicalEmbedding, Vector
from knowledge.ingest import Document, content_hash, shipped_documents
from knowledge.memory import Resolution
from knowledge.store import KnowledgeStore, collection
from tools.findings import HypothesisId
from tools.ports import PassageKind

ROOT = Path(__file__).parents[2]


class OtherEmbedding(LexicalEmbedding):
    """An embedding of another name, as when the sentence model is installed later."""

    @staticmethod
    def name() -> str:
        return "cx-other"


def document(text: str, clause: str = "TST-1") -> Document:
    return Document(
        kind=PassageKind.POLICY, page="policies/test", clause=clause, version=1, title="Test", text=text
    )


def reopen(folder: Path, documents: Sequence[Document]) -> KnowledgeStore:
    from knowledge.store import _client

    return KnowledgeStore(_client(folder), LexicalEmbedding(), documents)


def test_open_store_ingests_once(folder: Path) -> None:
    first = knowledge.open_store(folder)
    assert first.changed
    assert len(first) == len(shipped_documents())
    again = knowledge.open_store(folder)
    assert not again.changed
    assert len(again) == len(first)
    assert all("lexical only" in warning for warning in first.warnings)


def test_open_store_in_memory() -> None:
    store = knowledge.open_store(None)
    assert store.search("refund", limit=1)


def test_changed_pages_replace_the_old_ones(folder: Path) -> None:
    before = reopen(folder, [document("old words"), document("kept", "TST-2")])
    kept = before.search("kept", clause="TST-2")
    after = reopen(folder, [document("new words"), document("kept", "TST-2")])
    assert after.changed
    assert len(after) == 2
    assert [passage.text for passage in after.search("words", clause="TST-1")] == ["new words"]
    assert after.search("kept", clause="TST-2")[0].text == kept[0].text


def test_old_pages_stay_until_the_new_are_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reopen(folder, [document("old words")])

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(ingest, "write", fail)
    with pytest.raises(OSError, match="disk full"):
        reopen(folder, [document("new words")])
    monkeypatch.undo()
    repaired = reopen(folder, [document("new words")])
    assert [passage.text for passage in repaired.search("words")] == ["new words"]


def test_an_interrupted_ingestion_is_finished_by_the_next(folder: Path) -> None:
    from knowledge.store import _client

    reopen(folder, [document("old words")])
    pages = collection(_client(folder), "pages", LexicalEmbedding())
    ingest.write(pages, [document("new words")])
    assert pages.count() == 2
    assert len(reopen(folder, [document("new words")])) == 1


def test_content_hash_ignores_order_and_sees_every_field() -> None:
    one, two = document("a"), document("b", "TST-2")
    assert content_hash([one, two]) == content_hash([two, one]) != content_hash([one])
    assert one.id != one.model_copy(update={"version": 2}).id != one.model_copy(update={"title": "x"}).id


def test_writing_twice_changes_nothing(folder: Path) -> None:
    store = reopen(folder, [document("a"), document("a")])
    assert len(store) == 1
    assert len(reopen(folder, [])) == 0


OPEN = """
import sys
from pathlib import Path
import knowledge
store = knowledge.open_store(Path(sys.argv[1]))
print(len(store), store.search("who may roll back a batching threshold", limit=1)[0].clause)
"""


@pytest.mark.slow
def test_several_processes_open_an_empty_folder_at_once(folder: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=240)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert answers == [[str(len(shipped_documents())), "DSP-2"]] * 2


def test_importing_knowledge_does_not_import_chroma() -> None:
    code = "import sys, knowledge.store, knowledge.playbooks; print('chromadb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def resolution(
    incident: str, cause: HypothesisId, day: int, summary: str = "Waiting fell at once."
) -> Resolution:
    return Resolution(
        incident=incident,
        metric="on_time",
        slice=Slice.parse({"region": "SF", "hour": {"from": 18, "to": 20}}),
        cause=cause,
        action="roll_back_policy",
        closed_as="fixed",
        closed_at=datetime(2026, 3, day, tzinfo=UTC),
        effect_pp=11.5,
        summary=summary,
    )


def test_memory_recalls_what_was_remembered(folder: Path) -> None:
    store = KnowledgeStore.open(folder, LexicalEmbedding())
    batching = resolution("inc-1", HypothesisId.BATCHING_POLICY, 1)
    kitchen = resolution("inc-2", HypothesisId.MERCHANT_PREP, 9, "Three kitchens were short of staff.")
    for item in (batching, kitchen, kitchen):
        store.memory.remember(item)
    assert len(store.memory) == 2
    assert store.memory.recall("kitchens slow", 1) == (kitchen,)
    assert store.memory.recall("kitchens slow", before=kitchen.closed_at) == (batching,)
    reopened = KnowledgeStore.open(folder, LexicalEmbedding())
    assert reopened.memory.recall("batching made couriers wait", 1) == (batching,)
    (passage,) = reopened.search("batching", PassageKind.RESOLUTION, 1)
    assert (passage.page, passage.reference, passage.clause) == ("inc-1", "inc-1", None)
    assert "on_time fell in region=SF, 18-20h" in passage.text


def test_a_later_resolution_of_the_same_incident_replaces_the_earlier(folder: Path) -> None:
    store = KnowledgeStore.open(folder, LexicalEmbedding())
    store.memory.remember(resolution("inc-1", HypothesisId.BATCHING_POLICY, 1))
    corrected = resolution("inc-1", HypothesisId.COURIER_SUPPLY, 2)
    store.memory.remember(corrected)
    assert store.memory.recall("anything") == (corrected,)


def test_memories_survive_another_embedding(folder: Path) -> None:
    first = KnowledgeStore.open(folder, LexicalEmbedding())
    kept = resolution("inc-1", HypothesisId.BATCHING_POLICY, 1)
    first.memory.remember(kept)
    second = KnowledgeStore.open(folder, OtherEmbedding())
    assert second.changed
    assert second.memory.recall("batching") == (kept,)
    assert len(KnowledgeStore.open(folder, OtherEmbedding()).memory) == 1


def test_an_empty_memory_recalls_nothing(folder: Path) -> None:
    assert KnowledgeStore.open(folder, LexicalEmbedding()).memory.recall("anything") == ()


def test_chroma_never_embeds_by_itself(folder: Path) -> None:
    calls: list[int] = []

    class Counting(LexicalEmbedding):
        def __call__(self, input: Sequence[str]) -> list[Vector]:
            calls.append(len(input))
            return super().__call__(input)

    KnowledgeStore.open(folder, Counting())
    assert sum(calls) == len(shipped_documents())
