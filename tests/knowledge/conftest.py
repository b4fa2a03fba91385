from pathlib import Path

import pytest

from knowledge.embeddings import LexicalEmbedding
from knowledge.store import KnowledgeStore


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeStore:
    """The shipped pages under the lexical embedding; tests only read it."""
    return KnowledgeStore.open(tmp_path_factory.mktemp("shared"), LexicalEmbedding())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "knowledge"
